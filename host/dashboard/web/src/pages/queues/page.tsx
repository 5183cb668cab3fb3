// Queues with what waits in them, and what limits how runs begin.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched, type Fetched } from '../../api/query';
import type { Counts } from '../../api/types';
import { attempt, Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Bar, Card, PageHead, Table } from '../../parts/layout';
import { Confirm } from '../../parts/dialog';
import { Ago } from '../../parts/time';
import { count, percent } from '../../text/number';
import { LimitDialog } from './dialog';
import { limitText, scopeText, type FlowLimit } from './limit';

/** The least time between two looks: a second. */
const LOOK_MS_MIN = 1_000;

interface Queue {
  readonly queue: string;
  readonly counts: Counts;
  readonly oldest_pending_at: string | null;
}

export interface Limit {
  readonly scope: string;
  readonly limit: FlowLimit;
  readonly in_use: number;
  readonly held: number;
}

interface Limits {
  readonly limits: readonly Limit[];
}

export function QueuesPage() {
  const moves = (event: { readonly kind: unknown }): boolean => event.kind === 'started' || typeof event.kind === 'object';
  const queues = useFetched<{ readonly queues: readonly Queue[] }>(
    'queues', (signal) => api.get('/queues', undefined, signal), moves, LOOK_MS_MIN,
  );
  const limits = useFetched<Limits>(
    'limits', (signal) => api.get('/limits', undefined, signal), moves, LOOK_MS_MIN,
  );
  return (
    <>
      <PageHead title="Queues & limits" acts={<PauseEverything limits={limits} />} />
      {queues.error && <Failure of={queues.error} retry={queues.refetch} />}
      <QueueCard queues={queues} limits={limits} />
      {limits.error && <Failure of={limits.error} retry={limits.refetch} />}
      <LimitCard limits={limits} />
    </>
  );
}

const isPaused = (limits: Fetched<Limits>, scope: string): boolean =>
  limits.data?.limits.some((one) => one.scope === scope && one.limit.paused) ?? false;

async function setPaused(scope: string, paused: boolean, limits: Fetched<Limits>): Promise<void> {
  await attempt(async () => {
    await api.post(`/limits/${encodeURIComponent(scope)}/${paused ? 'pause' : 'resume'}`);
    return paused ? `paused: ${scopeText(scope)}` : `goes on: ${scopeText(scope)}`;
  });
  limits.refetch();
}

function PauseEverything({ limits }: { readonly limits: Fetched<Limits> }) {
  const { canOperate } = useAccess();
  const [isAsked, setAsked] = useState(false);
  if (!canOperate) return null;
  if (isPaused(limits, 'everything')) {
    return (
      <button type="button" class="button primary" onClick={() => void setPaused('everything', false, limits)}>
        <Icon name="play" /> Resume everything
      </button>
    );
  }
  return (
    <>
      <button type="button" class="button danger" onClick={() => setAsked(true)}><Icon name="pause" /> Pause everything</button>
      {isAsked && (
        <Confirm title="Pause everything?" action="Pause everything" isDanger onClose={() => setAsked(false)} onConfirm={() => setPaused('everything', true, limits)}>
          No run begins on any host until it is resumed. Runs under way go on.
        </Confirm>
      )}
    </>
  );
}

