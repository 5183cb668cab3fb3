// Hours in which something happened, with those between in which nothing did. Invariant: pure.

/** What happened in a span. */
export interface SpanSums {
  readonly from: string;
  readonly enqueued: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  readonly 'put-back': number;
  readonly 'wall-us': number;
}

const HOUR_MS = 3_600_000;

/** So many hours up to this one, counted from 1970. */
export function fill(spans: readonly SpanSums[], hour: number, hours: number): SpanSums[] {
  const known = new Map(spans.map((one) => [Math.floor(Date.parse(one.from) / HOUR_MS), one]));
  return Array.from({ length: hours }, (_, at) => {
    const of = hour - hours + 1 + at;
    return known.get(of) ?? { ...NOTHING, from: new Date(of * HOUR_MS).toISOString() };
  });
}

const NOTHING = {
  enqueued: 0, started: 0, completed: 0, failed: 0, cancelled: 0, retried: 0, 'put-back': 0, 'wall-us': 0,
};
