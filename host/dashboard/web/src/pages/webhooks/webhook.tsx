// A webhook: how it stands, and what came of its latest messages.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Confirm } from '../../parts/dialog';
import { attempt, Empty, Failure, Loading, Notice } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Card, Facts, PageHead, Table } from '../../parts/layout';
import { Ago, Exact } from '../../parts/time';
import { go } from '../../router';
import { count } from '../../text/number';
import { span } from '../../text/time';
import { WebhookStatus } from './state';
import { webhookPath, type Delivery, type Webhook } from './types';

/** The least time between two looks: 2 seconds, as often as hosts look. */
const LOOK_MS_MIN = 2_000;

export function WebhookPage({ name }: { readonly name: string }) {
  const path = webhookPath(name);
  const found = useFetched<Webhook>(`webhook ${name}`, (signal) => api.get(path, undefined, signal), () => true, LOOK_MS_MIN);
  const sent = useFetched<{ readonly deliveries: readonly Delivery[] }>(
    `deliveries of ${name}`,
    (signal) => api.get(`${path}/deliveries`, undefined, signal),
    () => true,
    LOOK_MS_MIN,
  );
  const [isAsked, setAsked] = useState(false);
  const webhook = found.data;
  if (!webhook) {
    return (
      <>
        <PageHead title={name} />
        {found.error ? <Failure of={found.error} retry={found.refetch} /> : <Loading />}
      </>
    );
  }
  const order = (what: string, done: string, body?: unknown): void => {
    void attempt(async () => {
      await api.post(`${path}/${what}`, body);
      return done;
    }).then(() => { found.refetch(); sent.refetch(); });
  };
  return (
    <>
      <PageHead
        title={name}
        sub={<WebhookStatus of={webhook} isBadge />}
        acts={
          <>
            <button type="button" class="button danger" onClick={() => setAsked(true)}>Delete</button>
            <button type="button" class="button" onClick={() => order(webhook.enabled ? 'disable' : 'enable', webhook.enabled ? 'it is off' : 'it is on')}>
              <Icon name={webhook.enabled ? 'pause' : 'play'} /> {webhook.enabled ? 'Turn off' : 'Turn on'}
            </button>
            <button type="button" class="button primary" onClick={() => order('test', 'a test is on its way')}>Send a test</button>
          </>
        }
      />
      {webhook.rests_until && <Notice tone="bad">It was not taken several times in a row, and is left alone until <Exact at={webhook.rests_until} />. Nothing is lost while runs are kept.</Notice>}
      <div class="run-grid">
        <div>
          <Card title="Latest deliveries" isFlush>
            {sent.error && <Failure of={sent.error} retry={sent.refetch} />}
            {sent.data?.deliveries.length === 0 && <Empty>Nothing was sent yet.</Empty>}
            {sent.data && sent.data.deliveries.length > 0 && (
              <Table label="Latest deliveries" head={<><th>Outcome</th><th>Event</th><th>When</th><th class="right optional">Took</th><th class="wide">Answer</th><th /></>}>
                {sent.data.deliveries.map((delivery) => (
                  <tr key={`${delivery.id} ${delivery.at}`}>
                    <td class="nowrap"><Outcome of={delivery} /></td>
                    <td>{delivery.run ? <a href={`/runs/${delivery.run}`}>{delivery.event}</a> : delivery.event}</td>
                    <td class="muted"><Ago at={delivery.at} /></td>
                    <td class="right num optional">{span(delivery.took_ms)}</td>
                    <td class="muted clip wide">{delivery.error ?? delivery.status}</td>
                    <td class="right">
                      {delivery.run && <button type="button" class="button small" onClick={() => order('replay', 'it is sent again', { run: delivery.run })}>Send again</button>}
                    </td>
                  </tr>
                ))}
              </Table>
            )}
          </Card>
        </div>
        <Card title="Details">
          <Facts
            of={[
              ['Address', <span class="wrap">{webhook.url}</span>],
              ['Told of', webhook.events.join(', ')],
              ['Of jobs', webhook.job ?? 'all'],
              ['With outputs', webhook.with_output ? 'yes' : undefined],
              ['Since', <Exact at={webhook.since} />],
              ['Delivered', count(webhook.delivered)],
              ['Not taken', count(webhook.failed)],
              ['Given up', count(webhook.given_up)],
              ['Sent again later', count(webhook.waiting)],
              ['Made', <Exact at={webhook.created_at} />],
            ]}
          />
        </Card>
      </div>
      {isAsked && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the webhook"
          isDanger
          onClose={() => setAsked(false)}
          onConfirm={async () => { await api.remove(path); go('/webhooks'); }}
        >
          It is told of nothing any more, and its secret is gone.
        </Confirm>
      )}
    </>
  );
}

function Outcome({ of }: { readonly of: Delivery }) {
  if (of.outcome === 'delivered') return <span class="status tone-good"><Icon name="completed" />taken</span>;
  if (of.outcome === 'failed') return <span class="status tone-warn"><Icon name="awaiting-retry" />attempt {of.attempt} failed</span>;
  return <span class="status tone-bad"><Icon name="failed" />given up</span>;
}
