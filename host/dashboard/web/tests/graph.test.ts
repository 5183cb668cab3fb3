import { describe, expect, it } from 'vitest';

import { place } from '../src/pages/workflow/graph';

const edge = (from: string, to: string) => ({ from, to, on: 'success' });

describe('a workflow', () => {
  it('goes from left to right', () => {
    const placed = place(['a', 'b', 'c', 'd'], [edge('a', 'b'), edge('a', 'c'), edge('b', 'd'), edge('c', 'd'), edge('a', 'd')]);
    expect(placed.map(({ name, column, row }) => `${name}${column}${row}`)).toEqual(['a00', 'b10', 'c11', 'd20']);
  });

  it('is drawn even where it is none', () => {
    expect(place(['a', 'b'], [edge('a', 'b'), edge('b', 'a')])).toHaveLength(2);
    expect(place([], [edge('x', 'y')])).toEqual([]);
    expect(place(['a'], [edge('gone', 'a')])).toEqual([{ name: 'a', column: 0, row: 0 }]);
  });
});
