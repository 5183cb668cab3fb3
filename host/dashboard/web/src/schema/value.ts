// The values of a form. Invariant: pure; values are replaced, never changed.
import { kindOf, resolved, type Schema } from './kind';

/** What a form begins with: defaults, and what has to be there. */
export function first(schema: Schema, whole: Schema, depth = 0): unknown {
  const of = resolved(schema, whole);
  if ('default' in of) return of['default'];
  const kind = kindOf(schema, whole, depth);
  switch (kind.kind) {
    case 'object': {
      const fields = kind.fields
        .map((field) => [field.name, field.isRequired ? first(field.schema, whole, depth + 1) : fallback(field.schema, whole)] as const)
        .filter(([, value]) => value !== undefined);
      return Object.fromEntries(fields);
    }
    case 'list':
      return [];
    case 'text':
      return '';
    case 'truth':
      return false;
    case 'choice':
      return kind.of[0];
    default:
      return undefined;
  }
}

/** The value with one field set; gone where the new one is `undefined`. */
export function withField(value: unknown, name: string, field: unknown): Record<string, unknown> {
  const old = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  const next: Record<string, unknown> = { ...old };
  if (field === undefined) delete next[name];
  else next[name] = field;
  return next;
}

/** The list with one item set. */
export function withItem(list: readonly unknown[], at: number, item: unknown): unknown[] {
  return list.map((old, index) => (index === at ? item : old));
}

/** The JSON pointer of a part of the value at a pointer. */
export function within(pointer: string, part: string | number): string {
  return `${pointer}/${String(part).replace(/~/g, '~0').replace(/\//g, '~1')}`;
}

function fallback(schema: Schema, whole: Schema): unknown {
  const value = resolved(schema, whole)['default'];
  return value === null ? undefined : value;
}
