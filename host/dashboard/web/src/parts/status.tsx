// Where a run stands: one word, one colour, one shape.
import type { RunStatus } from '../api/types';
import { Icon } from './icon';

export type Tone = 'good' | 'bad' | 'warn' | 'live' | 'quiet' | 'wait';

const TONES: Record<RunStatus, Tone> = {
  pending: 'quiet',
  held: 'wait',
  scheduled: 'wait',
  running: 'live',
  'awaiting-retry': 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'quiet',
};

/** The colour of a status. */
export const toneOf = (status: RunStatus): Tone => TONES[status] ?? 'quiet';

/** The status in words: `awaiting retry`. */
export const statusText = (status: RunStatus): string => status.replace('-', ' ');

/** Whether a run has ended. */
export const isFinal = (status: RunStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** The status as a word with its shape. */
export function Status({ of }: { readonly of: RunStatus }) {
  return (
    <span class={`status tone-${toneOf(of)}`}>
      <Icon name={of} spin={of === 'running'} />
      {statusText(of)}
    </span>
  );
}

/** The same on a coloured ground, for a page's head. */
export function StatusBadge({ of }: { readonly of: RunStatus }) {
  return (
    <span class={`badge tone-${toneOf(of)}`}>
      <Icon name={of} spin={of === 'running'} />
      {statusText(of)}
    </span>
  );
}
