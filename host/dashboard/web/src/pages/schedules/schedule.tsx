// One schedule: when it fires next, what it makes, and how to change that.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { address, api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Confirm } from '../../parts/dialog';
import { attempt, Failure, Loading, Notice } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { JsonText } from '../../parts/json';
import { Card, Facts, PageHead } from '../../parts/layout';
import { Status } from '../../parts/status';
import { Ago, Exact } from '../../parts/time';
import { go } from '../../router';
import { isVoid } from '../../text/json';
import { count } from '../../text/number';
import { span } from '../../text/time';
import { EditSchedule } from './edit';
import { schedulePath, setEnabled, trigger } from './list';
import { wishOf, type JobSchedule, type Missed, type Overlap, type RuleWish } from './types';

const OVERLAPS: Record<Overlap, string> = {
  allow: 'it runs beside it',
  skip: 'the time is skipped',
  'queue-one': 'it runs once that has ended',
  'cancel-running': 'that is stopped, then it runs',
};

const missedText = (missed: Missed): string =>
  missed.kind === 'skip' ? 'skipped' : missed.kind === 'fire-once' ? 'one run for all of them' : `up to ${count(missed.max)} runs`;

export function SchedulePage({ name }: { readonly name: string }) {
  const found = useFetched<JobSchedule>(
    `schedule ${name}`,
    (signal) => api.get(schedulePath(name), undefined, signal),
    (event) => event.kind === 'started',
    2_000,
  );
  const schedule = found.data;
  if (!schedule) {
    return (
      <>
        <PageHead title={name} />
        {found.error ? <Failure of={found.error} retry={found.refetch} /> : <Loading />}
      </>
    );
  }
  return (
    <>
      <PageHead
        title={name}
        sub={<span class={`badge tone-${schedule.enabled ? 'good' : 'quiet'}`}><Icon name={schedule.enabled ? 'completed' : 'pause'} />{schedule.enabled ? 'on' : 'off'}</span>}
        acts={<Actions schedule={schedule} refetch={found.refetch} />}
      />
      {schedule.problem && <Notice tone="bad">{schedule.problem}</Notice>}
      <div class="run-grid">
        <div>
          <Card title="When">
            <Times rule={wishOf(schedule.rule)} />
          </Card>
          {!isVoid(schedule.input) && <Card title="Input of its runs" isFlush><JsonText value={schedule.input} label="Input of its runs" /></Card>}
        </div>
        <Card title="Details">
          <Facts
            of={[
              ['Job', <a href={`/jobs/${encodeURIComponent(schedule.job_type)}`}>{schedule.job_type}</a>],
              ['Next', schedule.enabled ? <Exact at={schedule.next_fire_at} /> : 'off'],
              ['Latest', schedule.last_fire_at && <Exact at={schedule.last_fire_at} />],
              ['Latest run', schedule.last_run && <a href={`/runs/${schedule.last_run}`}>{schedule.last_status ? <Status of={schedule.last_status} /> : 'look'}</a>],
              ['If the latest still runs', OVERLAPS[schedule.overlap]],
              ['Missed times', missedText(schedule.missed)],
              ['Missed after', span(schedule.tolerance_ms)],
              ['Skipped so far', count(schedule.skipped)],
              ['Queue', schedule.queue ?? 'the job’s own'],
              ['Priority', schedule.priority === 0 ? undefined : String(schedule.priority)],
              ['Made by', schedule.origin === 'plugin' ? (schedule.overridden ? 'a plugin, changed here' : 'a plugin') : 'a person'],
            ]}
          />
        </Card>
      </div>
    </>
  );
}

function Actions({ schedule, refetch }: { readonly schedule: JobSchedule; readonly refetch: () => void }) {
  const { canOperate } = useAccess();
  const [asked, setAsked] = useState<'edit' | 'delete'>();
  if (!canOperate) return null;
  const { name } = schedule.key;
  const reset = (): Promise<void> => attempt(async () => {
    await api.post(`${schedulePath(name)}/reset`);
    return 'it is again what its plugin declares';
  }).then(refetch);
  return (
    <>
      {schedule.overridden && <button type="button" class="button" onClick={() => void reset()}>Reset</button>}
      {schedule.origin === 'operator' && <button type="button" class="button danger" onClick={() => setAsked('delete')}>Delete</button>}
      <button type="button" class="button" onClick={() => void setEnabled(name, !schedule.enabled).then(refetch)}>
        <Icon name={schedule.enabled ? 'pause' : 'play'} /> {schedule.enabled ? 'Turn off' : 'Turn on'}
      </button>
      <button type="button" class="button" onClick={() => setAsked('edit')}><Icon name="edit" /> Edit</button>
      <button type="button" class="button primary" onClick={() => void trigger(name)}><Icon name="play" /> Run now</button>
      {asked === 'edit' && <EditSchedule schedule={schedule} onClose={() => setAsked(undefined)} onDone={refetch} />}
      {asked === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the schedule"
          isDanger
          onClose={() => setAsked(undefined)}
          onConfirm={async () => { await api.remove(schedulePath(name)); go('/schedules'); }}
        >
          It fires no more. Its runs stay.
        </Confirm>
      )}
    </>
  );
}

interface Preview {
  readonly description: string;
  readonly times: readonly { readonly at: string; readonly local: string }[];
}

/** The next times of a rule, as the server works them out. */
export function Times({ rule, count: wanted = 8 }: { readonly rule: RuleWish; readonly count?: number }) {
  const query = { ...rule, count: wanted };
  const found = useFetched<Preview>(address('/schedules/preview', query), (signal) => api.get('/schedules/preview', query, signal));
  if (found.error) return <Notice tone="bad">{found.error.message}</Notice>;
  if (!found.data) return <p class="faint">…</p>;
  return (
    <div class="stack">
      <p class="strong sentence" data-testid="rule-text">{found.data.description}</p>
      {found.data.times.length === 0 && <p class="muted">It fires no more.</p>}
      <ol class="times">
        {found.data.times.map(({ at, local }) => (
          <li key={at}><Exact at={at} /><span class="faint">{local}</span><span class="muted"><Ago at={at} /></span></li>
        ))}
      </ol>
    </div>
  );
}
