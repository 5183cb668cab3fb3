// What whoever looks may do, so that pages offer only that.
//
// Invariant: a comfort, no protection: the server checks every request by itself.
import { store, useStore } from '../store';

export type Scope = 'read' | 'enqueue' | 'operate' | 'admin';

const RANKS: Record<Scope, number> = { read: 0, enqueue: 1, operate: 2, admin: 3 };

/** The scope of the token; everything until the server has said otherwise. */
export const scope = store<Scope>('admin');

/** What may be done. */
export interface Access {
  readonly canEnqueue: boolean;
  readonly canOperate: boolean;
  readonly isAdmin: boolean;
}

/** What a scope allows. */
export function accessOf(of: Scope): Access {
  const rank = RANKS[of] ?? RANKS.read;
  return { canEnqueue: rank >= RANKS.enqueue, canOperate: rank >= RANKS.operate, isAdmin: rank >= RANKS.admin };
}

/** What whoever looks may do. */
export const useAccess = (): Access => accessOf(useStore(scope));
