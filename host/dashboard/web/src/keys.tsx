// Keys that work everywhere, save where one types.
import { useEffect } from 'preact/hooks';

import { Dialog } from './parts/dialog';
import { go } from './router';

/** How long the second key of a pair may take: 1 second. */
const PAIR_MS = 1_000;

const GOES: Readonly<Record<string, readonly [string, string]>> = {
  o: ['/', 'overview'],
  r: ['/runs', 'runs'],
  b: ['/batches', 'batches'],
  j: ['/jobs', 'jobs'],
  s: ['/schedules', 'schedules'],
  q: ['/queues', 'queues'],
  d: ['/dead', 'dead letters'],
  w: ['/workers', 'workers'],
  p: ['/plugins', 'plugins'],
};

/** Listens to the keys. */
export function useKeys(showKeys: () => void): void {
  useEffect(() => {
    let isGoing = false;
    let timer: number | undefined;
    const take = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      const target = isGoing ? GOES[event.key] : undefined;
      isGoing = false;
      clearTimeout(timer);
      if (target) {
        event.preventDefault();
        go(target[0]);
      } else if (event.key === '/') {
        event.preventDefault();
        focusSearch();
      } else if (event.key === '?') {
        event.preventDefault();
        showKeys();
      } else if (event.key === 'g') {
        isGoing = true;
        timer = window.setTimeout(() => { isGoing = false; }, PAIR_MS);
      }
    };
    document.addEventListener('keydown', take);
    return () => {
      document.removeEventListener('keydown', take);
      clearTimeout(timer);
    };
  }, []);
}

/** Where there is no search on the page, it is on the page of runs. */
function focusSearch(): void {
  const search = (): HTMLInputElement | null => document.querySelector('input[type="search"]');
  if (search() === null) go('/runs');
  requestAnimationFrame(() => requestAnimationFrame(() => search()?.focus()));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input:not([type="checkbox"]), textarea, select') !== null;
}

/** The keys, for people. */
export function Keys({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        <dt><kbd>/</kbd></dt><dd>search</dd>
        <dt><kbd>?</kbd></dt><dd>this list</dd>
        {Object.entries(GOES).map(([key, [, name]]) => [
          <dt key={key}><kbd>g</kbd> <kbd>{key}</kbd></dt>,
          <dd key={name}>go to {name}</dd>,
        ])}
        <dt><kbd>Esc</kbd></dt><dd>close a window</dd>
      </dl>
    </Dialog>
  );
}
