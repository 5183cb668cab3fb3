// Chooses whose runs and jobs are looked at, where there are several tenants and one may.
import { api } from './api/client';
import { useFetched } from './api/query';
import { server } from './api/server';
import { ALL, choose, tenant } from './api/tenant';
import { useStore } from './store';

export function TenantChoice() {
  const known = useStore(server);
  const chosen = useStore(tenant);
  const mayChoose = known !== undefined && known.caller.bound_to === null;
  const found = useFetched<{ readonly tenants: readonly { readonly tenant: string }[] }>(
    mayChoose ? 'tenants to choose from' : null,
    (signal) => api.get('/tenants', undefined, signal),
  );
  const names = found.data?.tenants.map((one) => one.tenant) ?? [];
  if (!mayChoose || (names.length < 2 && chosen === '')) return null;
  const own = known.caller.tenant ?? 'default';
  return (
    <label class="tenant">
      <span class="visually-hidden">Tenant</span>
      <select class="input" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{chosen === '' ? own : 'default'}</option>
        {names.filter((name) => name !== own && name !== 'default').map((name) => <option key={name} value={name}>{name}</option>)}
        <option value={ALL}>All tenants</option>
      </select>
    </label>
  );
}
