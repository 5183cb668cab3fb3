// Batches: how far they are, and what can be done to a whole one.
import { expect, inspect, test } from '../fixtures';

test('a batch tells how far it is, shows its runs and is tried again as a whole', async ({ page }) => {
  await page.goto('/batches');
  const row = page.getByRole('table').locator('tbody tr').filter({ hasText: 'Pictures of March' });
  await expect(row).toContainText('complete');
  await expect(row).toContainText('8 of 8');
  await expect(row).toContainText('2 did not complete');
  await row.getByRole('link').click();

  await expect(page.getByRole('heading', { level: 1, name: 'Pictures of March' })).toBeVisible();
  const runs = page.getByRole('region', { name: 'Runs' }).locator('tbody tr');
  await expect(runs).toHaveCount(8);
  await inspect(page, 'batch');
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Retry the batch' }).click();
  await expect(page.getByText('2 runs changed')).toBeVisible();
  await expect(page.locator('main')).toContainText('8 of 8');

  await page.getByRole('link', { name: 'All runs' }).click();
  await expect(page).toHaveURL(/batch=/);
  await expect(page.getByRole('table').locator('tbody tr')).toHaveCount(8);
  await page.getByRole('table').locator('tbody tr .title-link').first().click();
  await expect(page.getByRole('link', { name: 'look' })).toHaveAttribute('href', /^\/batches\//);
});
