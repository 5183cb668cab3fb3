// Server-sent events as text. Invariant: pure; a parser keeps only an unfinished event.

/** One event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** Characters of an unfinished event at most: more means that the other side is no event stream. */
export const EVENT_CHARS_MAX = 1 << 20;

/** Takes the stream piece by piece and hands out whole events. */
export class EventParser {
  #rest = '';

  /** The events that end in this piece. */
  push(piece: string): ServerEvent[] {
    this.#rest += piece;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (end === null) break;
      const event = parseEvent(this.#rest.slice(0, end.index));
      if (event !== undefined) events.push(event);
      this.#rest = this.#rest.slice(end.index + end[0].length);
    }
    if (this.#rest.length > EVENT_CHARS_MAX) throw new Error('an event is too long');
    return events;
  }
}

/** The event that a block of lines is; `undefined` for a comment. */
export function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
  return data.length === 0 && event === 'message' ? undefined : { event, data: data.join('\n'), id };
}
