// Jobs: what there is to run.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { JobDefinition } from '../../api/types';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { Status } from '../../parts/status';
import { scheduleText } from '../../text/schedule';
import { Trigger } from './trigger';

/** The page of one job. */
export const jobHref = (jobType: string): string => `/jobs/${encodeURIComponent(jobType)}`;

export function JobsPage() {
  const jobs = useFetched<{ readonly jobs: readonly JobDefinition[] }>(
    'jobs',
    (signal) => api.get('/jobs', undefined, signal),
    (event) => typeof event.kind === 'object',
    5_000,
  );
  const { canEnqueue } = useAccess();
  const [asked, setAsked] = useState<JobDefinition>();
  return (
    <>
      <PageHead title="Jobs" />
      {jobs.error && <Failure of={jobs.error} retry={jobs.refetch} />}
      <section class="card">
        {!jobs.data && jobs.isLoading && <Loading />}
        {jobs.data?.jobs.length === 0 && (
          <Empty>No jobs. Put a plugin into the plugins folder of a host: its jobs appear here.</Empty>
        )}
        {jobs.data && jobs.data.jobs.length > 0 && (
          <Table label="Jobs" head={<><th>Job</th><th class="wide optional">What it does</th><th>Runs by itself</th><th class="optional">Queue</th><th>Latest end</th><th /></>}>
            {jobs.data.jobs.map((job) => (
              <tr key={`${job.key.tenant}/${job.key.job_type}`}>
                <td>
                  <a class="title-link nowrap" href={jobHref(job.key.job_type)}>{job.display_name || job.key.job_type}</a>
                  {job.display_name && job.display_name !== job.key.job_type && <div class="faint mono">{job.key.job_type}</div>}
                </td>
                <td class="muted wide optional">{job.description}</td>
                <td class="muted">{scheduleText(job.schedule)}</td>
                <td class="muted optional">{job.queue}</td>
                <td>{job.last_status ? <Status of={job.last_status} /> : <span class="faint">–</span>}</td>
                <td class="right">
                  {canEnqueue && (job.digest
                    ? (
                      <button type="button" class="button small" aria-label={`Run ${job.key.job_type}`} onClick={() => setAsked(job)}>
                        <Icon name="play" /> Run
                      </button>
                    )
                    : <span class="faint nowrap" title="its plugin was removed">no plugin</span>)}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      {asked && <Trigger job={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}
