// Makes a webhook, and shows its secret this once.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { messageOf } from '../../api/problem';
import { Dialog } from '../../parts/dialog';
import { Notice } from '../../parts/feedback';
import { ShownOnce } from '../../parts/secret';
import { EVENTS } from './types';

export function NewWebhook({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [job, setJob] = useState('');
  const [events, setEvents] = useState<readonly string[]>(['run.failed']);
  const [withOutput, setWithOutput] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [secret, setSecret] = useState<string>();

  const toggle = (event: string): void =>
    setEvents(events.includes(event) ? events.filter((one) => one !== event) : [...events, event]);
  const make = async (submitted: Event): Promise<void> => {
    submitted.preventDefault();
    try {
      const made = await api.post<{ readonly secret: string }>('/webhooks', {
        name: name.trim(),
        url: url.trim(),
        events,
        with_output: withOutput,
        ...(job.trim() !== '' && { job: job.trim() }),
      });
      setSecret(made.secret);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };

  if (secret !== undefined) return <ShownOnce title="The secret of your webhook" what="secret" secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title="Make a webhook"
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="submit" form="webhook-form" class="button primary">Make it</button>
        </>
      }
    >
      <form id="webhook-form" class="stack" onSubmit={(event) => void make(event)}>
        {problem && <Notice tone="bad">{problem}</Notice>}
        <div class="field">
          <label class="field-name" for="webhook-name">Name</label>
          <input id="webhook-name" class="input" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </div>
        <div class="field">
          <label class="field-name" for="webhook-url">Address</label>
          <input id="webhook-url" class="input" required type="url" placeholder="https://…" value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
          <p class="field-hint">It gets signed requests. Private addresses have to be opened by the operator of the host.</p>
        </div>
        <fieldset class="field">
          <legend class="field-name">Told of</legend>
          {EVENTS.map(([event, text]) => (
            <label key={event} class="row">
              <input type="checkbox" checked={events.includes(event)} onChange={() => toggle(event)} /> {event}: {text}
            </label>
          ))}
        </fieldset>
        <div class="field">
          <label for="webhook-job"><span class="field-name">Of these jobs</span><span class="faint"> optional</span></label>
          <input id="webhook-job" class="input" placeholder="all, or a pattern such as mail.*" value={job} onInput={(event) => setJob(event.currentTarget.value)} />
        </div>
        <label class="row">
          <input type="checkbox" checked={withOutput} onChange={() => setWithOutput(!withOutput)} /> Send what a run returned, too
        </label>
      </form>
    </Dialog>
  );
}
