import { describe, expect, it } from 'vitest';

import { inputFaults, problemOf } from '../src/api/problem';

describe('a problem', () => {
  it('says what the server says', () => {
    const problem = problemOf(409, { title: 'a', detail: 'it ends', code: 'wrong-status' });
    expect([problem.message, problem.code, problem.status]).toEqual(['it ends', 'wrong-status', 409]);
  });

  it('has the places that the server names, those of an input by their place in it', () => {
    const errors = [
      { pointer: '/input/a/0', detail: '12 is greater than 10' },
      { pointer: '/input', detail: 'b is missing' },
      { pointer: '/inputs', detail: 'unknown' },
      7,
    ];
    const problem = problemOf(422, { detail: 'x', code: 'input-breaks-schema', errors });
    expect(problem.faults.map(({ pointer }) => pointer)).toEqual(['/input/a/0', '/input', '/inputs']);
    expect(inputFaults(problem)).toEqual([
      { pointer: '/a/0', message: '12 is greater than 10' },
      { pointer: '', message: 'b is missing' },
    ]);
    expect(inputFaults(new Error('no connection'))).toEqual([]);
  });

  it('is told of in words, whatever the answer is', () => {
    for (const body of [undefined, null, 'x', 7, {}, []]) {
      expect(problemOf(502, body).message).toBe('the server answered 502');
    }
  });
});
