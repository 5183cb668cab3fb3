import { describe, expect, it } from 'vitest';

import { EVENT_CHARS_MAX, EventParser } from '../src/api/sse';

describe('an event stream', () => {
  it('is the same however it is cut', () => {
    const text = ': hello\n\nid: 7\nevent: run\ndata: {"a":1}\ndata: 2\n\nevent: resync\ndata:\n\n';
    const whole = new EventParser().push(text);
    expect(whole).toEqual([
      { event: 'run', id: '7', data: '{"a":1}\n2' },
      { event: 'resync', id: undefined, data: '' },
    ]);
    for (let cut = 0; cut < text.length; cut += 1) {
      const parser = new EventParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(whole);
    }
  });

  it('may end its lines in both ways', () => {
    expect(new EventParser().push('data: a\r\n\r\ndata: b\n\n').map((it) => it.data)).toEqual(['a', 'b']);
  });

  it('is refused where an event does not end', () => {
    expect(() => new EventParser().push('x'.repeat(EVENT_CHARS_MAX + 1))).toThrow('too long');
  });
});
