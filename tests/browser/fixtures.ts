// What holds on every page: no error on the console, no request to another host, nothing that keeps
// people out.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { expect, test as base, type Page } from '@playwright/test';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Watched {
  /** Messages that a test provokes: what the browser says of a refused request. */
  allowed: RegExp[];
}

/** Pages that are watched: a test fails where one complains or talks to others. */
export const test = base.extend<Watched>({
  allowed: [[], { option: true }],
  page: async ({ page, allowed, baseURL }, use) => {
    const problems: string[] = [];
    const home = new URL(baseURL ?? '').origin;
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && !allowed.some((one) => one.test(text))) problems.push(text);
    });
    page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== home) problems.push(`request to ${request.url()}`);
    });
    page.on('dialog', (dialog) => {
      problems.push(`a script opened a window: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await use(page);
    expect(problems).toEqual([]);
  },
});

export { expect };

/** Both appearances. */
export const SCHEMES = ['light', 'dark'] as const;

/** Waits until the page is shown as it now is: the frame after the next one has begun. */
function painted(page: Page): Promise<void> {
  return page.evaluate(() => new Promise<void>((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  }));
}

/** Looks for what keeps people out, in both appearances, and takes a picture of each. */
export async function inspect(page: Page, name: string): Promise<void> {
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await painted(page);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      interface Finding { impact: string; id: string; nodes: { target: string[]; failureSummary: string }[] }
      const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`));
    });
    expect(found, `${name}, ${scheme}`).toEqual([]);
    await page.screenshot({ path: `artefacts/${name}-${scheme}.png` });
  }
}
