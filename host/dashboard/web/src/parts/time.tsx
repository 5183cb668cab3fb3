// Instants that move on with the present.
import { store, useStore } from '../store';
import { exact, relative, span } from '../text/time';

const now = store(Date.now());
/** How far the server's clock is before this one, in milliseconds. */
let ahead = 0;

/** Begins to move the present on, once a second while the page is seen. */
export function startClock(): void {
  setInterval(() => {
    if (document.visibilityState === 'visible') now.set(Date.now() + ahead);
  }, 1_000);
}

/** Learns the server's time, so that ages are right where this clock is wrong. */
export function learnTime(server: string): void {
  const difference = Date.parse(server) - Date.now();
  ahead = Number.isFinite(difference) && Math.abs(difference) > 2_000 ? difference : 0;
}

/** The present, by the server's clock. */
export const useNow = (): number => useStore(now);

/** An instant as its distance from the present; the exact one on hover. */
export function Ago({ at }: { readonly at: string | null | undefined }) {
  const present = useNow();
  if (!at) return <span class="faint">–</span>;
  return <time dateTime={at} title={exact(at)} class="nowrap">{relative(at, present)}</time>;
}

/** An instant in full. */
export function Exact({ at }: { readonly at: string | null | undefined }) {
  const present = useNow();
  if (!at) return <span class="faint">–</span>;
  return <time dateTime={at} title={relative(at, present)}>{exact(at)}</time>;
}

/** How long something took, or takes until now. */
export function Took({ from, to }: { readonly from?: string | null; readonly to?: string | null }) {
  const present = useNow();
  if (!from) return <span class="faint">–</span>;
  const end = to ? Date.parse(to) : Math.max(present, Date.parse(from));
  return <span class="num nowrap">{span(end - Date.parse(from))}</span>;
}
