// Makes a token, and shows it this once.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { messageOf } from '../../api/problem';
import type { Scope } from '../../api/access';
import { server } from '../../api/server';
import { Dialog } from '../../parts/dialog';
import { Notice } from '../../parts/feedback';
import { ShownOnce } from '../../parts/secret';
import { useStore } from '../../store';

const DAY_MS = 86_400_000;

const SCOPES: readonly (readonly [Scope, string])[] = [
  ['read', 'look'],
  ['enqueue', 'look, and enqueue runs'],
  ['operate', 'and change runs, schedules and limits'],
  ['admin', 'everything'],
];

export function NewToken({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('read');
  const [tenant, setTenant] = useState('');
  const [days, setDays] = useState('90');
  const [problem, setProblem] = useState<string>();
  const [made, setMade] = useState<string>();
  const isBound = useStore(server)?.caller.bound_to != null;

  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const { token } = await api.post<{ readonly token: string }>('/tokens', {
        name: name.trim(),
        scope,
        ...(tenant.trim() !== '' && { tenant: tenant.trim() }),
        ...(days.trim() !== '' && { expires_in_ms: Math.round(Number(days) * DAY_MS) }),
      });
      setMade(token);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };

  if (made !== undefined) return <ShownOnce title="Your new token" what="token" secret={made} onClose={onClose} />;
  return (
    <Dialog
      title="Make a token"
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="submit" form="token-form" class="button primary">Make it</button>
        </>
      }
    >
      <form id="token-form" class="stack" onSubmit={(event) => void make(event)}>
        {problem && <Notice tone="bad">{problem}</Notice>}
        <div class="field">
          <label class="field-name" for="token-name">Name</label>
          <input id="token-name" class="input" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
          <p class="field-hint">Who or what will use it.</p>
        </div>
        <div class="field">
          <label class="field-name" for="token-scope">May</label>
          <select id="token-scope" class="input" value={scope} onChange={(event) => setScope(event.currentTarget.value as Scope)}>
            {SCOPES.map(([one, text]) => <option key={one} value={one}>{one}: {text}</option>)}
          </select>
        </div>
        {!isBound && (
          <div class="field">
            <label for="token-tenant"><span class="field-name">Tenant</span><span class="faint"> optional</span></label>
            <input id="token-tenant" class="input" placeholder="all" value={tenant} onInput={(event) => setTenant(event.currentTarget.value)} />
          </div>
        )}
        <div class="field">
          <label for="token-days"><span class="field-name">Good for so many days</span><span class="faint"> optional</span></label>
          <input id="token-days" class="input" inputmode="decimal" placeholder="for ever" value={days} onInput={(event) => setDays(event.currentTarget.value)} />
        </div>
      </form>
    </Dialog>
  );
}
