import { describe, expect, it } from 'vitest';

import { bodyOf, filterOf, queryOf, searchOf, typed } from '../src/pages/runs/filter';

const NOW = Date.parse('2026-11-21T12:34:56Z');

describe('a filter', () => {
  it('is read from the address, and what it does not know is left out', () => {
    const filter = filterOf(new URLSearchParams('status=failed,nonsense,pending&tag=a&span=never'));
    expect(filter.statuses).toEqual(['pending', 'failed']);
    expect([filter.tag, filter.span]).toEqual(['a', '']);
  });

  it('is the same typed and read', () => {
    const found = searchOf('  tag:nightly boom job:report  x:y time: ');
    expect(found).toEqual({ search: 'boom x:y time:', job: 'report', queue: '', tag: 'nightly', batch: '' });
    expect(searchOf(typed({ ...found, statuses: [], span: '' }))).toEqual(found);
  });

  it('asks the server for a span from a whole minute on', () => {
    const filter = filterOf(new URLSearchParams('span=hour&status=failed&job=a'));
    expect(queryOf(filter, NOW)).toMatchObject({
      status: 'failed', job_type: 'a', created_from: '2026-11-21T11:34:00.000Z',
    });
    expect(queryOf(filter, NOW, false)['status']).toBeUndefined();
  });

  it('changes many runs by the same words, without those that are empty', () => {
    const filter = filterOf(new URLSearchParams('status=failed&search=boom'));
    expect(bodyOf(filter, NOW)).toEqual({ search: 'boom', status: ['failed'] });
    expect(bodyOf(filterOf(new URLSearchParams()), NOW)).toEqual({});
  });
});
