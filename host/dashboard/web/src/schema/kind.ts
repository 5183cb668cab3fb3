// What a JSON Schema asks for, as far as a form can ask for it.
//
// Invariant: pure. What a form cannot ask for well is `json`: a field for the text itself. Whether an
// input fits its schema, the server alone decides.

/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/** What a form shows for a schema. */
export type Kind =
  | { readonly kind: 'text'; readonly format: string | undefined; readonly isLong: boolean }
  | { readonly kind: 'number'; readonly isWhole: boolean; readonly min?: number; readonly max?: number }
  | { readonly kind: 'truth' }
  | { readonly kind: 'choice'; readonly of: readonly unknown[] }
  | { readonly kind: 'list'; readonly item: Schema }
  | { readonly kind: 'object'; readonly fields: readonly Field[] }
  | { readonly kind: 'json' };

/** A named part of an object. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** How deep forms go; what lies deeper is asked for as JSON. */
export const DEPTH_MAX = 6;
/** Characters above which a text gets several lines. */
const LONG_CHARS = 120;

/** What to show for a schema, whose references are looked up in the whole one. */
export function kindOf(schema: Schema, whole: Schema, depth = 0): Kind {
  const of = resolved(schema, whole);
  if (depth > DEPTH_MAX) return { kind: 'json' };
  const values = choices(of);
  if (values !== undefined) return { kind: 'choice', of: values };
  if ('oneOf' in of || 'anyOf' in of || 'allOf' in of || 'if' in of) return { kind: 'json' };
  switch (typeOf(of)) {
    case 'string':
      return { kind: 'text', format: string(of['format']), isLong: isLong(of) };
    case 'integer':
      return { kind: 'number', isWhole: true, ...range(of) };
    case 'number':
      return { kind: 'number', isWhole: false, ...range(of) };
    case 'boolean':
      return { kind: 'truth' };
    case 'array':
      return isSchema(of['items']) ? { kind: 'list', item: of['items'] } : { kind: 'json' };
    case 'object':
      return objectKind(of);
    default:
      return { kind: 'json' };
  }
}

/** The schema that a reference within the whole one leads to; `null` alternatives are dropped. */
export function resolved(schema: Schema, whole: Schema, steps = 8): Schema {
  const target = string(schema['$ref']);
  if (target?.startsWith('#') && steps > 0) {
    const found = target === '#' ? whole : at(whole, target.slice(1));
    const { $ref: _, ...own } = schema;
    return isSchema(found) ? resolved({ ...found, ...own }, whole, steps - 1) : own;
  }
  const several = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(several)) {
    const left = several.filter((one) => isSchema(one) && one['type'] !== 'null');
    const { anyOf: _a, oneOf: _o, ...own } = schema;
    if (left.length === 1) return resolved({ ...(left[0] as Schema), ...own }, whole, steps - 1);
  }
  return schema;
}

/** Whether a form is of any use for the schema. */
export function hasForm(schema: unknown): schema is Schema {
  return isSchema(schema) && kindOf(schema, schema).kind === 'object';
}

function objectKind(of: Schema): Kind {
  const properties = of['properties'];
  if (!isSchema(properties)) return { kind: 'json' };
  const required = Array.isArray(of['required']) ? of['required'] : [];
  const fields = Object.entries(properties).map(([name, schema]) => ({
    name,
    schema: isSchema(schema) ? schema : {},
    isRequired: required.includes(name),
  }));
  if (fields.length === 0) return { kind: 'json' };
  // What has to be there comes first; else in the order of the schema.
  const byNeed = [...fields].sort((a, b) => Number(b.isRequired) - Number(a.isRequired));
  return { kind: 'object', fields: byNeed };
}

function choices(of: Schema): readonly unknown[] | undefined {
  if (Array.isArray(of['enum'])) return of['enum'].filter((one) => one !== null);
  if ('const' in of) return [of['const']];
  const several = of['oneOf'];
  if (!Array.isArray(several) || several.length === 0) return undefined;
  const values = several.flatMap((one) => {
    if (!isSchema(one)) return [undefined];
    if ('const' in one) return [one['const']];
    return Array.isArray(one['enum']) ? (one['enum'] as unknown[]) : [undefined];
  });
  return values.includes(undefined) ? undefined : values;
}

function typeOf(of: Schema): string | undefined {
  const type = of['type'];
  if (Array.isArray(type)) {
    const left = type.filter((one) => one !== 'null');
    return left.length === 1 ? string(left[0]) : undefined;
  }
  return string(type) ?? ('properties' in of ? 'object' : undefined);
}

function range(of: Schema): { min?: number; max?: number } {
  const min = number(of['minimum']);
  const max = number(of['maximum']);
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function isLong(of: Schema): boolean {
  return (number(of['maxLength']) ?? 0) > LONG_CHARS && of['format'] === undefined;
}

/** What a JSON pointer leads to. */
export function at(value: unknown, pointer: string): unknown {
  const parts = pointer.split('/').slice(1).map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  return parts.reduce<unknown>(
    (within, part) =>
      typeof within === 'object' && within !== null ? (within as Record<string, unknown>)[part] : undefined,
    value,
  );
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
