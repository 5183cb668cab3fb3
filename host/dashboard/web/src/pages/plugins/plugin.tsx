// A plugin: what serves, what waits for approval and why, its versions, what it is granted.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Failure, Loading, Notice } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Card, Facts, PageHead, Table } from '../../parts/layout';
import { Ago, Exact } from '../../parts/time';
import { bytes, count } from '../../text/number';
import { span } from '../../text/time';
import { AskOrder, type Order } from './orders';
import { PluginStatus } from './state';
import { pluginPath, shortDigest, type ShownPlugin, type Version } from './types';

/** How often it is looked at while something may change: every 2 seconds. */
const LOOK_MS_MIN = 2_000;

export function PluginPage({ name }: { readonly name: string }) {
  const found = useFetched<ShownPlugin>(`plugin ${name}`, (signal) => api.get(pluginPath(name), undefined, signal), () => true, LOOK_MS_MIN);
  const { isAdmin } = useAccess();
  const [order, setOrder] = useState<Order>();
  const plugin = found.data;
  if (!plugin) {
    return (
      <>
        <PageHead title={name} />
        {found.error ? <Failure of={found.error} retry={found.refetch} /> : <Loading />}
      </>
    );
  }
  const done = (): void => {
    found.refetch();
    // The host that takes it up looks at its directory every two seconds.
    setTimeout(found.refetch, LOOK_MS_MIN + 500);
  };
  return (
    <>
      <PageHead
        title={name}
        sub={<PluginStatus of={plugin.state} isBadge />}
        acts={isAdmin && (
          <>
            {plugin.pinned && <button type="button" class="button" onClick={() => setOrder({ kind: 'unpin' })}>Unpin</button>}
            {plugin.state === 'out-of-service' && <button type="button" class="button primary" onClick={() => setOrder({ kind: 'reset' })}>Put into service</button>}
          </>
        )}
      />
      {plugin.turned_down && <TurnedDownNotice plugin={plugin} canApprove={isAdmin} onOrder={setOrder} />}
      {plugin.out_of_service_until && <Notice tone="bad">Out of service until <Exact at={plugin.out_of_service_until} />: its runs kept trapping. They wait until then, or until it is put into service.</Notice>}
      <div class="run-grid">
        <div>
          <Versions plugin={plugin} canOrder={isAdmin} onOrder={setOrder} />
        </div>
        <div>
          <Card title="Details">
            <Facts
              of={[
                ['Jobs', <span class="tags">{plugin.jobs.map((job) => <a key={job} class="tag" href={`/jobs/${encodeURIComponent(job)}`}>{job}</a>)}</span>],
                ['Tenant', plugin.tenant],
                ['Code', plugin.serving && <span class="mono" title={plugin.serving}>{shortDigest(plugin.serving)}</span>],
                ['Signature', plugin.signature],
                ['Wants', plugin.wants.join(', ') || 'nothing beyond computing'],
                ['Retired', plugin.retired_at && <Exact at={plugin.retired_at} />],
                ...granted(plugin),
              ]}
            />
          </Card>
          {plugin.limits && <Card title="Limits of an attempt"><Facts of={limitFacts(plugin.limits)} /></Card>}
        </div>
      </div>
      {order && <AskOrder plugin={plugin} order={order} onClose={() => setOrder(undefined)} onDone={done} />}
    </>
  );
}

/** The file that does not serve: why, what it wants beside, and the button that lets it. */
function TurnedDownNotice({ plugin, canApprove, onOrder }: {
  readonly plugin: ShownPlugin;
  readonly canApprove: boolean;
  readonly onOrder: (order: Order) => void;
}) {
  const { digest, reason, held, wants_more: wantsMore } = plugin.turned_down!;
  return (
    <Notice tone={held ? 'warn' : 'bad'} icon={held ? 'held' : 'failed'}>
      <p class="strong">{held ? 'A new version waits for approval.' : 'The file in the directory is refused.'} <span class="mono faint">{shortDigest(digest)}</span></p>
      <p>{reason}</p>
      {held && wantsMore.length > 0 && (
        <table class="difference" aria-label="What it wants">
          <tbody>
            <tr><th>It wants as before</th><td>{plugin.wants.join(', ') || 'nothing'}</td></tr>
            <tr><th>and in addition</th><td class="strong">{wantsMore.join(', ')}</td></tr>
          </tbody>
        </table>
      )}
      {held && canApprove && (
        <p><button type="button" class="button primary" onClick={() => onOrder({ kind: 'approve', digest, wantsMore })}><Icon name="check" /> Approve</button></p>
      )}
    </Notice>
  );
}

function Versions({ plugin, canOrder, onOrder }: {
  readonly plugin: ShownPlugin;
  readonly canOrder: boolean;
  readonly onOrder: (order: Order) => void;
}) {
  return (
    <Card title="Versions" isFlush>
      <Table label="Versions" head={<><th>Code</th><th>State</th><th>Accepted</th><th class="wide optional">Wants</th><th class="right optional">Size</th><th /></>}>
        {plugin.versions.map((version) => (
          <tr key={version.digest}>
            <td class="mono nowrap" title={version.digest}>{shortDigest(version.digest)}</td>
            <td class="nowrap"><VersionState of={version} /></td>
            <td class="muted"><Ago at={version.accepted_at} /></td>
            <td class="muted wide optional">{version.wants.join(', ') || 'nothing'}</td>
            <td class="right num optional">{bytes(version.bytes)}</td>
            <td class="right">
              {canOrder && version.kept && !version.current && (
                <button type="button" class="button small" aria-label={`Go back to ${shortDigest(version.digest)}`} onClick={() => onOrder({ kind: 'rollback', version })}>Go back</button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

function VersionState({ of }: { readonly of: Version }) {
  if (of.pinned) return <span class="status tone-good"><Icon name="link" />pinned</span>;
  if (of.current) return <span class="status tone-good"><Icon name="completed" />serves</span>;
  return <span class="status tone-quiet"><Icon name="pending" />{of.kept ? 'kept' : 'not kept'}</span>;
}

/** Kinds of grants that hold something: `Grants: http`. */
function granted({ grants }: ShownPlugin): (readonly [string, ComponentChildren])[] {
  const held = Object.entries(grants ?? {}).filter(([, values]) => values.length > 0);
  return held.map(([kind, values]) => [`May use ${kind}`, values.join(', ')] as const);
}

/** Limits by their names, whose ends tell the unit. */
function limitFacts(limits: NonNullable<ShownPlugin['limits']>): (readonly [string, string])[] {
  return Object.entries(limits).flatMap(([name, value]) => (typeof value === 'number' ? [[wordsOf(name), valued(name, value)] as const] : []));
}

function wordsOf(name: string): string {
  const words = name.replace(/_max$/, '').replace(/_(bytes|ms)$/, '').replaceAll('_', ' ').replace(/ (bytes|ms)$/, '');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function valued(name: string, value: number): string {
  if (name.includes('bytes')) return bytes(value);
  return name.includes('ms') ? span(value) : count(value);
}
