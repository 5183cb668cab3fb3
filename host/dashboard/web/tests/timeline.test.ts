import { describe, expect, it } from 'vitest';

import type { LogEntry, Run } from '../src/api/types';
import { claimsOf, timeline } from '../src/pages/run/timeline';

const run = (given: Partial<Run>): Run => ({
  created_at: '2026-11-21T12:00:00Z', due_at: '2026-11-21T12:00:00Z', status: 'pending', lease: 0,
  attempt: 0, max_attempts: 3, ...given,
}) as Run;

const line = (lease: number, at: string): LogEntry => ({ lease, at } as LogEntry);

describe('a timeline', () => {
  it('begins with the run and ends with its end', () => {
    const ended = run({ status: 'failed', lease: 1, attempt: 1, started_at: 'b', finished_at: 'c' });
    expect(timeline(ended, []).map((it) => it.title)).toEqual(['Enqueued', 'Attempt 1 of 3 began', 'Failed']);
  });

  it('tells of earlier claims by what they said', () => {
    const claims = claimsOf([line(1, 'a'), line(1, 'b'), line(2, 'c')]);
    expect(claims).toEqual([{ lease: 1, at: 'a' }, { lease: 2, at: 'c' }]);
    const running = run({ status: 'running', lease: 2, attempt: 2, started_at: 'c' });
    expect(timeline(running, claims)).toHaveLength(3);
  });

  it('tells when the next attempt comes', () => {
    const waiting = run({ status: 'awaiting-retry', attempt: 1, lease: 1, started_at: 'b', due_at: 'd' });
    expect(timeline(waiting, []).at(-1)).toMatchObject({ title: 'Next attempt', at: 'd' });
  });
});
