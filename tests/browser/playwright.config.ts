// How the browser tests run: against the host that ZAPJOBS_URL names, with the system's Chromium.
import { defineConfig } from '@playwright/test';

const url = process.env['ZAPJOBS_URL'];
if (!url) throw new Error('set ZAPJOBS_URL to the host that is tested: `cargo xtask test browser` does');

export default defineConfig({
  testDir: 'specs',
  outputDir: 'artefacts/results',
  // One host serves all tests, and some of them change what others would see.
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  forbidOnly: true,
  use: {
    baseURL: url,
    viewport: { width: 1360, height: 860 },
    timezoneId: 'Europe/Lisbon',
    locale: 'en-GB',
    trace: 'off',
    launchOptions: {
      executablePath: process.env['ZAPJOBS_CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-quic',
        '--no-first-run',
      ],
    },
  },
});
