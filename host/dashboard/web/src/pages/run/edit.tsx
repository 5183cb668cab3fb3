// Another input for a run that ended badly.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { type Fault, inputFaults, messageOf } from '../../api/problem';
import type { Run } from '../../api/types';
import { Dialog } from '../../parts/dialog';
import { Notice, said } from '../../parts/feedback';
import { pretty } from '../../text/json';

export function EditInput({ run, onClose, onDone }: {
  readonly run: Run;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const [text, setText] = useState(() => pretty(run.input));
  const [problem, setProblem] = useState<{ readonly text: string; readonly faults: readonly Fault[] }>();
  const [isBusy, setBusy] = useState(false);
  const retry = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      const input: unknown = JSON.parse(text);
      await api.post(`/runs/${run.id}/retry`, { input });
      said('it runs again, with the new input');
      onDone();
      onClose();
    } catch (error) {
      setProblem({ text: messageOf(error), faults: inputFaults(error) });
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Edit input and retry"
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Keep as is</button>
          <button type="submit" form="edit-input" class="button primary" disabled={isBusy}>Retry with this input</button>
        </>
      }
    >
      <form id="edit-input" class="stack" onSubmit={(event) => void retry(event)}>
        <div class="field">
          <label class="field-name" for="edit-input-text">Input, as JSON</label>
          <textarea
            id="edit-input-text"
            class="input tall"
            spellcheck={false}
            value={text}
            aria-invalid={problem ? 'true' : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        {problem && <Notice tone="bad">{problem.text}</Notice>}
      </form>
    </Dialog>
  );
}
