import { describe, expect, it } from 'vitest';

import { limitText, scopeText } from '../src/pages/queues/limit';
import { cronText, scheduleText } from '../src/text/schedule';

describe('a limit', () => {
  it('says what it allows', () => {
    expect(limitText({ paused: false })).toBe('no bound');
    const rate = { count: 10, per_us: 1_000_000, algorithm: 'token-bucket', burst: 5 };
    expect(limitText({ concurrency: 2, rate, paused: true })).toBe('2 at a time, 10 runs per second, up to 5 at once');
    expect(limitText({ rate: { count: 1, per_us: 60_000_000, algorithm: 'sliding-window' }, paused: false })).toBe('1 run per minute');
  });

  it('says to what it applies', () => {
    expect(['everything', 'queue:mail', 'job:a/b:c'].map(scopeText)).toEqual(['everything', 'queue mail', 'job a/b:c']);
  });
});

describe('a rule', () => {
  it('is told in words where it is an everyday one', () => {
    expect(['* * * * *', '*/5 * * * *', '30 2 * * *', '0 8 * * 1-5', '0 9 * * 1', '15 4 1 * *', '7 * * * *'].map(cronText)).toEqual([
      'every minute', 'every 5 minutes', 'every day at 02:30', 'Monday to Friday at 08:00',
      'every Monday at 09:00', 'on day 1 of each month at 04:15', 'every hour at minute 7',
    ]);
  });

  it('stays as it is where it is not', () => {
    for (const expression of ['0 0 * 2 *', '0 8,12 * * *', '@daily', '0 0 1 * 1']) {
      expect(cronText(expression)).toBe(expression);
    }
  });

  it('is an interval, one instant or nothing', () => {
    expect(scheduleText({ kind: 'interval', every_ms: 900_000 })).toBe('every 15 min');
    expect(scheduleText({ kind: 'interval', every_ms: 3_600_000 })).toBe('every hour');
    expect(scheduleText({ kind: 'manual' })).toBe('only when asked');
  });
});
