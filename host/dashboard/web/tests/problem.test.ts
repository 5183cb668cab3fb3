import { describe, expect, it } from 'vitest';

import { problemOf } from '../src/api/problem';

describe('a problem', () => {
  it('says what the server says', () => {
    const problem = problemOf(409, { title: 'a', detail: 'it ends', code: 'wrong-status' });
    expect([problem.message, problem.code, problem.status]).toEqual(['it ends', 'wrong-status', 409]);
  });

  it('has the places that the server names', () => {
    const listed = { detail: 'x', code: 'bad-body', errors: [{ pointer: '/a', message: 'too long' }, 7] };
    expect(problemOf(422, listed).faults).toEqual([{ pointer: '/a', message: 'too long' }]);
    const told = "the input does not fit greet's schema: at /a/0: 12 is greater than 10";
    expect(problemOf(422, { detail: told, code: 'input-breaks-schema' }).faults).toEqual([
      { pointer: '/a/0', message: '12 is greater than 10' },
    ]);
  });

  it('is told of in words, whatever the answer is', () => {
    for (const body of [undefined, null, 'x', 7, {}, []]) {
      expect(problemOf(502, body).message).toBe('the server answered 502');
    }
  });
});