function QueueCard({ queues, limits }: {
  readonly queues: Fetched<{ readonly queues: readonly Queue[] }>;
  readonly limits: Fetched<Limits>;
}) {
  const { canOperate } = useAccess();
  const shown = queues.data?.queues ?? [];
  return (
    <Card title="Queues" isFlush>
      {!queues.data && queues.isLoading && <Loading />}
      {queues.data && shown.length === 0 && <Empty>No runs wait anywhere.</Empty>}
      {shown.length > 0 && (
        <Table label="Queues" head={<><th>Queue</th><th class="right">Pending</th><th class="right">Running</th><th class="right">Held</th><th class="right optional">Delayed</th><th class="right optional">Failed</th><th>Oldest pending</th><th /></>}>
          {shown.map(({ queue, counts, oldest_pending_at: oldest }) => {
            const scope = `queue:${queue}`;
            const paused = isPaused(limits, scope);
            return (
              <tr key={queue}>
                <td class="row">
                  <a class="title-link" href={`/runs?queue=${encodeURIComponent(queue)}`}>{queue}</a>
                  {paused && <span class="badge tone-warn"><Icon name="pause" />paused</span>}
                </td>
                <td class="right num strong">{count(counts.pending)}</td>
                <td class="right num">{count(counts.running)}</td>
                <td class="right num">{count(counts.held)}</td>
                <td class="right num optional">{count(counts.scheduled + counts['awaiting-retry'])}</td>
                <td class="right num optional">{count(counts.failed)}</td>
                <td class="muted"><Ago at={oldest} /></td>
                <td class="right">
                  {canOperate && (
                    <button type="button" class="button small" aria-label={`${paused ? 'Resume' : 'Pause'} queue ${queue}`} onClick={() => void setPaused(scope, !paused, limits)}>
                      <Icon name={paused ? 'play' : 'pause'} /> {paused ? 'Resume' : 'Pause'}
                    </button>
                  )}
                </td>
              </tr>
            );
          })}
        </Table>
      )}
    </Card>
  );
}

function LimitCard({ limits }: { readonly limits: Fetched<Limits> }) {
  const { canOperate } = useAccess();
  const [isAdding, setAdding] = useState(false);
  const [removed, setRemoved] = useState<string>();
  const shown = limits.data?.limits ?? [];
  return (
    <Card
      title="Limits"
      isFlush
      acts={canOperate && <button type="button" class="button small" onClick={() => setAdding(true)}><Icon name="plus" /> Set a limit</button>}
    >
      {!limits.data && limits.isLoading && <Loading />}
      {limits.data && shown.length === 0 && <Empty>Nothing is limited or paused.</Empty>}
      {shown.length > 0 && (
        <Table label="Limits" head={<><th>Applies to</th><th>Allows</th><th class="wide">In use</th><th class="right">Held</th><th /></>}>
          {shown.map(({ scope, limit, in_use: used, held }) => (
            <tr key={scope}>
              <td class="strong">{scopeText(scope)}</td>
              <td class="muted"><span class="row">{limit.paused && <span class="badge tone-warn"><Icon name="pause" />paused</span>}{limitText(limit)}</span></td>
              <td class="wide">
                {typeof limit.concurrency === 'number'
                  ? (
                    <span class="row">
                      <span class="num nowrap">{count(used)} of {count(limit.concurrency)}</span>
                      <span class="grow"><Bar percent={percent(used, limit.concurrency)} label={`In use of ${scopeText(scope)}`} tone={used >= limit.concurrency ? 'warn' : 'live'} /></span>
                    </span>
                  )
                  : <span class="faint">–</span>}
              </td>
              <td class="right num">{count(held)}</td>
              <td>
                {canOperate && (
                  <span class="row end">
                    {!scope.startsWith('key:') && (
                      <button type="button" class="button small" aria-label={`${limit.paused ? 'Resume' : 'Pause'} ${scopeText(scope)}`} onClick={() => void setPaused(scope, !limit.paused, limits)}>
                        {limit.paused ? 'Resume' : 'Pause'}
                      </button>
                    )}
                    <button type="button" class="button small danger" aria-label={`Remove the limit of ${scopeText(scope)}`} onClick={() => setRemoved(scope)}>Remove</button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {isAdding && <LimitDialog onClose={() => setAdding(false)} onDone={limits.refetch} />}
      {removed && (
        <Confirm
          title="Remove this limit?"
          action="Remove the limit"
          isDanger
          onClose={() => setRemoved(undefined)}
          onConfirm={async () => { await api.remove(`/limits/${encodeURIComponent(removed)}`); limits.refetch(); }}
        >
          Runs of {scopeText(removed)} begin without it at once.
        </Confirm>
      )}
    </Card>
  );
}
