// How the dashboard is built: into ../dist, which is committed and which the Rust crate embeds.
//
// The same sources give the same bytes: names carry hashes of what is in the files, and nothing
// of the machine or the time gets in.
import { defineConfig } from 'vite';

import { licences } from './licences.ts';

/** Where `npm run dev` finds the API. */
const API = process.env['ZAPJOBS_API'] ?? 'http://127.0.0.1:7878';

/** The API answers pages of its own origin alone. */
const proxy = { '/api': { target: API, changeOrigin: true, headers: { origin: API } } };

export default defineConfig({
  plugins: [licences(['preact', 'uplot', '@fontsource-variable/inter'])],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // A font or a picture in a data: address would need a laxer content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy },
  preview: { proxy },
});
