// A batch: how far it is, its runs, the batches within it.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { Run } from '../../api/types';
import { Confirm } from '../../parts/dialog';
import { Empty, Failure, Loading, said } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Card, Facts, PageHead } from '../../parts/layout';
import { Exact } from '../../parts/time';
import { count, plural } from '../../text/number';
import { RunTable } from '../runs/table';
import { BatchStatus, BatchTable, Progress } from './parts';
import { nameOf, type ShownBatch } from './types';

/** Runs on the page; the others are behind a link. */
const RUNS_SHOWN = 50;

interface Altered {
  readonly runs: { readonly done: number; readonly asked: number };
}

export function BatchPage({ id }: { readonly id: string }) {
  const path = `/batches/${encodeURIComponent(id)}`;
  const settles = (event: { readonly kind: unknown }): boolean => event.kind === 'started' || typeof event.kind === 'object';
  const found = useFetched<ShownBatch>(`batch ${id}`, (signal) => api.get(path, undefined, signal), settles);
  const runs = useFetched<{ readonly runs: readonly Run[]; readonly next: string | null }>(
    `runs of batch ${id}`,
    (signal) => api.get('/runs', { batch: id, limit: RUNS_SHOWN }, signal),
    settles,
  );
  const { canOperate } = useAccess();
  const [asked, setAsked] = useState<'cancel' | 'retry'>();
  if (!found.data) {
    return (
      <>
        <PageHead title="Batch" />
        {found.error ? <Failure of={found.error} retry={found.refetch} /> : <Loading />}
      </>
    );
  }
  const { batch, nested, has_more_nested: hasMore } = found.data;
  const change = async (what: 'cancel' | 'retry'): Promise<void> => {
    const { runs: { done, asked: stopping } } = await api.post<Altered>(`${path}/${what}`);
    said(`${plural(done, 'run')} changed${stopping > 0 ? `, ${count(stopping)} asked to stop` : ''}`);
    found.refetch();
    runs.refetch();
  };
  return (
    <>
      <PageHead
        title={nameOf(batch)}
        sub={<BatchStatus of={batch.state} isBadge />}
        acts={canOperate && (
          <>
            {batch.failed + batch.cancelled > 0 && <button type="button" class="button" onClick={() => setAsked('retry')}><Icon name="retry" /> Retry</button>}
            {batch.unfinished > 0 && <button type="button" class="button danger" onClick={() => setAsked('cancel')}><Icon name="cancel" /> Cancel</button>}
          </>
        )}
      />
      <Card title="How far it is">
        <Progress of={batch} />
        <Facts
          of={[
            ['Completed', count(batch.completed)],
            ['Failed', count(batch.failed)],
            ['Cancelled', count(batch.cancelled)],
            ['Within', batch.parent && <a href={`/batches/${batch.parent}`}>another batch</a>],
            ['More to come', batch.is_closed ? undefined : 'yes, until it is closed'],
            ['Once all have ended', batch.on_complete && <a href={`/runs/${batch.on_complete}`}>a run</a>],
            ['Once all completed', batch.on_success && <a href={`/runs/${batch.on_success}`}>a run</a>],
            ['Created', <Exact at={batch.created_at} />],
            ['Ended', batch.completed_at && <Exact at={batch.completed_at} />],
          ]}
        />
      </Card>
      {nested.length > 0 && (
        <Card title="Batches within it" isFlush>
          <BatchTable batches={nested} label="Batches within it" />
          {hasMore && <p class="card-body muted">There are more: <code>zapjobs batch list --parent</code> shows all.</p>}
        </Card>
      )}
      <Card title="Runs" isFlush acts={<a class="button small" href={`/runs?batch=${id}`}>All runs</a>}>
        {runs.error && <Failure of={runs.error} retry={runs.refetch} />}
        {runs.data && runs.data.runs.length > 0 && <RunTable runs={runs.data.runs} />}
        {runs.data?.runs.length === 0 && <Empty>No runs of its own.</Empty>}
      </Card>
      {asked && (
        <Confirm
          title={asked === 'cancel' ? 'Cancel this batch?' : 'Retry this batch?'}
          action={asked === 'cancel' ? 'Cancel the batch' : 'Retry the batch'}
          isDanger={asked === 'cancel'}
          onClose={() => setAsked(undefined)}
          onConfirm={() => change(asked)}
        >
          {asked === 'cancel'
            ? 'Its runs that wait are cancelled, those that run are asked to stop; so are those of batches within it.'
            : 'Its failed and cancelled runs run again, with all their attempts; so do those of batches within it.'}
        </Confirm>
      )}
    </>
  );
}
