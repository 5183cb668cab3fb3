// What a page shows, fetched again when it may have changed.
//
// Invariant: one request at a time for each query, and at most so many in a second however many
// events come; what was shown stays until there is something newer.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { onHint } from './live';
import { Problem } from './problem';
import type { JobEvent } from './types';

/** The least time between two fetches that events cause, unless said: 150 ms. */
const REFETCH_MS_MIN = 150;

/** What is known of a query. */
export interface Fetched<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
  /** Fetches again at once. */
  readonly refetch: () => void;
}

/** Fetches when the key changes, and again on hints that matter. */
export function useFetched<T>(
  key: string | null,
  fetcher: (signal: AbortSignal) => Promise<T>,
  matters: (event: JobEvent) => boolean = () => false,
  everyMs: number = REFETCH_MS_MIN,
): Fetched<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: Error; busy: boolean }>(
    { key, busy: key !== null },
  );
  const latest = useRef({ fetcher, matters });
  latest.current = { fetcher, matters };
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    if (key === null) return undefined;
    const stop = new AbortController();
    let isBusy = false;
    let isWanted = false;
    let last = 0;
    let timer: number | undefined;

    const fetchNow = async (): Promise<void> => {
      timer = undefined;
      if (isBusy) {
        isWanted = true;
        return;
      }
      isBusy = true;
      isWanted = false;
      last = performance.now();
      try {
        const data = await latest.current.fetcher(stop.signal);
        if (!stop.signal.aborted) setState({ key, data, busy: false });
      } catch (error) {
        if (!stop.signal.aborted) setState((old) => failed(old, key, error as Error));
      }
      isBusy = false;
      if (isWanted && !stop.signal.aborted) soon();
    };
    const soon = (): void => {
      if (timer !== undefined) return;
      const wait = Math.max(0, last + everyMs - performance.now());
      timer = window.setTimeout(() => void fetchNow(), wait);
    };
    again.current = () => void fetchNow();
    setState((old) => (old.key === key ? old : { key, busy: true }));
    void fetchNow();
    const off = onHint((hint) => {
      if (hint === 'everything' || latest.current.matters(hint)) soon();
    });
    return () => {
      off();
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, everyMs]);

  const refetch = useCallback(() => again.current(), []);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: key !== null && (!isCurrent || state.busy),
    refetch,
  };
}

/** What is shown after a failure: what was there, unless it is there no more. */
function failed<T>(
  old: { key: string | null; data?: T },
  key: string,
  error: Error,
): { key: string; data?: T; error: Error; busy: boolean } {
  const isGone = error instanceof Problem && error.status === 404;
  const kept = !isGone && old.key === key && old.data !== undefined ? { data: old.data } : {};
  return { key, ...kept, error, busy: false };
}
