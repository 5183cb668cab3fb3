// What a person orders about a plugin: approve, go back, serve the file again.
//
// Invariant: a version is approved by the digest that was looked at, for another file may have come
// meanwhile.
import { api } from '../../api/client';
import { Confirm } from '../../parts/dialog';
import { said } from '../../parts/feedback';
import { pluginPath, shortDigest, type ShownPlugin, type Version } from './types';

/** What is asked before it is ordered. */
export type Order =
  | { readonly kind: 'approve'; readonly digest: string; readonly wantsMore: readonly string[] }
  | { readonly kind: 'rollback'; readonly version: Version }
  | { readonly kind: 'unpin' }
  | { readonly kind: 'reset' };

/** The question, with what follows from a yes. */
export function AskOrder({ plugin, order, onClose, onDone }: {
  readonly plugin: ShownPlugin;
  readonly order: Order;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { title, action, isDanger, text, body } = wording(plugin, order);
  const confirm = async (): Promise<void> => {
    await api.post(`${pluginPath(plugin.name)}/${order.kind}`, body);
    said('ordered: hosts take it up within seconds');
    onDone();
  };
  return (
    <Confirm title={title} action={action} isDanger={isDanger} onConfirm={confirm} onClose={onClose}>
      {text}
    </Confirm>
  );
}

function wording({ name }: ShownPlugin, order: Order) {
  switch (order.kind) {
    case 'approve':
      return {
        title: `Approve the new version of ${name}?`,
        action: 'Approve it',
        isDanger: true,
        text: order.wantsMore.length > 0
          ? <p>Its code may then use what the version before did not: <b>{order.wantsMore.join(', ')}</b>. What it reaches with that is what its manifest grants.</p>
          : <p>It serves in place of the version before.</p>,
        body: { digest: order.digest },
      };
    case 'rollback':
      return {
        title: `Go back to ${shortDigest(order.version.digest)}?`,
        action: 'Go back',
        isDanger: true,
        text: <p>This version serves again, and stays until it is unpinned, whatever lies in the directory. Runs under way end with the code they began with.</p>,
        body: { to: order.version.digest },
      };
    case 'unpin':
      return { title: `Unpin ${name}?`, action: 'Unpin it', isDanger: false, text: <p>The file in the directory serves again.</p>, body: undefined };
    case 'reset':
      return {
        title: `Put ${name} into service again?`,
        action: 'Put it into service',
        isDanger: false,
        text: <p>It was taken out because its runs kept trapping. Its runs begin again at once.</p>,
        body: undefined,
      };
  }
}
