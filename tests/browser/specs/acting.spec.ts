// What people do: run a job, watch it, stop it, mend what failed, pause, change a schedule.
import { expect, inspect, test } from '../fixtures';

// The browser says on its console that a request was refused: here that is what is wanted.
test.use({ allowed: [/422/] });

test('a job is run by its form, watched and stopped', async ({ page }) => {
  await page.goto('/jobs');
  await page.getByRole('button', { name: 'Run import-prices' }).click();
  const form = page.getByRole('dialog', { name: 'Run import prices' });
  await form.getByLabel('source').fill('ab');
  await form.getByLabel('mode').selectOption('replace');
  await form.getByLabel('rows').fill('4000');
  await form.getByRole('button', { name: 'Add to regions' }).click();
  await form.getByLabel('regions 1').fill('north');
  await form.getByLabel('strict').check();
  await inspect(page, 'job-form');

  await form.getByRole('button', { name: 'Run now' }).click();
  await expect(form.getByLabel('source')).toHaveAttribute('aria-invalid', 'true');
  await expect(form.locator('.field-problem')).toContainText('shorter than 3');
  await form.getByLabel('source').fill('prices.csv');
  await form.getByRole('button', { name: 'Run now' }).click();

  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('region', { name: 'Input' })).toContainText('"regions"');
  await expect(page.getByRole('region', { name: 'Input' })).toContainText('"north"');
  const progress = page.getByTestId('progress');
  await expect(progress).toContainText('of 4,000');
  const seen = await progress.textContent();
  await expect(progress).not.toHaveText(seen ?? '');
  await expect(page.getByRole('log')).toContainText('row 20 is in order');
  await inspect(page, 'run-running');

  await page.getByRole('combobox', { name: 'Least level' }).selectOption('info');
  await expect(page.getByRole('log')).not.toContainText('is in order');

  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel the run' }).click();
  await expect(page.locator('.head')).toContainText('cancelled');
  await expect(page.getByRole('log')).toContainText('stops between two rows');
});

test('an input is given as JSON where one likes', async ({ page }) => {
  await page.goto('/jobs/import-prices');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'JSON' }).click();
  await form.getByLabel('Input, as JSON').fill('{"source": "a.csv", "mode": "add", "rows": 2}');
  await form.getByRole('button', { name: 'Form' }).click();
  await expect(form.getByLabel('source')).toHaveValue('a.csv');
  await form.getByRole('button', { name: 'Run now' }).click();
  await expect(page.locator('.head')).toContainText('completed');
  await expect(page.getByRole('region', { name: 'Output' })).toContainText('"rows": 2');
});

test('dead letters are tried again in groups, and deleted', async ({ page }) => {
  await page.goto('/dead');
  await page.getByRole('button', { name: 'Retry all: send-mail, greylisted' }).click();
  await expect(page.getByTestId('matching')).toHaveText('3 runs');
  await page.getByRole('button', { name: 'Retry them' }).click();
  await expect(page.getByText('3 runs changed')).toBeVisible();
  await page.getByRole('button', { name: 'Delete all: send-mail, timeout' }).click();
  await expect(page.getByTestId('matching')).toHaveText('1 run');
  await page.getByRole('button', { name: 'Delete them' }).click();
  await expect(page.getByText('1 run changed')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete all: send-mail, timeout' })).toHaveCount(0);
});

test('a queue is paused and goes on', async ({ page }) => {
  await page.goto('/queues');
  const queues = page.getByRole('region', { name: 'Queues' });
  await queues.getByRole('button', { name: 'Pause queue media' }).click();
  await expect(queues.getByRole('button', { name: 'Resume queue media' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Limits' })).toContainText('queue media');
  await inspect(page, 'queues-paused');
  await queues.getByRole('button', { name: 'Resume queue media' }).click();
  await expect(queues.getByRole('button', { name: 'Pause queue media' })).toBeVisible();
});

test('a limit is set and taken away', async ({ page }) => {
  await page.goto('/queues');
  await page.getByRole('button', { name: 'Set a limit' }).click();
  await page.getByLabel('Which').fill('mail');
  await page.getByLabel('At a time, at most').fill('2');
  await page.getByRole('button', { name: 'Set the limit' }).click();
  await expect(page.getByRole('region', { name: 'Limits' })).toContainText('2 at a time');
  await page.getByRole('button', { name: 'Remove the limit of queue mail' }).click();
  await page.getByRole('button', { name: 'Remove the limit', exact: true }).click();
  await expect(page.getByText('Nothing is limited or paused.')).toBeVisible();
});

test('a schedule is turned off and on, and changed', async ({ page }) => {
  await page.goto('/schedules');
  const isOn = page.getByRole('switch', { name: 'nightly-report is on' });
  await isOn.click();
  await expect(isOn).not.toBeChecked();
  await expect(page.getByRole('row').filter({ hasText: 'nightly-report' })).toContainText('off');
  await isOn.click();
  await expect(isOn).toBeChecked();

  await page.getByRole('link', { name: 'nightly-report' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Cron expression').fill('15 6 * * 1-5');
  await expect(form.getByTestId('rule-text')).toContainText('06:15');
  await inspect(page, 'schedule-edit');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('the schedule is changed')).toBeVisible();
  await expect(page.locator('main')).toContainText('06:15');
  await expect(page.locator('main')).toContainText('a plugin, changed here');
  await page.getByRole('button', { name: 'Reset' }).click();
  await expect(page.locator('main')).toContainText('02:30');
});

test('a token is made, shown once and revoked', async ({ page }) => {
  await page.goto('/tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('nightly backups');
  await form.getByLabel('May').selectOption('enqueue');
  await inspect(page, 'token-form');
  await form.getByRole('button', { name: 'Make it' }).click();
  const token = await page.getByTestId('token').textContent();
  expect(token).toMatch(/^zj_/);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  const row = page.getByRole('row').filter({ hasText: 'nightly backups' });
  await expect(row).toContainText('good');
  expect(await page.content()).not.toContain(token ?? '');
  await inspect(page, 'tokens');
  await row.getByRole('button', { name: 'Revoke nightly backups' }).click();
  await page.getByRole('button', { name: 'Revoke the token' }).click();
  await expect(row).toContainText('revoked');
});
