// Webhooks: who else is told of runs that ended.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { count } from '../../text/number';
import { NewWebhook } from './create';
import { WebhookStatus } from './state';
import type { Webhook } from './types';

/** The least time between two looks: 2 seconds. */
const LOOK_MS_MIN = 2_000;

export function WebhooksPage() {
  const found = useFetched<{ readonly webhooks: readonly Webhook[] }>(
    'webhooks',
    (signal) => api.get('/webhooks', undefined, signal),
    (event) => typeof event.kind === 'object',
    LOOK_MS_MIN,
  );
  const [isMaking, setMaking] = useState(false);
  const webhooks = found.data?.webhooks ?? [];
  return (
    <>
      <PageHead
        title="Webhooks"
        acts={<button type="button" class="button primary" onClick={() => setMaking(true)}><Icon name="plus" /> Make a webhook</button>}
      />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && webhooks.length === 0 && <Empty>No webhooks. One tells another program of runs that ended, by a signed request.</Empty>}
        {webhooks.length > 0 && (
          <Table label="Webhooks" head={<><th>Webhook</th><th>State</th><th class="wide">Told of</th><th class="optional">Address</th><th class="right">Delivered</th><th class="right">Given up</th></>}>
            {webhooks.map((webhook) => (
              <tr key={webhook.name}>
                <td><a class="title-link nowrap" href={`/webhooks/${encodeURIComponent(webhook.name)}`}>{webhook.name}</a></td>
                <td class="nowrap"><WebhookStatus of={webhook} /></td>
                <td class="wide"><span class="tags">{webhook.events.map((event) => <span key={event} class="tag">{event}</span>)}{webhook.job && <span class="muted">of {webhook.job}</span>}</span></td>
                <td class="muted optional clip" title={webhook.url}>{webhook.url}</td>
                <td class="right num">{count(webhook.delivered)}</td>
                <td class="right num">{count(webhook.given_up)}</td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      {isMaking && <NewWebhook onClose={() => { setMaking(false); found.refetch(); }} />}
    </>
  );
}
