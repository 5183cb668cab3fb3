// Schedules, as the API tells of them.
import type { RunStatus, Schedule } from '../../api/types';

export type Overlap = 'allow' | 'skip' | 'queue-one' | 'cancel-running';
export type Missed =
  | { readonly kind: 'skip' }
  | { readonly kind: 'fire-once' }
  | { readonly kind: 'fire-all'; readonly max: number };

export interface JobSchedule {
  readonly key: { readonly tenant: string; readonly name: string };
  readonly job_type: string;
  readonly rule: Schedule;
  readonly description: string;
  readonly input: unknown;
  readonly queue: string | null;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly enabled: boolean;
  readonly missed: Missed;
  readonly tolerance_ms: number;
  readonly overlap: Overlap;
  readonly origin: 'plugin' | 'operator';
  readonly overridden: boolean;
  readonly next_fire_at: string | null;
  readonly last_fire_at: string | null;
  readonly last_run: string | null;
  readonly last_status?: RunStatus | null;
  readonly skipped: number;
  readonly problem: string | null;
  readonly revision: number;
}

/** A rule as a request gives it. */
export interface RuleWish {
  readonly cron?: string;
  readonly time_zone?: string;
  readonly every_ms?: number;
  readonly start?: string;
  readonly at?: string;
}

/** The rule of a schedule as a request gives it. */
export function wishOf(rule: Schedule): RuleWish {
  switch (rule.kind) {
    case 'cron':
      return { cron: rule.expression, ...(rule.time_zone && { time_zone: rule.time_zone }) };
    case 'interval':
      return { every_ms: rule.every_ms, ...(rule.start && { start: rule.start }) };
    case 'once':
      return { at: rule.at };
    case 'manual':
      return {};
  }
}

/** The whole schedule as a request gives it: what is left out would get its default. */
export function bodyOf(schedule: JobSchedule): Record<string, unknown> {
  return {
    job_type: schedule.job_type,
    rule: wishOf(schedule.rule),
    input: schedule.input,
    queue: schedule.queue,
    priority: schedule.priority,
    tags: schedule.tags,
    enabled: schedule.enabled,
    missed: schedule.missed,
    tolerance_ms: schedule.tolerance_ms,
    overlap: schedule.overlap,
  };
}
