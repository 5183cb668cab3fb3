// Webhooks: made, with a secret that is shown once; turned off; deleted.
import { expect, inspect, test } from '../fixtures';

test('a webhook is made, tested, turned off and deleted', async ({ page }) => {
  await page.goto('/webhooks');
  await page.getByRole('button', { name: 'Make a webhook' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('ops');
  await form.getByLabel('Address').fill('https://receiver.example/hooks');
  await form.getByLabel(/run\.cancelled:/).check();
  await inspect(page, 'webhook-form');
  await form.getByRole('button', { name: 'Make it' }).click();
  const secret = await page.getByTestId('secret').textContent();
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  const row = page.getByRole('row').filter({ hasText: 'ops' });
  await expect(row).toContainText('run.failed');
  await expect(row).toContainText('run.cancelled');
  expect(await page.content()).not.toContain(secret ?? '');
  await inspect(page, 'webhooks');

  await row.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: 'ops' })).toBeVisible();
  await expect(page.getByText('Nothing was sent yet.')).toBeVisible();
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText('a test is on its way')).toBeVisible();
  await inspect(page, 'webhook');
  await page.getByRole('button', { name: 'Turn off' }).click();
  await expect(page.locator('header .badge')).toHaveText('off');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the webhook' }).click();
  await expect(page.getByText('No webhooks.')).toBeVisible();
});
