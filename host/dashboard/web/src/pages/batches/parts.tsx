// How a batch stands and how far it is.
import { Icon, type IconName } from '../../parts/icon';
import { Bar, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { count, percent } from '../../text/number';
import { nameOf, toneOf, type Batch, type BatchState } from './types';

const ICONS: Record<BatchState, IconName> = {
  open: 'plus',
  running: 'running',
  complete: 'failed',
  'running again': 'retry',
  succeeded: 'completed',
};

export function BatchStatus({ of, isBadge = false }: { readonly of: BatchState; readonly isBadge?: boolean }) {
  return (
    <span class={`${isBadge ? 'badge' : 'status'} tone-${toneOf(of)}`}>
      <Icon name={ICONS[of] ?? 'pending'} spin={of === 'running'} />
      {of}
    </span>
  );
}

/** `3 of 10 ended, 1 failed`, with a bar. */
export function Progress({ of }: { readonly of: Batch }) {
  const ended = of.total - of.unfinished;
  const failed = of.failed + of.cancelled;
  return (
    <span class="row">
      <span class="num nowrap">{count(ended)} of {count(of.total)}</span>
      <span class="grow"><Bar percent={percent(ended, of.total)} label={`Members of ${nameOf(of)} that have ended`} tone={failed > 0 ? 'bad' : 'live'} /></span>
      {failed > 0 && <span class="num nowrap tone-bad">{count(failed)} did not complete</span>}
    </span>
  );
}

export function BatchTable({ batches, label }: { readonly batches: readonly Batch[]; readonly label: string }) {
  return (
    <Table label={label} head={<><th>Batch</th><th>State</th><th class="wide">Members that have ended</th><th>Created</th><th class="optional">Ended</th></>}>
      {batches.map((batch) => (
        <tr key={batch.id}>
          <td><a class="title-link" href={`/batches/${batch.id}`}>{nameOf(batch)}</a></td>
          <td class="nowrap"><BatchStatus of={batch.state} /></td>
          <td class="wide"><Progress of={batch} /></td>
          <td class="muted"><Ago at={batch.created_at} /></td>
          <td class="muted optional"><Ago at={batch.succeeded_at ?? batch.completed_at} /></td>
        </tr>
      ))}
    </Table>
  );
}
