// Requests to the HTTP API.
//
// Invariant: only this server is asked, by paths under /api/v1.
import { Problem, problemOf } from './problem';
import { session } from './session';
import { tenant } from './tenant';

/** Where the API is. */
export const BASE = '/api/v1';
/** How long a request may take: 30 seconds. */
const TIMEOUT_MS = 30_000;

/** Parameters of a request; those without a value are left out. */
export type Query = Record<string, string | number | boolean | undefined>;

interface Options {
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** An answer with its entity tag. */
export interface Tagged<T> {
  readonly value: T;
  readonly etag: string | null;
}

/** The path with its parameters. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, tenant: tenant.get() })) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `${BASE}${path}${text === '' ? '' : `?${text}`}`;
}

/** Headers that say who asks. */
export function credentials(): Record<string, string> {
  const token = session.token();
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function send<T>(method: string, path: string, options: Options): Promise<Tagged<T>> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...credentials(),
    ...options.headers,
  };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  const answer = await ask(address(path, options.query), {
    method,
    headers,
    signal,
    credentials: 'same-origin',
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await answer.text();
  const body = parsed(text);
  if (!answer.ok) {
    if (answer.status === 401) session.refused();
    throw problemOf(answer.status, body);
  }
  return { value: body as T, etag: answer.headers.get('etag') };
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'unreachable', 'the server cannot be reached');
  }
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The API's methods. */
export const api = {
  get: async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
    (await send<T>('GET', path, { ...(query && { query }), ...(signal && { signal }) })).value,
  tagged: <T>(path: string, query?: Query) => send<T>('GET', path, query ? { query } : {}),
  post: async <T>(path: string, body?: unknown, headers?: Record<string, string>): Promise<T> =>
    (await send<T>('POST', path, { body, ...(headers && { headers }) })).value,
  put: async <T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T> =>
    (await send<T>('PUT', path, { body, ...(headers && { headers }) })).value,
  remove: async <T>(path: string, headers?: Record<string, string>): Promise<T> =>
    (await send<T>('DELETE', path, headers ? { headers } : {})).value,
};
