// Tenants, and what each may use.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { choose } from '../../api/tenant';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { PageHead, Table } from '../../parts/layout';
import { go } from '../../router';
import { count } from '../../text/number';

interface Tenants {
  readonly tenants: readonly {
    readonly tenant: string;
    readonly jobs: number;
    readonly quotas: Readonly<Record<string, unknown>>;
  }[];
}

export function TenantsPage() {
  const found = useFetched<Tenants>('tenants', (signal) => api.get('/tenants', undefined, signal));
  const look = (name: string): void => {
    choose(name);
    go('/runs');
  };
  return (
    <>
      <PageHead title="Tenants" />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data?.tenants.length === 0 && <Empty>No tenant has jobs or quotas.</Empty>}
        {found.data && found.data.tenants.length > 0 && (
          <Table label="Tenants" head={<><th>Tenant</th><th class="right">Jobs</th><th class="wide">Quotas</th><th /></>}>
            {found.data.tenants.map(({ tenant, jobs, quotas }) => (
              <tr key={tenant}>
                <td class="strong">{tenant}</td>
                <td class="right num">{count(jobs)}</td>
                <td class="muted wide">{quotaText(quotas)}</td>
                <td class="right"><button type="button" class="button small" onClick={() => look(tenant)}>Look at {tenant}</button></td>
              </tr>
            ))}
          </Table>
        )}
      </section>
    </>
  );
}

function quotaText(quotas: Readonly<Record<string, unknown>>): string {
  const set = Object.entries(quotas).filter(([, value]) => value !== null && value !== undefined);
  return set.map(([name, value]) => `${name.replace(/[_-]/g, ' ')} ${typeof value === 'number' ? count(value) : JSON.stringify(value)}`).join(', ') || 'none';
}
