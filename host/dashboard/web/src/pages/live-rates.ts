// What happened in the last minutes, counted from events.
//
// Invariant: pure; so many spans are kept at most, whatever comes.
import type { JobEvent } from '../api/types';

/** Seconds of one span. */
export const SPAN_S = 2;
/** Spans that are kept: 5 minutes. */
export const SPANS_KEPT = 150;

/** How often what happened in one span. */
export interface Rates {
  readonly started: readonly number[];
  readonly completed: readonly number[];
  readonly failed: readonly number[];
}

/** Counts events by the span in which they came. */
export class LiveRates {
  readonly #spans = new Map<number, { started: number; completed: number; failed: number }>();

  /** Counts an event that came at this time, in seconds. */
  add(event: JobEvent, now: number): void {
    const name = nameOf(event);
    if (name === undefined) return;
    const span = Math.floor(now / SPAN_S);
    const counts = this.#spans.get(span) ?? { started: 0, completed: 0, failed: 0 };
    counts[name] += 1;
    this.#spans.set(span, counts);
    for (const old of this.#spans.keys()) {
      if (old <= span - SPANS_KEPT - 1) this.#spans.delete(old);
    }
  }

  /** The spans that are over, in events a second, oldest first, with their times. */
  until(now: number): { readonly times: readonly number[]; readonly rates: Rates } {
    const last = Math.floor(now / SPAN_S) - 1;
    const spans = Array.from({ length: SPANS_KEPT }, (_, at) => last - SPANS_KEPT + 1 + at);
    const of = (name: 'started' | 'completed' | 'failed'): number[] =>
      spans.map((span) => (this.#spans.get(span)?.[name] ?? 0) / SPAN_S);
    return {
      times: spans.map((span) => span * SPAN_S),
      rates: { started: of('started'), completed: of('completed'), failed: of('failed') },
    };
  }
}

function nameOf(event: JobEvent): 'started' | 'completed' | 'failed' | undefined {
  if (event.kind === 'started') return 'started';
  if (typeof event.kind !== 'object') return undefined;
  const { settled } = event.kind;
  if (settled === 'completed') return 'completed';
  return settled === 'failed' || settled === 'awaiting-retry' ? 'failed' : undefined;
}
