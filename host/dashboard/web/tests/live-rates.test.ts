import { describe, expect, it } from 'vitest';

import type { EventKind, JobEvent } from '../src/api/types';
import { LiveRates, SPAN_S, SPANS_KEPT } from '../src/pages/live-rates';

const event = (kind: EventKind): JobEvent => ({
  at: '', tenant: 't', run: 'r', job_type: 'j', queue: 'q', kind,
});

describe('live rates', () => {
  it('count what begins and how it ends, in the spans that are over', () => {
    const live = new LiveRates();
    for (const kind of ['started', 'started', 'logged', 'progressed'] as const) live.add(event(kind), 100);
    live.add(event({ settled: 'completed' }), 101);
    live.add(event({ settled: 'awaiting-retry' }), 101);
    live.add(event({ settled: 'cancelled' }), 101);
    const { times, rates } = live.until(100 + SPAN_S);
    expect(times.at(-1)).toBe(100);
    expect([rates.started, rates.completed, rates.failed].map((it) => it.at(-1))).toEqual([1, 0.5, 0.5]);
    expect(live.until(100).rates.started.at(-1)).toBe(0);
  });

  it('keep so many spans and no more', () => {
    const live = new LiveRates();
    for (let second = 0; second < 10 * SPANS_KEPT; second += 1) live.add(event('started'), second);
    expect(live.until(10 * SPANS_KEPT).rates.started).toHaveLength(SPANS_KEPT);
  });
});
