// Batches as the API tells of them.
import type { Tone } from '../../parts/status';

export type BatchState = 'open' | 'running' | 'complete' | 'running again' | 'succeeded';

export interface Batch {
  readonly id: string;
  readonly name: string | null;
  readonly parent: string | null;
  readonly created_at: string;
  readonly is_closed: boolean;
  readonly total: number;
  readonly unfinished: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly completed_at: string | null;
  readonly succeeded_at: string | null;
  readonly on_complete: string | null;
  readonly on_success: string | null;
  readonly state: BatchState;
}

export interface ShownBatch {
  readonly batch: Batch;
  readonly nested: readonly Batch[];
  readonly has_more_nested: boolean;
}

/** What a batch is called: its name, or the end of its id. */
export const nameOf = ({ id, name }: Batch): string => name ?? `batch ${id.slice(-8)}`;

/** The colour of a state; one that is complete without success has members that failed. */
export function toneOf(state: BatchState): Tone {
  switch (state) {
    case 'succeeded': return 'good';
    case 'complete': return 'bad';
    case 'open': return 'wait';
    default: return 'live';
  }
}
