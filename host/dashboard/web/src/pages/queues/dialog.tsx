// Sets a limit.
import { useState } from 'preact/hooks';

import { api } from '../../api/client';
import { messageOf } from '../../api/problem';
import { Dialog } from '../../parts/dialog';
import { Notice, said } from '../../parts/feedback';
import { scopeText } from './limit';

const KINDS = [
  ['queue', 'a queue', 'mail'],
  ['job', 'a job', 'default/report'],
  ['tenant', 'a tenant', 'default'],
  ['everything', 'everything', ''],
] as const;

export function LimitDialog({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: () => void }) {
  const [kind, setKind] = useState<string>('queue');
  const [name, setName] = useState('');
  const [concurrency, setConcurrency] = useState('');
  const [rate, setRate] = useState('');
  const [seconds, setSeconds] = useState('1');
  const [problem, setProblem] = useState<string>();
  const set = async (event: Event): Promise<void> => {
    event.preventDefault();
    const scope = kind === 'everything' ? kind : `${kind}:${name.trim()}`;
    try {
      await api.put(`/limits/${encodeURIComponent(scope)}`, {
        ...(concurrency !== '' && { concurrency: Number(concurrency) }),
        ...(rate !== '' && {
          rate: { count: Number(rate), per_us: Math.round(Number(seconds) * 1_000_000), algorithm: 'token-bucket', burst: Number(rate) },
        }),
      });
      said(`set for ${scopeText(scope)}`);
      onDone();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  const example = KINDS.find(([one]) => one === kind)?.[2] ?? '';
  return (
    <Dialog
      title="Set a limit"
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Close</button>
          <button type="submit" form="limit" class="button primary">Set the limit</button>
        </>
      }
    >
      <form id="limit" class="stack" onSubmit={(event) => void set(event)}>
        {problem && <Notice tone="bad">{problem}</Notice>}
        <div class="field">
          <label class="field-name" for="limit-kind">Applies to</label>
          <select id="limit-kind" class="input" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            {KINDS.map(([one, text]) => <option key={one} value={one}>{text}</option>)}
          </select>
        </div>
        {kind !== 'everything' && (
          <div class="field">
            <label class="field-name" for="limit-name">Which</label>
            <input id="limit-name" class="input" required placeholder={example} value={name} onInput={(event) => setName(event.currentTarget.value)} />
            {kind === 'job' && <p class="field-hint">The tenant and the job, as in default/report.</p>}
          </div>
        )}
        <div class="field">
          <label class="field-name" for="limit-concurrency">At a time, at most</label>
          <input id="limit-concurrency" class="input" type="number" min={0} value={concurrency} onInput={(event) => setConcurrency(event.currentTarget.value)} />
          <p class="field-hint">Runs that are ready or running; empty for no bound.</p>
        </div>
        <fieldset>
          <legend>How many may begin</legend>
          <div class="row">
            <input class="input narrow" type="number" min={1} aria-label="Runs" placeholder="runs" value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
            <span>in</span>
            <input class="input narrow" type="number" min={0.001} step="any" aria-label="Seconds" value={seconds} onInput={(event) => setSeconds(event.currentTarget.value)} />
            <span>seconds</span>
          </div>
        </fieldset>
      </form>
    </Dialog>
  );
}
