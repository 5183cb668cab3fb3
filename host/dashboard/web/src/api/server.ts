// What answers, and who asks: asked once, and again after signing in.
import { learnTime } from '../parts/time';
import { store } from '../store';
import { scope, type Scope } from './access';
import { api } from './client';

export interface Server {
  readonly version: string;
  readonly now: string;
  readonly auth: 'tokens' | 'off';
  readonly storage: Readonly<Record<string, unknown>> | null;
  readonly caller: {
    readonly id: string;
    readonly name: string;
    readonly scope: Scope;
    readonly bound_to: string | null;
    readonly tenant: string | null;
  };
}

/** What is known of the server. */
export const server = store<Server | undefined>(undefined);

/** Asks the server. Where it does not answer, the pages say so. */
export async function askServer(): Promise<void> {
  try {
    const found = await api.get<Server>('/server');
    learnTime(found.now);
    scope.set(found.caller.scope);
    server.set(found);
  } catch {
    // The page that asks for something else shows why.
  }
}
