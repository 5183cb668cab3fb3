import { describe, expect, it } from 'vitest';

import { between, exact, relative, span } from '../src/text/time';

describe('a span', () => {
  it('is told in the units that fit it', () => {
    const told = [0, 0.4, 340, 1_000, 4_240, 42_900, 185_000, 3_600_000, 7_800_000, 276_000_000];
    expect(told.map(span)).toEqual([
      '0 ms', '<1 ms', '340 ms', '1 s', '4.2 s', '42 s', '3 min 5 s', '1 h', '2 h 10 min', '3 d 4 h',
    ]);
  });

  it('is never negative', () => {
    expect(span(-5)).toBe('0 ms');
  });
});

describe('an instant', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');

  it('is told by its distance from the present', () => {
    expect(relative('2026-11-21T11:55:00.123456Z', now)).toBe('4 min ago');
    expect(relative('2026-11-21T14:00:00Z', now)).toBe('in 2 h');
    expect(relative('2026-11-21T12:00:01Z', now)).toBe('just now');
    expect(relative('2026-11-17T12:00:00Z', now)).toBe('4 d ago');
    expect(relative('nonsense', now)).toBe('');
  });

  it('is exact in the zone of whoever looks', () => {
    expect(exact('2026-11-21T12:00:00Z', 'Asia/Tokyo')).toMatch(/21:00:00|9:00:00.PM/);
    expect(exact('nonsense')).toBe('nonsense');
  });

  it('has a distance from another only where both are there', () => {
    expect(between('2026-11-21T12:00:00Z', '2026-11-21T12:00:01.5Z')).toBe(1_500);
    expect(between('2026-11-21T12:00:00Z', null)).toBeUndefined();
  });
});
