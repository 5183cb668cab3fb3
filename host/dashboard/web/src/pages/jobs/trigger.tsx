// Asks for an input and makes a run of it: by a form where the job has a schema, as JSON otherwise.
//
// Invariant: the server alone decides what fits; what it refuses stands at its place in the form.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { type Fault, inputFaults, messageOf } from '../../api/problem';
import type { JobDefinition } from '../../api/types';
import { Dialog } from '../../parts/dialog';
import { Notice } from '../../parts/feedback';
import { go } from '../../router';
import { SchemaForm } from '../../schema/form';
import { hasForm } from '../../schema/kind';
import { first } from '../../schema/value';
import { isVoid, pretty } from '../../text/json';

interface Refusal {
  readonly text: string;
  readonly faults: readonly Fault[];
}

export function Trigger({ job, onClose }: { readonly job: JobDefinition; readonly onClose: () => void }) {
  const schema = hasForm(job.input_schema) ? job.input_schema : undefined;
  const [value, setValue] = useState<unknown>(() => begin(job, schema));
  const [asJson, setAsJson] = useState(schema === undefined);
  const [text, setText] = useState(() => pretty(value));
  const [refusal, setRefusal] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);

  const toJson = (): void => {
    setText(pretty(value));
    setAsJson(true);
  };
  const toForm = (): void => {
    try {
      setValue(JSON.parse(text));
      setRefusal(undefined);
      setAsJson(false);
    } catch (error) {
      setRefusal({ text: `this is no JSON yet: ${messageOf(error)}`, faults: [] });
    }
  };
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      const input: unknown = asJson ? JSON.parse(text) : value;
      const { id } = await api.post<{ readonly id: string }>('/runs', { job_type: job.key.job_type, input });
      go(`/runs/${id}`);
    } catch (error) {
      setRefusal({ text: messageOf(error), faults: inputFaults(error) });
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={`Run ${job.display_name || job.key.job_type}`}
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="submit" form="trigger" class="button primary" disabled={isBusy}>Run now</button>
        </>
      }
    >
      <form id="trigger" class="stack" noValidate onSubmit={(event) => void send(event)}>
        {schema && (
          <div class="chips" role="group" aria-label="How to give the input">
            <button type="button" class="chip" aria-pressed={!asJson} onClick={toForm}>Form</button>
            <button type="button" class="chip" aria-pressed={asJson} onClick={toJson}>JSON</button>
          </div>
        )}
        {refusal && <Notice tone="bad">{refusal.text}</Notice>}
        {!asJson && schema
          ? <SchemaForm schema={schema} value={value} onChange={setValue} faults={refusal?.faults ?? []} />
          : (
            <div class="field">
              <label class="field-name" for="trigger-json">Input, as JSON</label>
              <textarea id="trigger-json" class="input tall" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </div>
          )}
      </form>
    </Dialog>
  );
}

function begin(job: JobDefinition, schema: Readonly<Record<string, unknown>> | undefined): unknown {
  if (!isVoid(job.default_input)) return job.default_input;
  return schema ? first(schema, schema) : null;
}
