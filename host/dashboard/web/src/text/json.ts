// JSON as people read it. Invariant: pure; what comes in is text and stays text.

/** What a piece of JSON text is, for its colour. */
export type JsonKind = 'key' | 'string' | 'number' | 'word' | 'other';

/** A piece of JSON text. */
export interface JsonPiece {
  readonly kind: JsonKind;
  readonly text: string;
}

/** Characters that are coloured at most: more is shown in one colour, so that it stays quick. */
export const COLOURED_CHARS_MAX = 100_000;

const PIECES = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** A value as indented text. */
export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? '';
}

/** The text cut into pieces that each have one colour. */
export function pieces(text: string): JsonPiece[] {
  if (text.length > COLOURED_CHARS_MAX) return [{ kind: 'other', text }];
  const found: JsonPiece[] = [];
  let end = 0;
  for (const match of text.matchAll(PIECES)) {
    if (match.index > end) found.push({ kind: 'other', text: text.slice(end, match.index) });
    const [whole, string, colon, number] = match;
    if (string !== undefined) {
      found.push({ kind: colon === undefined ? 'string' : 'key', text: string });
      if (colon !== undefined) found.push({ kind: 'other', text: colon });
    } else {
      found.push({ kind: number === undefined ? 'word' : 'number', text: whole });
    }
    end = match.index + whole.length;
  }
  if (end < text.length) found.push({ kind: 'other', text: text.slice(end) });
  return found;
}

/** Whether there is nothing in it worth showing. */
export function isVoid(value: unknown): boolean {
  return value === undefined || value === null;
}
