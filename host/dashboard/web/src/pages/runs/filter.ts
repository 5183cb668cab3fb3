// Which runs a listing shows, as the address says it. Invariant: pure.
import type { Query } from '../../api/client';
import { STATUSES, type RunStatus } from '../../api/types';

/** Spans that one can choose: their word in the address, and their length. */
export const SPANS: Readonly<Record<string, { readonly name: string; readonly ms: number }>> = {
  hour: { name: 'Last hour', ms: 3_600_000 },
  day: { name: 'Last 24 hours', ms: 86_400_000 },
  week: { name: 'Last 7 days', ms: 7 * 86_400_000 },
};

/** What a person names before a colon: `job:report`. */
const WORDS = ['job', 'queue', 'tag', 'batch'] as const;
type Word = typeof WORDS[number];
const isWord = (name: string): name is Word => (WORDS as readonly string[]).includes(name);

/** The filter's parts that are words in the address. */
export interface RunFilter {
  readonly statuses: readonly RunStatus[];
  readonly search: string;
  readonly job: string;
  readonly queue: string;
  readonly tag: string;
  readonly batch: string;
  readonly span: string;
}

/** The filter that an address holds; what it does not know, it leaves out. */
export function filterOf(query: URLSearchParams): RunFilter {
  const text = (name: string): string => query.get(name) ?? '';
  const words = text('status').split(',');
  const span = text('span');
  return {
    statuses: STATUSES.filter((status) => words.includes(status)),
    search: text('search'),
    job: text('job'),
    queue: text('queue'),
    tag: text('tag'),
    batch: text('batch'),
    span: span in SPANS ? span : '',
  };
}

/** What a person typed: `tag:nightly job:report some text`. */
export function searchOf(typed: string): Pick<RunFilter, 'search' | Word> {
  const found: Record<Word, string> = { job: '', queue: '', tag: '', batch: '' };
  const rest = typed.split(/\s+/).filter((word) => {
    const [name, value] = split(word);
    if (value === undefined || !isWord(name)) return true;
    found[name] = value;
    return false;
  });
  return { search: rest.join(' ').trim(), ...found };
}

/** The same as a person would type it. */
export function typed(filter: RunFilter): string {
  const named = WORDS.filter((name) => filter[name] !== '');
  return [...named.map((name) => `${name}:${filter[name]}`), filter.search].filter(Boolean).join(' ');
}

/** The filter as the API's parameters. */
export function queryOf(filter: RunFilter, now: number, withStatus = true): Query {
  return {
    status: withStatus && filter.statuses.length > 0 ? filter.statuses.join(',') : undefined,
    job_type: filter.job || undefined,
    queue: filter.queue || undefined,
    tag: filter.tag || undefined,
    batch: filter.batch || undefined,
    search: filter.search || undefined,
    created_from: since(filter, now),
  };
}

/** The filter as the body of a change of many runs. */
export function bodyOf(filter: RunFilter, now: number): Record<string, unknown> {
  const { status: _, ...rest } = queryOf(filter, now);
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(given),
    ...(filter.statuses.length > 0 && { status: filter.statuses }),
  };
}

/** A span begins at a whole minute, so that asking again asks the same. */
function since(filter: RunFilter, now: number): string | undefined {
  const span = SPANS[filter.span];
  if (span === undefined) return undefined;
  return new Date(Math.floor((now - span.ms) / 60_000) * 60_000).toISOString();
}

function split(word: string): [string, string | undefined] {
  const colon = word.indexOf(':');
  if (colon <= 0 || colon === word.length - 1) return [word, undefined];
  return [word.slice(0, colon), word.slice(colon + 1)];
}
