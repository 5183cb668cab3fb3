// How a plugin stands: one word, one colour, one shape.
import { Icon, type IconName } from '../../parts/icon';
import type { Tone } from '../../parts/status';
import type { PluginState } from './types';

const LOOKS: Record<PluginState, readonly [Tone, IconName, string]> = {
  serving: ['good', 'completed', 'serving'],
  pinned: ['good', 'link', 'pinned'],
  held: ['wait', 'held', 'waits for approval'],
  refused: ['bad', 'failed', 'refused'],
  unserved: ['quiet', 'pause', 'not served'],
  'out-of-service': ['bad', 'warning', 'out of service'],
  retired: ['quiet', 'cancelled', 'retired'],
};

export function PluginStatus({ of, isBadge = false }: { readonly of: PluginState; readonly isBadge?: boolean }) {
  const [tone, icon, text] = LOOKS[of] ?? LOOKS.unserved;
  return <span class={`${isBadge ? 'badge' : 'status'} tone-${tone}`}><Icon name={icon} />{text}</span>;
}
