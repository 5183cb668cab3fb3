// What has become of a run, in the order in which it happened. Invariant: pure.
//
// A storage keeps a run, not its attempts: of an attempt that is over, its log tells.
import type { Tone } from '../../parts/status';
import { statusText, toneOf } from '../../parts/status';
import type { LogEntry, Run } from '../../api/types';
import type { IconName } from '../../parts/icon';

/** Something that happened. */
export interface Moment {
  readonly title: string;
  readonly at: string;
  readonly tone: Tone;
  readonly icon: IconName;
}

/** When a claim's first line was written. */
export interface Claim {
  readonly lease: number;
  readonly at: string;
}

/** The claims that a log tells of. */
export function claimsOf(entries: readonly LogEntry[]): Claim[] {
  const first = new Map<number, string>();
  for (const { lease, at } of entries) {
    if (!first.has(lease)) first.set(lease, at);
  }
  return [...first].map(([lease, at]) => ({ lease, at })).sort((a, b) => a.lease - b.lease);
}

/** What has become of a run. */
export function timeline(run: Run, claims: readonly Claim[]): Moment[] {
  const moments: Moment[] = [{ title: 'Enqueued', at: run.created_at, tone: 'quiet', icon: 'pending' }];
  for (const { lease, at } of claims) {
    if (lease < run.lease) {
      moments.push({ title: `Claimed, number ${lease}: it said something`, at, tone: 'warn', icon: 'awaiting-retry' });
    }
  }
  if (run.started_at) {
    moments.push({ title: startTitle(run), at: run.started_at, tone: 'live', icon: 'play' });
  }
  if (run.status === 'scheduled' || run.status === 'awaiting-retry') {
    const title = run.status === 'scheduled' ? 'Due' : 'Next attempt';
    moments.push({ title, at: run.due_at, tone: toneOf(run.status), icon: run.status });
  }
  if (run.finished_at) {
    const text = statusText(run.status);
    moments.push({
      title: text.charAt(0).toUpperCase() + text.slice(1),
      at: run.finished_at,
      tone: toneOf(run.status),
      icon: run.status,
    });
  }
  return moments;
}

function startTitle(run: Run): string {
  const attempts = run.max_attempts > 1 ? `Attempt ${run.attempt} of ${run.max_attempts}` : 'Attempt';
  return `${attempts} began`;
}
