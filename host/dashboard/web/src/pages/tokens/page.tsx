// Tokens: who may use the API, and how far.
import { useState } from 'preact/hooks';

import type { Scope } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Confirm } from '../../parts/dialog';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { NewToken } from './create';

interface Token {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly tenant: string | null;
  readonly good: boolean;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly last_used_at: string | null;
}

export function TokensPage() {
  const found = useFetched<{ readonly tokens: readonly Token[] }>('tokens', (signal) => api.get('/tokens', undefined, signal));
  const [isMaking, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<Token>();
  const tokens = found.data?.tokens ?? [];
  return (
    <>
      <PageHead
        title="Tokens"
        acts={<button type="button" class="button primary" onClick={() => setMaking(true)}><Icon name="plus" /> Make a token</button>}
      />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && tokens.length === 0 && <Empty>No tokens.</Empty>}
        {tokens.length > 0 && (
          <Table label="Tokens" head={<><th>Name</th><th>May</th><th>Tenant</th><th>State</th><th class="optional">Made</th><th class="optional">Expires</th><th>Used</th><th /></>}>
            {tokens.map((token) => (
              <tr key={token.id}>
                <td><span class="strong">{token.name}</span> <span class="faint mono">{token.id}</span></td>
                <td>{token.scope}</td>
                <td class="muted">{token.tenant ?? 'all'}</td>
                <td><State of={token} /></td>
                <td class="muted optional"><Ago at={token.created_at} /></td>
                <td class="muted optional">{token.expires_at ? <Ago at={token.expires_at} /> : 'never'}</td>
                <td class="muted"><Ago at={token.last_used_at} /></td>
                <td class="right">
                  {token.good && (
                    <button type="button" class="button small danger" aria-label={`Revoke ${token.name}`} onClick={() => setRevoked(token)}>Revoke</button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      {isMaking && <NewToken onClose={() => { setMaking(false); found.refetch(); }} />}
      {revoked && (
        <Confirm
          title={`Revoke ${revoked.name}?`}
          action="Revoke the token"
          isDanger
          onClose={() => setRevoked(undefined)}
          onConfirm={async () => { await api.post(`/tokens/${encodeURIComponent(revoked.id)}/revoke`); found.refetch(); }}
        >
          From the next request on it is good for nothing.
        </Confirm>
      )}
    </>
  );
}

function State({ of }: { readonly of: Token }) {
  if (of.good) return <span class="status tone-good"><Icon name="completed" />good</span>;
  return <span class="status tone-quiet"><Icon name="cancelled" />{of.revoked_at ? 'revoked' : 'expired'}</span>;
}
