// Who changed what over HTTP, newest first.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { setQuery, usePlace } from '../../router';
import { actionText } from '../../text/action';

interface Change {
  readonly id: string;
  readonly at: string;
  readonly token: string;
  readonly token_name: string;
  readonly tenant: string | null;
  readonly action: string;
  readonly target: string;
  readonly status: number;
}

interface Changes {
  readonly changes: readonly Change[];
  readonly next: string | null;
}

export function AuditPage() {
  const cursor = usePlace().query.get('cursor') ?? undefined;
  const found = useFetched<Changes>(`audit ${cursor ?? ''}`, (signal) => api.get('/audit', { cursor }, signal));
  const changes = found.data?.changes ?? [];
  return (
    <>
      <PageHead
        title="Audit"
        sub={<span>who changed what over HTTP, for 90 days</span>}
        acts={<button type="button" class="button" onClick={found.refetch}><Icon name="retry" /> Look again</button>}
      />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && changes.length === 0 && <Empty>{cursor || found.data.next ? 'Nothing on this page.' : 'Nothing was changed over HTTP.'}</Empty>}
        {changes.length > 0 && (
          <Table label="Changes" head={<><th>When</th><th>Who</th><th>What</th><th class="wide">To which</th><th class="optional">Tenant</th><th>Outcome</th></>}>
            {changes.map((change) => (
              <tr key={change.id}>
                <td class="muted"><Ago at={change.at} /></td>
                <td title={change.token}>{change.token_name || change.token}</td>
                <td class="strong nowrap">{actionText(change.action)}</td>
                <td class="clip wide mono muted" title={change.target}>{change.target.replace(/^\/api\/v1/, '')}</td>
                <td class="muted optional">{change.tenant ?? 'all'}</td>
                <td><Outcome status={change.status} /></td>
              </tr>
            ))}
          </Table>
        )}
        {found.data && (cursor || found.data.next) && (
          <nav class="foot" aria-label="Pages of changes">
            <button type="button" class="button small" disabled={!cursor} onClick={() => history.back()}><Icon name="back" /> Newer</button>
            <button type="button" class="button small" disabled={!found.data.next} onClick={() => setQuery({ cursor: found.data?.next ?? undefined })}>Older <Icon name="next" /></button>
          </nav>
        )}
      </section>
    </>
  );
}

function Outcome({ status }: { readonly status: number }) {
  return status < 400
    ? <span class="status tone-good"><Icon name="completed" />done</span>
    : <span class="status tone-bad"><Icon name="failed" />refused, {status}</span>;
}
