// What the API answers where it refuses: RFC 9457 problems.

/** A place in a request that is wrong, and why. */
export interface Fault {
  /** A JSON pointer into the request's body, or a parameter's name. */
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
  const faults = faultsOf(it);
  const inText = code === 'input-breaks-schema' ? faultIn(message) : undefined;
  return new Problem(status, code, message, faults.length === 0 && inText ? [inText] : faults);
}

/** The place that a message names: `... at /size: 12 is greater than 10`. */
function faultIn(message: string): Fault | undefined {
  const found = / at (\/\S*): (.*)$/s.exec(message);
  if (found === null) return undefined;
  const [, pointer, problem] = found;
  return { pointer: pointer === '/' ? '' : (pointer ?? ''), message: problem ?? message };
}

function faultsOf(body: Record<string, unknown>): Fault[] {
  const list = Array.isArray(body['errors']) ? body['errors'] : [];
  return list.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null) return [];
    const it = one as Record<string, unknown>;
    const pointer = it['pointer'] ?? it['path'] ?? it['field'] ?? '';
    const message = it['message'] ?? it['detail'] ?? it['problem'];
    return typeof message === 'string' ? [{ pointer: String(pointer), message }] : [];
  });
}

/** What to tell people of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return String(error);
}
