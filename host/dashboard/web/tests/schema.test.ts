import { describe, expect, it } from 'vitest';

import { hasForm, kindOf, resolved } from '../src/schema/kind';
import { first, within, withField } from '../src/schema/value';

const SCHEMA = {
  type: 'object',
  required: ['name', 'size', 'mode', 'place'],
  properties: {
    name: { type: 'string', description: 'Who' },
    size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
    mode: { $ref: '#/$defs/Mode' },
    note: { type: ['string', 'null'], default: null },
    tags: { type: 'array', items: { type: 'string' } },
    place: { $ref: '#/$defs/Place' },
    either: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    maybe: { anyOf: [{ $ref: '#/$defs/Place' }, { type: 'null' }] },
  },
  $defs: {
    Mode: { oneOf: [{ const: 'fast' }, { enum: ['slow', 'slower'], type: 'string' }] },
    Place: { type: 'object', required: ['lat'], properties: { lat: { type: 'number' } } },
    Loop: { $ref: '#/$defs/Loop' },
  },
};

const kind = (name: keyof typeof SCHEMA.properties) => kindOf(SCHEMA.properties[name], SCHEMA);

describe('a form', () => {
  it('has a field for each kind of value', () => {
    expect(kind('name')).toMatchObject({ kind: 'text' });
    expect(kind('size')).toEqual({ kind: 'number', isWhole: true, min: 1, max: 9 });
    expect(kind('mode')).toEqual({ kind: 'choice', of: ['fast', 'slow', 'slower'] });
    expect(kind('note')).toMatchObject({ kind: 'text' });
    expect(kind('tags')).toMatchObject({ kind: 'list' });
    expect(kind('place')).toMatchObject({ kind: 'object' });
    expect(kind('maybe')).toMatchObject({ kind: 'object' });
  });

  it('asks for JSON where it cannot ask well', () => {
    expect(kind('either')).toEqual({ kind: 'json' });
    expect(kindOf({}, SCHEMA)).toEqual({ kind: 'json' });
    expect(hasForm({ type: 'string' })).toBe(false);
    expect(hasForm({ type: 'object' })).toBe(false);
    expect(hasForm(SCHEMA)).toBe(true);
  });

  it('survives references that lead in a circle or nowhere', () => {
    expect(kindOf({ $ref: '#/$defs/Loop' }, SCHEMA)).toEqual({ kind: 'json' });
    expect(resolved({ $ref: '#/$defs/Gone' }, SCHEMA)).toEqual({});
    const endless = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] };
    expect(JSON.stringify(first(endless, endless))).toContain('"next"');
  });

  it('begins with defaults and with what has to be there', () => {
    expect(first(SCHEMA, SCHEMA)).toEqual({ name: '', size: 3, mode: 'fast', place: {} });
  });

  it('replaces fields, and takes away those that are emptied', () => {
    const old = { a: 1, b: 2 };
    expect(withField(old, 'a', undefined)).toEqual({ b: 2 });
    expect(withField(undefined, 'a', 1)).toEqual({ a: 1 });
    expect(old).toEqual({ a: 1, b: 2 });
  });

  it('names places as the server does', () => {
    expect(within(within('', 'a/b~c'), 0)).toBe('/a~1b~0c/0');
  });
});
