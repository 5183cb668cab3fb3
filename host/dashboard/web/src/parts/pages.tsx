// Pages of a listing that the server cuts by cursors, which stand in the address.
import { setQuery } from '../router';
import { Icon } from './icon';

/** On to older ones, and back. */
export function Pages({ label, cursor, next }: {
  readonly label: string;
  readonly cursor: string | undefined;
  readonly next: string | null;
}) {
  return (
    <nav class="foot" aria-label={label}>
      <button type="button" class="button small" disabled={!cursor} onClick={() => setQuery({ cursor: undefined })}>
        <Icon name="up" /> Newest
      </button>
      <span class="row">
        <button type="button" class="button small" disabled={!cursor} onClick={() => history.back()}>
          <Icon name="back" /> Newer
        </button>
        <button type="button" class="button small" disabled={!next} onClick={() => { setQuery({ cursor: next ?? undefined }); window.scrollTo(0, 0); }}>
          Older <Icon name="next" />
        </button>
      </span>
    </nav>
  );
}
