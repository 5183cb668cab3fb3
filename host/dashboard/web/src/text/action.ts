// A change over HTTP, in words. Invariant: pure.

/** `POST /api/v1/runs/{id}/cancel` as `cancel run`. */
export function actionText(action: string): string {
  const [method = '', path = ''] = action.split(' ');
  const parts = path.replace(/^\/api\/v1\//, '').split('/').filter((part) => !part.startsWith('{'));
  const [things = '', verb] = parts;
  const thing = things.replace(/s$/, '');
  if (verb !== undefined) return `${verb} ${verb === 'alter' ? things : thing}`;
  const verbs: Record<string, string> = { PUT: 'set', DELETE: 'delete', POST: 'make' };
  return `${verbs[method] ?? method} ${thing}`;
}
