import { describe, expect, it } from 'vitest';

import { fill, type SpanSums } from '../src/pages/overview/hours';

describe('hours', () => {
  it('are all there, also those in which nothing happened', () => {
    const hour = Date.parse('2026-11-21T12:00:00Z') / 3_600_000;
    const known = { from: '2026-11-21T11:00:00Z', completed: 7 } as SpanSums;
    const filled = fill([known, { ...known, from: '2026-11-20T01:00:00Z' }], hour, 3);
    expect(filled.map((one) => one.completed)).toEqual([0, 7, 0]);
    expect(filled.map((one) => Date.parse(one.from) / 3_600_000)).toEqual([hour - 2, hour - 1, hour]);
  });
});
