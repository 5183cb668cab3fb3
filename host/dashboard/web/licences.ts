// Puts the licences of what is bundled beside it, as they ask for.
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** Emits `licences.txt` with the licence of each package. */
export function licences(packages: readonly string[]): Plugin {
  return {
    name: 'licences',
    generateBundle() {
      const texts = packages.map((name) => {
        const folder = new URL(`./node_modules/${name}/`, import.meta.url);
        const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
        const text = readFileSync(new URL('LICENSE', folder), 'utf8').trim();
        return `${name} ${version}\n\n${text}\n`;
      });
      const rule = `\n${'-'.repeat(72)}\n\n`;
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join(rule) });
    },
  };
}
