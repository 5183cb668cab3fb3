// The host processes that claim runs.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Bar, PageHead, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { count, percent } from '../../text/number';
import { instant } from '../../text/time';

/** Silence after which a worker is likely dead: as long as a claim lasts. */
const SILENCE_MS_MAX = 30_000;
/** The least time between two looks: 3 seconds. */
const LOOK_MS_MIN = 3_000;

interface Worker {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  readonly seen_at: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly running: number;
}

interface Workers {
  readonly workers: readonly Worker[];
  readonly now: string;
}

export function WorkersPage() {
  const found = useFetched<Workers>(
    'workers',
    (signal) => api.get('/workers', undefined, signal),
    (event) => event.kind === 'started' || typeof event.kind === 'object',
    LOOK_MS_MIN,
  );
  const workers = found.data?.workers ?? [];
  return (
    <>
      <PageHead title="Workers" sub={<span>hosts that execute runs</span>} />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && workers.length === 0 && <Empty>No host serves this storage. Start one with <code>zapjobs serve</code>.</Empty>}
        {found.data && workers.length > 0 && (
          <Table label="Workers" head={<><th>Host</th><th>State</th><th class="wide">Runs under way</th><th class="optional">Queues</th><th class="optional">Version</th><th class="optional">Started</th><th>Seen</th></>}>
            {workers.map((worker) => <Row key={worker.id} worker={worker} now={found.data!.now} />)}
          </Table>
        )}
      </section>
    </>
  );
}

function Row({ worker, now }: { readonly worker: Worker; readonly now: string }) {
  const isSilent = instant(now) - instant(worker.seen_at) > SILENCE_MS_MAX;
  return (
    <tr>
      <td><span class="strong">{worker.hostname}</span> <span class="faint num" title={worker.id}>process {worker.pid}</span></td>
      <td>
        {isSilent
          ? <span class="status tone-warn"><Icon name="warning" />silent</span>
          : <span class="status tone-good"><Icon name="completed" />alive</span>}
      </td>
      <td class="wide">
        <span class="row">
          <span class="num nowrap">{count(worker.running)} of {count(worker.concurrency)}</span>
          <span class="grow"><Bar percent={percent(worker.running, worker.concurrency)} label={`Runs under way on ${worker.hostname}`} tone="live" /></span>
        </span>
      </td>
      <td class="muted optional">{worker.queues.length === 0 ? 'all' : worker.queues.join(', ')}</td>
      <td class="muted optional num">{worker.version}</td>
      <td class="muted optional"><Ago at={worker.started_at} /></td>
      <td class="muted"><Ago at={worker.seen_at} /></td>
    </tr>
  );
}
