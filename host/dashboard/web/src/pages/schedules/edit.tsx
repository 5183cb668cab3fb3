// Changes a schedule. What it would do is worked out by the server while one types.
import { useEffect, useState } from 'preact/hooks';

import { api } from '../../api/client';
import { messageOf } from '../../api/problem';
import { Dialog } from '../../parts/dialog';
import { Notice, said } from '../../parts/feedback';
import { schedulePath } from './list';
import { Times } from './schedule';
import { bodyOf, wishOf, type JobSchedule, type Overlap, type RuleWish } from './types';

/** How long a person may pause while typing before it is previewed. */
const TYPING_MS = 300;

export function EditSchedule({ schedule, onClose, onDone }: {
  readonly schedule: JobSchedule;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const before = wishOf(schedule.rule);
  const [kind, setKind] = useState(schedule.rule.kind === 'manual' ? 'cron' : schedule.rule.kind);
  const [cron, setCron] = useState(before.cron ?? '0 8 * * *');
  const [zone, setZone] = useState(before.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [minutes, setMinutes] = useState(String((before.every_ms ?? 900_000) / 60_000));
  const [at, setAt] = useState(before.at ?? new Date(Date.now() + 3_600_000).toISOString());
  const [overlap, setOverlap] = useState<Overlap>(schedule.overlap);
  const [problem, setProblem] = useState<string>();

  const rule: RuleWish = kind === 'cron'
    ? { cron, time_zone: zone }
    : kind === 'interval'
      ? { every_ms: Math.round(Number(minutes) * 60_000), ...(before.start && { start: before.start }) }
      : { at };
  const previewed = useSettled(rule);

  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const headers = { 'if-match': `"${schedule.revision}"` };
      await api.put(schedulePath(schedule.key.name), { ...bodyOf(schedule), rule, overlap }, headers);
      said('the schedule is changed');
      onDone();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  };

  return (
    <Dialog
      title={`Edit ${schedule.key.name}`}
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>Keep as is</button>
          <button type="submit" form="schedule" class="button primary">Save</button>
        </>
      }
    >
      <form id="schedule" class="stack" onSubmit={(event) => void save(event)}>
        {problem && <Notice tone="bad">{problem}</Notice>}
        <div class="field">
          <label class="field-name" for="rule-kind">Fires</label>
          <select id="rule-kind" class="input" value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
            <option value="cron">at times that a cron expression names</option>
            <option value="interval">again and again</option>
            <option value="once">once</option>
          </select>
        </div>
        {kind === 'cron' && (
          <>
            <Text id="rule-cron" name="Cron expression" value={cron} onChange={setCron} hint="Minute, hour, day, month, weekday; or a word such as @daily." />
            <Text id="rule-zone" name="Time zone" value={zone} onChange={setZone} />
          </>
        )}
        {kind === 'interval' && <Text id="rule-minutes" name="Minutes apart" value={minutes} onChange={setMinutes} type="number" />}
        {kind === 'once' && <Text id="rule-at" name="At" value={at} onChange={setAt} hint="An instant such as 2026-12-24T18:00:00Z." />}
        <div class="field">
          <label class="field-name" for="rule-overlap">If its latest run still goes on</label>
          <select id="rule-overlap" class="input" value={overlap} onChange={(event) => setOverlap(event.currentTarget.value as Overlap)}>
            <option value="allow">run beside it</option>
            <option value="skip">skip the time</option>
            <option value="queue-one">run once that has ended</option>
            <option value="cancel-running">stop that, then run</option>
          </select>
        </div>
        <Times rule={previewed} count={5} />
      </form>
    </Dialog>
  );
}

function Text(props: {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly type?: 'text' | 'number';
}) {
  return (
    <div class="field">
      <label class="field-name" for={props.id}>{props.name}</label>
      <input
        id={props.id}
        class="input"
        type="text"
        inputmode={props.type === 'number' ? 'decimal' : 'text'}
        value={props.value}
        onInput={(event) => props.onChange(event.currentTarget.value)}
      />
      {props.hint && <p class="field-hint">{props.hint}</p>}
    </div>
  );
}

/** The value once it has stayed as it is for a moment. */
function useSettled(value: RuleWish): RuleWish {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(key) as RuleWish), TYPING_MS);
    return () => clearTimeout(timer);
  }, [key]);
  return settled;
}
