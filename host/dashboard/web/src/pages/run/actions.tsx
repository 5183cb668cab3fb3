// What can be done to a run, as it stands.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import type { Run } from '../../api/types';
import { Confirm } from '../../parts/dialog';
import { attempt } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { isFinal } from '../../parts/status';
import { go } from '../../router';
import { EditInput } from './edit';

type Asked = 'cancel' | 'delete' | 'edit';

export function RunActions({ run, refetch }: { readonly run: Run; readonly refetch: () => void }) {
  const { canOperate } = useAccess();
  const [asked, setAsked] = useState<Asked>();
  if (!canOperate) return null;
  const close = (): void => setAsked(undefined);
  const act = async (action: string, done: string): Promise<void> => {
    await attempt(async () => {
      await api.post(`/runs/${run.id}/${action}`);
      return done;
    });
    refetch();
  };
  const canRetry = run.status === 'failed' || run.status === 'cancelled';
  const isDelayed = run.status === 'scheduled' || run.status === 'awaiting-retry';
  return (
    <>
      {isDelayed && (
        <button type="button" class="button" onClick={() => void act('run-now', 'it begins now')}>
          <Icon name="play" /> Run now
        </button>
      )}
      {canRetry && (
        <>
          <button type="button" class="button" onClick={() => setAsked('edit')}>
            <Icon name="edit" /> Edit input and retry
          </button>
          <button type="button" class="button primary" onClick={() => void act('retry', 'it runs again')}>
            <Icon name="retry" /> Retry
          </button>
        </>
      )}
      {!isFinal(run.status) && !run.cancel_requested && (
        <button type="button" class="button danger" onClick={() => setAsked('cancel')}>
          <Icon name="cancel" /> Cancel
        </button>
      )}
      {isFinal(run.status) && (
        <button type="button" class="button danger" onClick={() => setAsked('delete')}>
          <Icon name="dead" /> Delete
        </button>
      )}
      {asked === 'cancel' && (
        <Confirm
          title="Cancel this run?"
          action="Cancel the run"
          isDanger
          onClose={close}
          onConfirm={async () => { await api.post(`/runs/${run.id}/cancel`); refetch(); }}
        >
          {run.status === 'running'
            ? 'It is told to stop; it has a moment to do so before it is stopped.'
            : 'It waits, and will not begin.'}
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title="Delete this run?"
          action="Delete the run"
          isDanger
          onClose={close}
          onConfirm={async () => { await api.post(`/runs/${run.id}/delete`); go('/runs'); }}
        >
          The run and its log are gone for good.
        </Confirm>
      )}
      {asked === 'edit' && <EditInput run={run} onClose={close} onDone={refetch} />}
    </>
  );
}
