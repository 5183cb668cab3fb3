// What happens now, and what went wrong lately.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { Counts, Run, RunStatus } from '../../api/types';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Card, PageHead, Tile } from '../../parts/layout';
import { statusText, toneOf } from '../../parts/status';
import { shortCount } from '../../text/number';
import { RunTable } from '../runs/table';
import { LiveCard } from './live';
import { PastCards } from './past';

/** Failures that are shown. */
const FAILURES_SHOWN = 8;
/** The least time between two counts: a second. */
const COUNT_MS_MIN = 1_000;

const SHOWN: readonly RunStatus[] = [
  'running', 'pending', 'held', 'scheduled', 'awaiting-retry', 'completed', 'failed',
];

export function OverviewPage() {
  const counts = useFetched<Counts>(
    'counts',
    (signal) => api.get('/runs/counts', undefined, signal),
    (event) => event.kind === 'started' || typeof event.kind === 'object',
    COUNT_MS_MIN,
  );
  return (
    <>
      <PageHead title="Overview" />
      {counts.error && <Failure of={counts.error} retry={counts.refetch} />}
      <div class="tiles">
        {SHOWN.map((status) => (
          <Tile
            key={status}
            href={`/runs?status=${status}`}
            name={<span class={`row tone-${toneOf(status)}`}><Icon name={status} />{statusText(status)}</span>}
            value={counts.data ? shortCount(counts.data[status] ?? 0) : '–'}
          />
        ))}
      </div>
      <div class="grid"><LiveCard /><PastCards /></div>
      <Failures />
    </>
  );
}

function Failures() {
  const failures = useFetched<{ readonly runs: readonly Run[] }>(
    'failures',
    (signal) => api.get('/runs', { status: 'failed', limit: FAILURES_SHOWN }, signal),
    (event) => typeof event.kind === 'object' && event.kind.settled === 'failed',
    COUNT_MS_MIN,
  );
  return (
    <Card title="Latest failures" isFlush acts={<a class="button small" href="/runs?status=failed">All failures</a>}>
      {failures.error && <Failure of={failures.error} retry={failures.refetch} />}
      {!failures.data && failures.isLoading && <Loading />}
      {failures.data?.runs.length === 0 && <Empty>No failed runs.</Empty>}
      {failures.data && failures.data.runs.length > 0 && <RunTable runs={failures.data.runs} />}
    </Card>
  );
}
