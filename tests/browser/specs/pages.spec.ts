// Every page: it is there, it shows something, and it keeps nobody out.
import { expect, inspect, test } from '../fixtures';

const PAGES = [
  ['/', 'Overview', 'completed'],
  ['/batches', 'Batches', 'Pictures of March'],
  ['/dead', 'Dead letters', 'mailbox'],
  ['/jobs', 'Jobs', 'import prices'],
  ['/jobs/import-prices', 'import prices', 'Schema of the input'],
  ['/schedules', 'Schedules', 'nightly-report'],
  ['/schedules/nightly-report', 'nightly-report', 'at 02:30'],
  ['/queues', 'Queues & limits', 'media'],
  ['/workers', 'Workers', 'alive'],
  ['/plugins', 'Plugins', 'waits for approval'],
  ['/tenants', 'Tenants', 'default'],
  ['/audit', 'Audit', 'over HTTP'],
  ['/about', 'About', 'OpenAPI document'],
] as const;

for (const [path, title, text] of PAGES) {
  test(`the page at ${path} shows what there is`, async ({ page }) => {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
    await expect(page.locator('main')).toContainText(text);
    await expect(page).toHaveTitle(`${title} · ZapJobs`);
    await inspect(page, path === '/' ? 'overview' : path.slice(1).replaceAll('/', '-'));
  });
}

test('every link of the navigation leads to its page', async ({ page }) => {
  await page.goto('/');
  const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
  const names = await links.allTextContents();
  expect(names.length).toBeGreaterThan(6);
  for (const name of names) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
    await expect(page.getByRole('link', { name, exact: true })).toHaveAttribute('aria-current', 'page');
  }
});

test('the keyboard alone is enough', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: 'Search runs' })).toBeFocused();
});

test('the theme is the system’s until one chooses', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/');
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await expect.poll(ground).not.toBe(dark);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Theme: light' })).toBeVisible();
  expect(await ground()).not.toBe(dark);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await expect.poll(ground).toBe(dark);
});

test('a narrow screen has everything', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 780 });
  await page.goto('/runs');
  await expect(page.getByRole('table')).toBeVisible();
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('link', { name: 'Dead letters' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Dead letters' })).toBeVisible();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await inspect(page, 'narrow');
});

test('a place that is not there says so', async ({ page }) => {
  await page.goto('/nowhere/at/all');
  await expect(page.getByText('There is nothing at this address.')).toBeVisible();
});
