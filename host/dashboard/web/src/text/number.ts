// Numbers as people read them. Invariant: pure.

const grouped = new Intl.NumberFormat('en-GB');

/** A count with groups of digits: `12,345`. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A count that fits a narrow place: `999`, `12.3k`, `4.5M`. */
export function shortCount(value: number): string {
  if (value < 10_000) return grouped.format(value);
  if (value < 1_000_000) return `${trimmed(value / 1_000)}k`;
  return `${trimmed(value / 1_000_000)}M`;
}

/** A size: `512 B`, `1.5 KiB`, `3 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : trimmed(size)} ${units[unit]}`;
}

/** `1 run`, `2 runs`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A part of a whole in per cent, 0 to 100. */
export function percent(part: number, whole: number): number {
  if (whole <= 0) return 0;
  return Math.min(100, Math.max(0, (100 * part) / whole));
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
