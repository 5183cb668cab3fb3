// The page of one run.
import { expect, inspect, test } from '../fixtures';

test('what a job says is text, whatever is in it', async ({ page }) => {
  await page.goto('/runs?job=markup');
  await page.getByRole('link', { name: 'markup' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'markup' })).toBeVisible();
  await expect(page.getByRole('log')).toContainText('<script>alert(1)</script>');
  await expect(page.locator('.error-text')).toContainText('<script>alert(1)</script>');
  expect(await page.locator('main script, main img, main b').count()).toBe(0);
  await inspect(page, 'run-failed');
});

test('a failed run is mended and tried again', async ({ page }) => {
  await page.goto('/runs?status=failed&search=mailbox');
  await page.getByRole('link', { name: 'send-mail' }).first().click();
  await expect(page.getByText('mail::send at src/send.rs:41')).toBeVisible();
  await page.getByRole('button', { name: 'Edit input and retry' }).click();
  const input = page.getByLabel('Input, as JSON');
  await expect(input).toHaveValue(/"fault": "mailbox"/);
  await input.fill('{"to": 7');
  await page.getByRole('button', { name: 'Retry with this input' }).click();
  await expect(page.getByRole('alert')).toContainText('JSON');
  await input.fill('{"to": 7}');
  await page.getByRole('button', { name: 'Retry with this input' }).click();
  await expect(page.getByText('completed', { exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Output' })).toContainText('"sent": 1');
});

test('a workflow is a graph, reached from its runs', async ({ page }) => {
  await page.goto('/runs?status=failed&search=refused');
  await page.getByRole('link', { name: 'send-mail' }).click();
  await page.getByRole('link', { name: 'shop night' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'shop night' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'newsletter failed' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'report completed' })).toBeVisible();
  await inspect(page, 'workflow');
  await page.getByRole('link', { name: 'pictures completed' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'thumbnail' })).toBeVisible();
});

test.describe('what is not there', () => {
  test.use({ allowed: [/404/] });

  test('an unknown run says so', async ({ page }) => {
    await page.goto('/runs/01900000-0000-7000-8000-000000000000');
    await expect(page.getByRole('alert')).toContainText('there is no run');
  });
});
