// One job: what it is, and how its latest runs went.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { JobDefinition, Run } from '../../api/types';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { JsonText } from '../../parts/json';
import { Card, Facts, PageHead } from '../../parts/layout';
import { isVoid } from '../../text/json';
import { scheduleText } from '../../text/schedule';
import { span } from '../../text/time';
import { RunTable } from '../runs/table';
import { Trigger } from './trigger';

/** Runs that are shown here. */
const RUNS_SHOWN = 15;

export function JobPage({ jobType }: { readonly jobType: string }) {
  const path = `/jobs/${encodeURIComponent(jobType)}`;
  const job = useFetched<JobDefinition>(`job ${jobType}`, (signal) => api.get(path, undefined, signal));
  const { canEnqueue } = useAccess();
  const [isAsked, setAsked] = useState(false);
  if (!job.data) {
    return (
      <>
        <PageHead title={jobType} />
        {job.error ? <Failure of={job.error} retry={job.refetch} /> : <Loading />}
      </>
    );
  }
  const it = job.data;
  return (
    <>
      <PageHead
        title={it.display_name || jobType}
        sub={<span class="mono faint">{jobType}</span>}
        acts={canEnqueue && it.digest && (
          <button type="button" class="button primary" onClick={() => setAsked(true)}><Icon name="play" /> Run</button>
        )}
      />
      <div class="run-grid">
        <div>
          <LatestRuns jobType={jobType} />
          {!isVoid(it.input_schema) && <Card title="Schema of the input" isFlush><JsonText value={it.input_schema} label="Schema of the input" /></Card>}
        </div>
        <div>
          <Card title="Details">
            {it.description && <p class="muted lead">{it.description}</p>}
            <Facts
              of={[
                ['Runs by itself', scheduleText(it.schedule)],
                ['Queue', it.queue],
                ['Tenant', it.key.tenant],
                ['Attempts', attempts(it)],
                ['Time limit', it.timeout_ms ? span(it.timeout_ms) : undefined],
                ['Code', it.digest ? <span class="mono" title={it.digest}>{it.digest.replace(/^sha256:/, '').slice(0, 12)}</span> : 'its plugin was removed'],
                ['Tags', it.tags.length > 0 ? <span class="tags">{it.tags.map((tag) => <span class="tag" key={tag}>{tag}</span>)}</span> : undefined],
              ]}
            />
          </Card>
          {!isVoid(it.default_input) && <Card title="Default input" isFlush><JsonText value={it.default_input} label="Default input" /></Card>}
        </div>
      </div>
      {isAsked && <Trigger job={it} onClose={() => setAsked(false)} />}
    </>
  );
}

function attempts(job: JobDefinition): string | undefined {
  const most = job.retry['max_attempts'];
  return typeof most === 'number' ? `up to ${most}` : undefined;
}

function LatestRuns({ jobType }: { readonly jobType: string }) {
  const runs = useFetched<{ readonly runs: readonly Run[] }>(
    `runs of ${jobType}`,
    (signal) => api.get('/runs', { job_type: jobType, limit: RUNS_SHOWN }, signal),
    (event) => event.job_type === jobType && event.kind !== 'logged',
  );
  return (
    <Card title="Latest runs" isFlush acts={<a class="button small" href={`/runs?job=${encodeURIComponent(jobType)}`}>All runs</a>}>
      {runs.error && <Failure of={runs.error} retry={runs.refetch} />}
      {runs.data?.runs.length === 0 && <Empty>It has not run yet.</Empty>}
      {runs.data && runs.data.runs.length > 0 && <RunTable runs={runs.data.runs} />}
    </Card>
  );
}
