// What happens to runs, told to every page by one stream.
//
// Invariant: events are hints. Whoever shows something fetches it again; after a lag, a break or a
// refused place in the stream everything is fetched again.
import { store } from '../store';
import type { JobEvent } from './types';
import { follow, type Connection } from './stream';

/** How often pages fetch while the stream is down: every 10 seconds. */
const FALLBACK_MS = 10_000;

/** Something to react to: an event, or that everything may have changed. */
export type Hint = JobEvent | 'everything';

/** How the stream stands. */
export const connection = store<Connection>('connecting');

const listeners = new Set<(hint: Hint) => void>();
let stop: (() => void) | undefined;

/** Tells of hints until the answer is called. */
export function onHint(listener: (hint: Hint) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells all pages that something changed. */
export function tell(hint: Hint): void {
  for (const listener of [...listeners]) listener(hint);
}

/** Begins to follow what happens. */
export function startLive(): void {
  stop?.();
  let timer: number | undefined;
  let wasOnline = false;
  const end = follow('/events', {
    event({ event, data }) {
      if (event === 'resync') tell('everything');
      else tell(JSON.parse(data) as JobEvent);
    },
    state(state) {
      connection.set(state);
      clearInterval(timer);
      timer = undefined;
      if (state === 'offline') timer = window.setInterval(() => tell('everything'), FALLBACK_MS);
      if (state === 'online' && wasOnline) tell('everything');
      wasOnline ||= state === 'online';
    },
  });
  stop = () => {
    clearInterval(timer);
    end();
  };
}

/** Ends it, as where one signs out. */
export function stopLive(): void {
  stop?.();
  stop = undefined;
}
