// How a webhook stands.
import { Icon } from '../../parts/icon';
import type { Webhook } from './types';

export function WebhookStatus({ of, isBadge = false }: { readonly of: Webhook; readonly isBadge?: boolean }) {
  const look = isBadge ? 'badge' : 'status';
  if (!of.enabled) return <span class={`${look} tone-quiet`}><Icon name="pause" />off</span>;
  if (of.rests_until) return <span class={`${look} tone-bad`}><Icon name="warning" />rests after failures</span>;
  return <span class={`${look} tone-good`}><Icon name="completed" />on</span>;
}
