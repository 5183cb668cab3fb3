// What is known of a run beside its log: times, origins, what it used.
import type { Run } from '../../api/types';
import { Icon } from '../../parts/icon';
import { Bar, Card, Facts } from '../../parts/layout';
import { Ago, Exact } from '../../parts/time';
import { bytes, count, percent, plural } from '../../text/number';
import { between, span } from '../../text/time';
import { shortId } from '../runs/table';
import { timeline, type Claim } from './timeline';

/** A run's label that names its workflow begins so. */
const WORKFLOW_TAG = 'workflow:';

export function TimelineCard({ run, claims }: { readonly run: Run; readonly claims: readonly Claim[] }) {
  const moments = timeline(run, claims);
  return (
    <Card title="Timeline">
      <ol class="timeline">
        {moments.map((moment, at) => {
          const took = between(moment.at, moments[at + 1]?.at);
          return (
            <li key={`${moment.title} ${at}`} class={`tone-${moment.tone}`}>
              <Icon name={moment.icon} />
              <span>{moment.title}</span>
              <span class="when"><Ago at={moment.at} /></span>
              {took !== undefined && took >= 0 && <span class="after num">{span(took)}</span>}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

export function RunFacts({ run }: { readonly run: Run }) {
  const workflow = run.tags.find((tag) => tag.startsWith(WORKFLOW_TAG))?.slice(WORKFLOW_TAG.length);
  const metadata = Object.entries(run.metadata);
  return (
    <Card title="Details">
      <Facts
        of={[
          ['Job', <a href={`/jobs/${encodeURIComponent(run.job_type)}`}>{run.job_type}</a>],
          ['Queue', <a href={`/runs?queue=${encodeURIComponent(run.queue)}`}>{run.queue}</a>],
          ['Priority', run.priority === 0 ? undefined : String(run.priority)],
          ['Trigger', run.trigger],
          ['Attempts', `${run.attempt} of ${run.max_attempts}`],
          ['Host faults', run.host_faults > 0 ? plural(run.host_faults, 'attempt') : undefined],
          ['Created', <Exact at={run.created_at} />],
          ['Due', run.status === 'scheduled' || run.status === 'awaiting-retry' ? <Exact at={run.due_at} /> : undefined],
          ['Started', run.started_at && <Exact at={run.started_at} />],
          ['Finished', run.finished_at && <Exact at={run.finished_at} />],
          ['Deadline', run.deadline && <Exact at={run.deadline} />],
          ['Tenant', run.tenant],
          ['Worker', run.worker && <span class="mono" title={run.worker}>{shortId(run.worker)}</span>],
          ['Code', run.digest && <span class="mono" title={run.digest}>{run.digest.replace(/^sha256:/, '').slice(0, 12)}</span>],
          ['Workflow', workflow && <a href={`/workflows/${workflow}`}>{run.metadata['workflow'] || 'look'}</a>],
          ['Batch', run.batch && <a href={`/batches/${run.batch}`}>look</a>],
          ['Limit key', run.limit_key ?? undefined],
          ['Correlation', run.correlation_id && <a href={`/runs?search=${encodeURIComponent(run.correlation_id)}`}>{run.correlation_id}</a>],
          ['Tags', run.tags.length > 0 && (
            <span class="tags">
              {run.tags.map((tag) => <a key={tag} class="tag" href={`/runs?tag=${encodeURIComponent(tag)}`}>{tag}</a>)}
            </span>
          ) || undefined],
          ...metadata.map(([name, value]) => [name, value] as const),
        ]}
      />
    </Card>
  );
}

export function UsageCard({ run }: { readonly run: Run }) {
  const { usage } = run;
  return (
    <Card title="Used by the latest attempt">
      <Facts
        of={[
          ['Processor', span(usage.cpu_us / 1_000)],
          ['Time', span(usage.wall_us / 1_000)],
          ['Waiting', usage.wait_us > 0 ? span(usage.wait_us / 1_000) : undefined],
          ['Memory', bytes(usage.memory_bytes_peak)],
          ['Output', bytes(usage.output_bytes)],
          ['Log', `${plural(usage.log_lines, 'line')}, ${bytes(usage.log_bytes)}`],
          ['Log dropped', usage.log_lines_dropped > 0 ? plural(usage.log_lines_dropped, 'line') : undefined],
          ['Requests', usage.http_requests > 0 ? `${count(usage.http_requests)}, ${bytes(usage.http_sent_bytes)} sent, ${bytes(usage.http_received_bytes)} received` : undefined],
        ]}
      />
      {usage.wall_us > 0 && (
        <div class="meter spaced">
          <div class="spread faint"><span>Processor time of its time</span><span class="num">{Math.round(percent(usage.cpu_us, usage.wall_us))} %</span></div>
          <Bar percent={percent(usage.cpu_us, usage.wall_us)} label="Processor time of its time" />
        </div>
      )}
    </Card>
  );
}
