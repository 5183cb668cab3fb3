// One run: how it stands, why, and what can be done about it.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { Run, RunError } from '../../api/types';
import { Failure, Loading } from '../../parts/feedback';
import { Copy, JsonText } from '../../parts/json';
import { Bar, Card, PageHead } from '../../parts/layout';
import { StatusBadge } from '../../parts/status';
import { count, percent } from '../../text/number';
import { isVoid, pretty } from '../../text/json';
import { RunActions } from './actions';
import { RunFacts, TimelineCard, UsageCard } from './facts';
import { LogCard, useLog } from './log';
import { Relations, Steps } from './relations';
import { claimsOf } from './timeline';

/** What the API tells of one run beside the run. */
export interface ShownRun extends Run {
  readonly after: readonly { readonly run: string; readonly on: string }[];
}

export function RunPage({ id }: { readonly id: string }) {
  const fetched = useFetched<ShownRun>(
    `run ${id}`,
    (signal) => api.get(`/runs/${encodeURIComponent(id)}`, undefined, signal),
    (event) => event.run === id && event.kind !== 'logged',
  );
  const run = fetched.data;
  if (!run) {
    return (
      <>
        <PageHead title="Run" />
        {fetched.error ? <Failure of={fetched.error} retry={fetched.refetch} /> : <Loading />}
      </>
    );
  }
  return <Shown run={run} refetch={fetched.refetch} />;
}

function Shown({ run, refetch }: { readonly run: ShownRun; readonly refetch: () => void }) {
  const log = useLog(run.id);
  const isRunning = run.status === 'running';
  return (
    <>
      <PageHead
        title={run.job_type}
        sub={
          <>
            <StatusBadge of={run.status} />
            {run.cancel_requested && isRunning && <span class="badge tone-warn">asked to stop</span>}
            <span class="mono faint wrap">{run.id}</span>
            <Copy text={run.id} what="id" />
          </>
        }
        acts={<RunActions run={run} refetch={refetch} />}
      />
      <div class="run-grid">
        <div>
          <ProgressCard run={run} />
          {run.error && run.status !== 'completed' && <ErrorCard error={run.error} />}
          {!isVoid(run.output) && (
            <Card title="Output" isFlush acts={<Copy text={pretty(run.output)} what="output" />}>
              <JsonText value={run.output} label="Output" />
            </Card>
          )}
          <LogCard log={log} isRunning={isRunning} />
          <Card title="Input" isFlush acts={<Copy text={pretty(run.input)} what="input" />}>
            <JsonText value={run.input} label="Input" />
          </Card>
          <Steps run={run} />
        </div>
        <div>
          <TimelineCard run={run} claims={claimsOf(log.entries)} />
          <RunFacts run={run} />
          <Relations run={run} />
          {run.usage.wall_us > 0 && <UsageCard run={run} />}
        </div>
      </div>
    </>
  );
}

function ProgressCard({ run }: { readonly run: Run }) {
  const { progress, counts } = run;
  const isTold = progress.done > 0 || progress.total !== null || progress.message !== '';
  if (!isTold && counts.processed === 0) return null;
  const done = progress.total === null ? undefined : percent(progress.done, progress.total);
  return (
    <Card>
      <div class="stack">
        {isTold && (
          <div class="meter">
            <div class="spread">
              <span>{progress.message || 'Progress'}</span>
              <span class="num muted" data-testid="progress">
                {count(progress.done)}{progress.total !== null && ` of ${count(progress.total)}`}
              </span>
            </div>
            {done !== undefined && <Bar percent={done} label="Progress" tone={run.status === 'running' ? 'live' : 'quiet'} />}
          </div>
        )}
        {counts.processed > 0 && (
          <p class="muted num">
            {count(counts.processed)} items: {count(counts.succeeded)} succeeded, {count(counts.failed)} failed
          </p>
        )}
      </div>
    </Card>
  );
}

const BLAMES = { guest: 'the job itself', host: 'the host', operator: 'a person' };

function ErrorCard({ error }: { readonly error: RunError }) {
  const backtrace = backtraceOf(error.details);
  return (
    <Card
      title={<span class="status tone-bad">{error.type || 'Error'}</span>}
      isFlush
      acts={<><span class="muted">caused by {BLAMES[error.blame] ?? error.blame}</span><Copy text={`${error.type}: ${error.message}`} what="error" /></>}
    >
      <p class="error-text">{error.message}</p>
      {backtrace && <pre class="code" tabIndex={0} role="region" aria-label="Backtrace">{backtrace}</pre>}
      {!backtrace && !isVoid(error.details) && <JsonText value={error.details} label="Details of the error" />}
    </Card>
  );
}

/** The backtrace, where the details hold nothing else. */
function backtraceOf(details: unknown): string | undefined {
  if (typeof details === 'string') return details;
  if (typeof details !== 'object' || details === null) return undefined;
  const [first, ...rest] = Object.entries(details);
  if (first?.[0] !== 'backtrace' || rest.length > 0) return undefined;
  const value: unknown = first[1];
  if (Array.isArray(value)) return value.map(String).join('\n');
  return typeof value === 'string' ? value : undefined;
}

