import { describe, expect, it } from 'vitest';

import { actionText } from '../src/text/action';

describe('a change', () => {
  it('is told in words', () => {
    expect([
      'POST /api/v1/runs/{id}/cancel', 'POST /api/v1/runs/alter', 'PUT /api/v1/limits/{scope}',
      'DELETE /api/v1/schedules/{name}', 'POST /api/v1/tokens',
    ].map(actionText)).toEqual(['cancel run', 'alter runs', 'set limit', 'delete schedule', 'make token']);
  });
});
