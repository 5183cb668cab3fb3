import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('location', { pathname: '/', search: '' });
const { match, withQuery } = await import('../src/router');

describe('a place', () => {
  it('is found by its pattern', () => {
    expect(match('/runs/:id', '/runs/a%2Fb')).toEqual({ id: 'a/b' });
    expect(match('/runs', '/runs/')).toEqual({});
    expect(match('/', '/')).toEqual({});
    expect(match('/runs', '/jobs')).toBeUndefined();
    expect(match('/runs/:id', '/runs/%')).toBeUndefined();
  });

  it('keeps the parameters that do not change', () => {
    const query = new URLSearchParams('a=1&b=2&c=3');
    expect(withQuery('/runs', query, { a: '', b: '4', c: undefined })).toBe('/runs?b=4');
    expect(withQuery('/runs', new URLSearchParams('a=1'), { a: '' })).toBe('/runs');
  });
});
