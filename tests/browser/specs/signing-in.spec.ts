// Where the server asks for a token.
import { expect, inspect, test } from '../fixtures';

test.use({ allowed: [/401/] });

test('a token is asked for, refused and taken', async ({ page }) => {
  // The host of these tests asks nobody: what it would answer otherwise is put before it.
  await page.route('**/api/**', async (route) => {
    const token = await route.request().headerValue('authorization');
    if (token === 'Bearer zj_good') return route.fallback();
    return route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'unauthorised', detail: 'show a token' }),
    });
  });
  await page.goto('/runs');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await inspect(page, 'sign-in');
  await page.getByLabel('Token').fill('zj_bad');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('not known');
  await page.getByLabel('Token').fill('zj_good');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('table')).toBeVisible();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('zj_good');
});
