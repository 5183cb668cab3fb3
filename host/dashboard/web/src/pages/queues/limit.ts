// What a limit allows, in words. Invariant: pure.
import { count, plural } from '../../text/number';
import { everyText } from '../../text/schedule';

export interface Rate {
  readonly count: number;
  readonly per_us: number;
  readonly algorithm: string;
  readonly burst?: number;
}

export interface FlowLimit {
  readonly concurrency?: number | null;
  readonly rate?: Rate | null;
  readonly key_pointer?: string | null;
  readonly paused: boolean;
}

/** The limit in one line, its pause apart. */
export function limitText(limit: FlowLimit): string {
  const parts: string[] = [];
  if (typeof limit.concurrency === 'number') parts.push(`${count(limit.concurrency)} at a time`);
  if (limit.rate) parts.push(rateText(limit.rate));
  if (limit.key_pointer) parts.push(`for each key at ${limit.key_pointer}`);
  return parts.join(', ') || 'no bound';
}

function rateText(rate: Rate): string {
  const every = everyText(rate.per_us / 1_000);
  const burst = rate.algorithm === 'token-bucket' && (rate.burst ?? 1) > 1 ? `, up to ${count(rate.burst ?? 1)} at once` : '';
  return `${plural(rate.count, 'run')} per ${every}${burst}`;
}

/** A scope in words: `queue mail`, `job report`. */
export function scopeText(scope: string): string {
  if (scope === 'everything') return 'everything';
  const [kind = '', name = ''] = splitOnce(scope, ':');
  const words: Record<string, string> = { queue: 'queue', tenant: 'tenant', job: 'job', key: 'each key of job' };
  return `${words[kind] ?? kind} ${name}`;
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
