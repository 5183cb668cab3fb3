import { describe, expect, it } from 'vitest';

import { COLOURED_CHARS_MAX, pieces, pretty } from '../src/text/json';
import { bytes, percent, plural, shortCount } from '../src/text/number';

describe('JSON as text', () => {
  it('keeps every character', () => {
    const text = pretty({ 'a "b"': [1, -2.5e3, true, null, '<script>alert(1)</script>'], c: {} });
    expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
  });

  it('tells keys from strings', () => {
    const kinds = pieces('{"a": "b", "c": 1, "d": null}').filter((it) => it.kind !== 'other');
    expect(kinds.map((it) => `${it.kind} ${it.text}`)).toEqual([
      'key "a"', 'string "b"', 'key "c"', 'number 1', 'key "d"', 'word null',
    ]);
  });

  it('is left in one colour where it is long', () => {
    const text = `"${'x'.repeat(COLOURED_CHARS_MAX)}"`;
    expect(pieces(text)).toEqual([{ kind: 'other', text }]);
  });
});

describe('a number', () => {
  it('is short where there is little room', () => {
    expect([0, 9_999, 12_345, 4_500_000].map(shortCount)).toEqual(['0', '9,999', '12.3k', '4.5M']);
  });

  it('is told with its unit', () => {
    expect([0, 1_023, 1_536, 3 * 1024 ** 2].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '3 MiB']);
    expect([plural(1, 'run'), plural(1_200, 'run')]).toEqual(['1 run', '1,200 runs']);
  });

  it('is a part of a whole, whatever the two are', () => {
    expect([percent(1, 4), percent(5, 4), percent(-1, 4), percent(1, 0)]).toEqual([25, 100, 0, 0]);
  });
});
