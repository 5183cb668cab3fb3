// Instants and spans as people read them.
//
// Invariant: pure. The present and the zone come in as arguments, or are the viewer's.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span such as `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min` or `3 d 4 h`. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1) return ms === 0 ? '0 ms' : '<1 ms';
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${trimmed(ms / SECOND)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return two(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return two(ms, HOUR, 'h', MINUTE, 'min');
  return two(ms, DAY, 'd', HOUR, 'h');
}

/** A span in its largest unit: `5 min`, `2 h`, `3 d`. */
export function roughSpan(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** How an instant lies to the present: `just now`, `5 min ago`, `in 2 h`. */
export function relative(at: string | number, now: number): string {
  const distance = instant(at) - now;
  if (Number.isNaN(distance)) return '';
  if (Math.abs(distance) < 2 * SECOND) return 'just now';
  return distance < 0 ? `${roughSpan(-distance)} ago` : `in ${roughSpan(distance)}`;
}

/** The exact instant in the viewer's zone, with the zone's name. */
export function exact(at: string | number, zone?: string): string {
  const date = new Date(instant(at));
  if (Number.isNaN(date.getTime())) return String(at);
  return new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle: 'long',
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).format(date);
}

/** The time of day to the millisecond, in the viewer's zone. */
export function clock(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((it) => pad(it));
  return `${time.join(':')}.${pad(date.getMilliseconds(), 3)}`;
}

/** Milliseconds since 1970 of an instant as the API writes it. */
export function instant(at: string | number): number {
  return typeof at === 'number' ? at : Date.parse(at);
}

/** Milliseconds between two instants, where both are there. */
export function between(from?: string | null, to?: string | null): number | undefined {
  return from && to ? instant(to) - instant(from) : undefined;
}

function two(ms: number, large: number, name: string, small: number, smallName: string): string {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms % large) / small);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smallName}`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
