// What the API answers where it refuses: RFC 9457 problems.

/** Where the input is in the body of a request. */
const INPUT = '/input';

/** A place in a request that is wrong, and why. */
export interface Fault {
  /** A JSON pointer into the request's body. */
  readonly pointer: string;
  readonly message: string;
}

/** A refused or failed request. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly faults: readonly Fault[] = [],
  ) {
    super(message);
  }
}

/** The problem that an answer's body tells of, or one made from its status. */
export function problemOf(status: number, body: unknown): Problem {
  if (typeof body !== 'object' || body === null) {
    return new Problem(status, 'unknown', `the server answered ${status}`);
  }
  const it = body as Record<string, unknown>;
  const text = (name: string) => (typeof it[name] === 'string' ? (it[name] as string) : undefined);
  const message = text('detail') ?? text('title') ?? `the server answered ${status}`;
  const code = text('code') ?? 'unknown';
  return new Problem(status, code, message, faultsOf(it['errors']));
}

function faultsOf(errors: unknown): Fault[] {
  const list = Array.isArray(errors) ? errors : [];
  return list.flatMap((one: unknown) => {
    const { pointer, detail } = (one ?? {}) as Record<string, unknown>;
    return typeof pointer === 'string' && typeof detail === 'string' ? [{ pointer, message: detail }] : [];
  });
}

/** What is wrong with the input that a request brought, by pointers into that. */
export function inputFaults(error: unknown): Fault[] {
  const faults = error instanceof Problem ? error.faults : [];
  return faults.flatMap(({ pointer, message }) => {
    const isWithin = pointer === INPUT || pointer.startsWith(`${INPUT}/`);
    return isWithin ? [{ pointer: pointer.slice(INPUT.length), message }] : [];
  });
}

/** What to tell people of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return String(error);
}
