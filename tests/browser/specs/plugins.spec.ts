// Plugins: what waits for approval, and versions to go back to.
import { expect, inspect, test } from '../fixtures';

test('a version that wants more is approved by a person who has seen what', async ({ page }) => {
  await page.goto('/plugins');
  const rows = page.getByRole('table').locator('tbody tr');
  await expect(rows.filter({ hasText: 'reports' })).toContainText('refused');
  await expect(rows.filter({ hasText: 'newsletter' })).toContainText('waits for approval');
  await page.getByRole('link', { name: 'newsletter', exact: true }).first().click();

  await expect(page.getByRole('heading', { level: 1, name: 'newsletter' })).toBeVisible();
  await expect(page.getByText('A new version waits for approval.')).toBeVisible();
  await expect(page.getByRole('table', { name: 'What it wants' })).toContainText('sockets');
  await expect(page.locator('main')).toContainText('https://api.example.com');
  await inspect(page, 'plugin-held');
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(page.getByRole('dialog')).toContainText('sockets');
  await page.getByRole('button', { name: 'Approve it' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('header .badge')).toHaveText('serving');
  await expect(page.getByText('A new version waits for approval.')).toHaveCount(0);
});

test('an earlier version serves again, until it is unpinned', async ({ page }) => {
  await page.goto('/plugins/stocktaking');
  const versions = page.getByRole('region', { name: 'Versions' }).locator('tbody tr');
  await expect(versions).toHaveCount(2);
  await page.getByRole('button', { name: /^Go back to/ }).click();
  await page.getByRole('button', { name: 'Go back', exact: true }).click();
  await expect(page.locator('header .badge')).toHaveText('pinned');
  await expect(versions.filter({ hasText: 'pinned' })).toHaveCount(1);
  await inspect(page, 'plugin-pinned');
  await page.getByRole('button', { name: 'Unpin' }).click();
  await page.getByRole('button', { name: 'Unpin it' }).click();
  await expect(page.locator('header .badge')).toHaveText('serving');
});

test.describe('where there is none', () => {
  test.use({ allowed: [/404/] });

  test('a plugin that is not there says so', async ({ page }) => {
    await page.goto('/plugins/nothing');
    await expect(page.getByText(/Cannot show this/)).toBeVisible();
  });
});
