// The page of runs.
import { expect, inspect, test } from '../fixtures';

test('runs are listed, filtered by the address and found by their text', async ({ page }) => {
  await page.goto('/runs');
  const rows = page.getByRole('table').locator('tbody tr');
  await expect(rows).toHaveCount(50);
  await inspect(page, 'runs');

  await page.getByRole('button', { name: /^failed/ }).click();
  await expect(page).toHaveURL(/status=failed/);
  await expect(rows.first()).toContainText('failed');
  await page.reload();
  await expect(page.getByRole('button', { name: /^failed/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(rows.first()).toContainText('failed');

  await page.keyboard.press('/');
  const search = page.getByRole('searchbox', { name: 'Search runs' });
  await expect(search).toBeFocused();
  await search.fill('job:markup');
  await expect(page).toHaveURL(/job=markup/);
  await expect(rows).toHaveCount(1);
  await expect(rows.first()).toContainText('<script>alert(1)</script>');

  await search.fill('no such thing anywhere');
  await expect(page.getByText('No run fits this filter.')).toBeVisible();
});

test('pages lead on and back', async ({ page }) => {
  await page.goto('/runs');
  const first = page.getByRole('table').locator('tbody tr .title-link').first();
  const href = await first.getAttribute('href');
  await page.getByRole('button', { name: 'Older' }).click();
  await expect(page).toHaveURL(/cursor=/);
  await expect(first).not.toHaveAttribute('href', href ?? '');
  await page.getByRole('button', { name: 'Newer' }).click();
  await expect(page).not.toHaveURL(/cursor=/);
});

test('many runs are changed together, once the server has said how many', async ({ page }) => {
  await page.goto('/runs?status=scheduled');
  const rows = page.getByRole('table').locator('tbody tr');
  const before = await rows.count();
  await expect(rows.first()).toContainText('scheduled');
  await rows.nth(0).getByRole('checkbox').check();
  await rows.nth(1).getByRole('checkbox').check();
  await page.getByRole('group', { name: 'Chosen runs' }).getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByTestId('matching')).toHaveText('2 runs');
  await inspect(page, 'runs-bulk');
  await page.getByRole('button', { name: 'Cancel them' }).click();
  await expect(page.getByText('2 runs changed')).toBeVisible();
  await expect(rows).not.toHaveCount(before + 1);
});

test('all that a filter takes is retried, whatever the page shows', async ({ page }) => {
  await page.goto('/runs?status=failed&search=greylisted');
  const rows = page.getByRole('table').locator('tbody tr');
  await expect(rows.first()).toContainText('greylisted');
  await page.getByRole('checkbox', { name: 'Choose all on this page' }).check();
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await expect(page.getByTestId('matching')).toHaveText('3 runs');
  await page.getByRole('button', { name: 'Keep as is' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
