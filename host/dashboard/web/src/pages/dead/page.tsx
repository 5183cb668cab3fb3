// Failed runs, grouped by what went wrong.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading, Notice } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { count } from '../../text/number';
import { BulkConfirm, type BulkAction } from '../runs/bulk';

/** The least time between two looks at all failed runs: 3 seconds. */
const LOOK_MS_MIN = 3_000;

interface Group {
  readonly job_type: string;
  readonly error_type: string;
  readonly count: number;
  readonly first_at: string | null;
  readonly latest_at: string | null;
  readonly latest_run: string;
  readonly message: string;
}

interface Groups {
  readonly groups: readonly Group[];
  readonly has_more: boolean;
}

export function DeadPage() {
  const found = useFetched<Groups>(
    'dead',
    (signal) => api.get('/dead', undefined, signal),
    (event) => typeof event.kind === 'object' && event.kind.settled === 'failed',
    LOOK_MS_MIN,
  );
  const { canOperate } = useAccess();
  const [asked, setAsked] = useState<{ readonly action: BulkAction; readonly group: Group }>();
  const groups = found.data?.groups ?? [];
  return (
    <>
      <PageHead title="Dead letters" sub={<span>failed runs, by what went wrong</span>} />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      {found.data?.has_more && <Notice tone="warn">There are more failed runs than were looked at: these are the newest.</Notice>}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && groups.length === 0 && <Empty>No failed runs.</Empty>}
        {groups.length > 0 && (
          <Table label="Groups of failed runs" head={<><th>Job</th><th>Error</th><th class="right">Runs</th><th class="wide">Latest message</th><th class="optional">First</th><th>Latest</th><th /></>}>
            {groups.map((group) => (
              <tr key={`${group.job_type} ${group.error_type}`}>
                <td><a class="title-link nowrap" href={`/runs?status=failed&job=${encodeURIComponent(group.job_type)}`}>{group.job_type}</a></td>
                <td class="clip short" title={group.error_type}><span class="status tone-bad"><Icon name="failed" />{group.error_type || 'no type'}</span></td>
                <td class="right num strong">{count(group.count)}</td>
                <td class="clip wide"><a href={`/runs/${group.latest_run}`} title={group.message}>{group.message || 'no message'}</a></td>
                <td class="muted optional"><Ago at={group.first_at} /></td>
                <td class="muted"><Ago at={group.latest_at} /></td>
                <td>
                  {canOperate && (
                    <span class="row end">
                      <button type="button" class="button small" aria-label={`Retry all: ${group.job_type}, ${group.error_type}`} onClick={() => setAsked({ action: 'retry', group })}>
                        <Icon name="retry" /> Retry
                      </button>
                      <button type="button" class="button small danger" aria-label={`Delete all: ${group.job_type}, ${group.error_type}`} onClick={() => setAsked({ action: 'delete', group })}>
                        Delete
                      </button>
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      {asked && (
        <BulkConfirm
          action={asked.action}
          target={{ filter: { status: ['failed'], job_type: asked.group.job_type, error_type: asked.group.error_type } }}
          onClose={() => setAsked(undefined)}
          onDone={found.refetch}
        />
      )}
    </>
  );
}
