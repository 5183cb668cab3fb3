// What is done to many runs together.
//
// Invariant: nothing is done before the server has said how many runs it would be done to.
import { useEffect, useState } from 'preact/hooks';

import { api } from '../../api/client';
import { messageOf } from '../../api/problem';
import type { Counts, Run, RunStatus } from '../../api/types';
import { Confirm } from '../../parts/dialog';
import { said } from '../../parts/feedback';
import { Icon, type IconName } from '../../parts/icon';
import { count, plural } from '../../text/number';
import { bodyOf, type RunFilter } from './filter';

export type BulkAction = 'cancel' | 'retry' | 'run-now' | 'delete';

const ACTIONS: readonly { readonly action: BulkAction; readonly name: string; readonly icon: IconName; readonly what: string }[] = [
  { action: 'retry', name: 'Retry', icon: 'retry', what: 'failed or cancelled runs run again, with all their attempts' },
  { action: 'cancel', name: 'Cancel', icon: 'cancel', what: 'runs that wait are cancelled, runs that run are asked to stop' },
  { action: 'run-now', name: 'Run now', icon: 'play', what: 'runs that wait for their time begin' },
  { action: 'delete', name: 'Delete', icon: 'dead', what: 'runs that have ended are deleted, with their logs' },
];

/** What is chosen: some runs, or all that a filter takes. */
export interface Choice {
  readonly runs: ReadonlySet<string>;
  readonly filter: RunFilter;
  readonly shown: readonly Run[];
}

interface Report {
  readonly done: number;
  readonly asked: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly gone: number;
  readonly 'has-more': boolean;
}

export function BulkBar({ choice, counts, onClear, onDone }: {
  readonly choice: Choice;
  readonly counts: Counts | undefined;
  readonly onClear: () => void;
  readonly onDone: () => void;
}) {
  const [isAll, setAll] = useState(false);
  const [action, setAction] = useState<BulkAction>();
  const isWholePage = choice.shown.every((run) => choice.runs.has(run.id));
  const total = matching(choice.filter, counts);
  useEffect(() => {
    if (!isWholePage) setAll(false);
  }, [isWholePage]);
  return (
    <div class="bulk" role="group" aria-label="Chosen runs">
      <span class="strong num">{isAll ? `All ${total === undefined ? '' : count(total)} matching` : `${count(choice.runs.size)} chosen`}</span>
      {isWholePage && !isAll && (total ?? 0) > choice.runs.size && (
        <button type="button" class="button small plain" onClick={() => setAll(true)}>
          Choose all {count(total ?? 0)} matching
        </button>
      )}
      <span class="row">
        {ACTIONS.map(({ action: one, name, icon }) => (
          <button key={one} type="button" class={`button small ${one === 'delete' ? 'danger' : ''}`} onClick={() => setAction(one)}>
            <Icon name={icon} /> {name}
          </button>
        ))}
      </span>
      <button type="button" class="button small plain" onClick={onClear}>Clear</button>
      {action && (
        <BulkConfirm
          action={action}
          target={isAll ? { filter: bodyOf(choice.filter, Date.now()) } : { runs: [...choice.runs] }}
          onClose={() => setAction(undefined)}
          onDone={onDone}
        />
      )}
    </div>
  );
}

/** Says how many runs it would be, and does it when told to. */
export function BulkConfirm({ action, target, onClose, onDone }: {
  readonly action: BulkAction;
  readonly target: Record<string, unknown>;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const [found, setFound] = useState<string>();
  const { name, what } = ACTIONS.find((one) => one.action === action)!;
  useEffect(() => {
    api.post<{ matching: number; 'has-more': boolean }>('/runs/alter', { action, ...target, dry_run: true }).then(
      (answer) => setFound(`${plural(answer.matching, 'run')}${answer['has-more'] ? ', and more: repeat it for those' : ''}`),
      (error: unknown) => setFound(messageOf(error)),
    );
  }, []);
  const confirm = async (): Promise<void> => {
    said(reportText(await api.post<Report>('/runs/alter', { action, ...target })));
    onDone();
  };
  return (
    <Confirm
      title={`${name}: many runs`}
      action={`${name} them`}
      isDanger={action === 'delete' || action === 'cancel'}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p class="strong" data-testid="matching">{found ?? 'Counting …'}</p>
      <p class="muted">Where their status allows it, {what}.</p>
    </Confirm>
  );
}

/** What became of them, in one sentence. */
export function reportText(report: Report): string {
  const parts = [`${plural(report.done, 'run')} changed`];
  if (report.asked > 0) parts.push(`${count(report.asked)} asked to stop`);
  for (const [why, number] of Object.entries(report.refused)) parts.push(`${count(number)} left: ${why}`);
  if (report.gone > 0) parts.push(`${count(report.gone)} not there any more`);
  if (report['has-more']) parts.push('there are more');
  return parts.join(', ');
}

function matching(filter: RunFilter, counts: Counts | undefined): number | undefined {
  if (counts === undefined) return undefined;
  const statuses: readonly RunStatus[] = filter.statuses.length > 0 ? filter.statuses : (Object.keys(counts) as RunStatus[]);
  return statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
}
