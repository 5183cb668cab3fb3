// Schedules: what runs by itself, when, and whether it does.
import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { attempt, Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { go, setQuery, usePlace } from '../../router';
import { count } from '../../text/number';
import type { JobSchedule } from './types';

/** The least time between two looks: 2 seconds. */
const LOOK_MS_MIN = 2_000;

/** The path of a schedule in the API. */
export const schedulePath = (name: string): string => `/schedules/${encodeURIComponent(name)}`;

/** Turns a schedule on or off. */
export function setEnabled(name: string, isOn: boolean): Promise<boolean> {
  return attempt(async () => {
    await api.post(`${schedulePath(name)}/${isOn ? 'enable' : 'disable'}`);
    return isOn ? `${name} is on` : `${name} is off`;
  });
}

/** Runs a schedule's job now, and goes to the run. */
export function trigger(name: string): Promise<boolean> {
  return attempt(async () => {
    const { id } = await api.post<{ readonly id: string }>(`${schedulePath(name)}/trigger`);
    go(`/runs/${id}`);
    return 'it runs now';
  });
}

export function SchedulesPage() {
  const cursor = usePlace().query.get('cursor') ?? undefined;
  const found = useFetched<{ readonly schedules: readonly JobSchedule[]; readonly next: string | null }>(
    `schedules ${cursor ?? ''}`,
    (signal) => api.get('/schedules', { cursor }, signal),
    (event) => event.kind === 'started',
    LOOK_MS_MIN,
  );
  const { canOperate } = useAccess();
  const schedules = found.data?.schedules ?? [];
  return (
    <>
      <PageHead title="Schedules" />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && schedules.length === 0 && <Empty>Nothing runs by itself. A plugin may declare schedules; <code>zapjobs schedule add</code> makes others.</Empty>}
        {schedules.length > 0 && (
          <Table label="Schedules" head={<><th>On</th><th>Schedule</th><th class="wide">When</th><th class="optional">Job</th><th>Next</th><th class="optional">Latest</th><th class="right optional">Skipped</th><th /></>}>
            {schedules.map((schedule) => (
              <tr key={`${schedule.key.tenant}/${schedule.key.name}`}>
                <td>
                  <input
                    type="checkbox"
                    role="switch"
                    class="switch"
                    aria-label={`${schedule.key.name} is on`}
                    checked={schedule.enabled}
                    disabled={!canOperate}
                    onChange={(event) => void setEnabled(schedule.key.name, event.currentTarget.checked).then(found.refetch)}
                  />
                </td>
                <td><a class="title-link nowrap" href={`/schedules/${encodeURIComponent(schedule.key.name)}`}>{schedule.key.name}</a></td>
                <td class="muted wide">
                  <span class="sentence">{schedule.description}</span>
                  {schedule.problem && <div class="status tone-bad wrap"><Icon name="warning" />{schedule.problem}</div>}
                </td>
                <td class="muted optional">{schedule.job_type}</td>
                <td>{schedule.enabled ? <Ago at={schedule.next_fire_at} /> : <span class="faint">off</span>}</td>
                <td class="muted optional">
                  {schedule.last_run ? <a href={`/runs/${schedule.last_run}`}><Ago at={schedule.last_fire_at} /></a> : <Ago at={schedule.last_fire_at} />}
                </td>
                <td class="right num optional">{count(schedule.skipped)}</td>
                <td class="right">
                  {canOperate && (
                    <button type="button" class="button small" aria-label={`Run ${schedule.key.name} now`} onClick={() => void trigger(schedule.key.name)}>
                      <Icon name="play" /> Run
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
        {found.data && (cursor || found.data.next) && (
          <nav class="foot" aria-label="Pages of schedules">
            <button type="button" class="button small" disabled={!cursor} onClick={() => history.back()}><Icon name="back" /> Before</button>
            <button type="button" class="button small" disabled={!found.data.next} onClick={() => setQuery({ cursor: found.data?.next ?? undefined })}>After <Icon name="next" /></button>
          </nav>
        )}
      </section>
    </>
  );
}
