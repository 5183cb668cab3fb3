// Whose runs and jobs are looked at.
//
// Invariant: a token that is bound to a tenant is never told another one: the server would refuse.
import { store } from '../store';

const KEY = 'zapjobs-tenant';

/** All tenants together. */
export const ALL = '*';

/** The tenant that requests name; the server's own where it is empty. */
export const tenant = store<string>(sessionStorage.getItem(KEY) ?? '');

/** Looks at another tenant. */
export function choose(name: string): void {
  if (name === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, name);
  tenant.set(name);
}
