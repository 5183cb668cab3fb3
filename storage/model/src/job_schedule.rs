//! A schedule as it is kept: when which job runs by itself, and what has become of it.
//!
//! **Invariant:** what a schedule does next is decided here, by pure functions, and written as
//! one record under its revision: [`plan_with`] says which fire times become runs, `excluded` what
//! calendars leave of them, `declared` what
//! becomes of a schedule when its plugin is loaded, `run_id` what a fire time's run is called.

mod declared;
mod excluded;
mod plan;
mod run_id;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use declared::Redeclared;
pub use excluded::{CALENDARS_MAX, OnExcluded, next_fire};
pub use plan::{
    FirePlan, OVERLAP_LOOK, SKIPPED_COUNTED_MAX, TIMES_PER_PLAN_MAX, plan, plan_with,
    plan_without_calendar,
};
pub use run_id::run_id_at;

use crate::schedule::InvalidSchedule;
use crate::submit::TAGS_MAX;
use crate::{
    CalendarName, Due, JobDefinition, JobKey, JobRequest, JobType, Json, Priority, QueueName,
    RunId, Schedule, ScheduleName, Tag, TenantId, Timestamp, Trigger,
};

/// How late a fire time may be and still count as on time, unless said otherwise: 1 minute.
pub const TOLERANCE_MS_DEFAULT: u64 = 60_000;
/// The greatest tolerance: 1 day.
pub const TOLERANCE_MS_MAX: u64 = 24 * 3_600_000;
/// Missed fire times that are made up for in one go at most.
pub const FIRE_ALL_MAX: u32 = 1_000;
/// The metadata of a run that names its schedule.
pub const METADATA_SCHEDULE: &str = "schedule";
/// The metadata of a run that tells its fire time.
pub const METADATA_SCHEDULED_FOR: &str = "scheduled-for";

/// Names a schedule: schedules are each tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleKey {
    /// Whose schedule it is.
    pub tenant: TenantId,
    /// Which one.
    pub name: ScheduleName,
}

impl fmt::Display for ScheduleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

/// What becomes of fire times that passed while no host could fire them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MissedPolicy {
    /// Nothing: they are counted as skipped.
    Skip,
    /// One run stands for all of them; where another fire time is due as well, that one's run.
    #[default]
    FireOnce,
    /// Each becomes a run, the oldest first, up to a number; the others are skipped.
    FireAll {
        /// Up to so many at a time, 1 to [`FIRE_ALL_MAX`].
        max: u32,
    },
}

/// What becomes of a fire time while the schedule's latest run has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// It becomes a run all the same.
    #[default]
    Allow,
    /// It is skipped.
    Skip,
    /// It becomes a run once the latest has ended. One at most waits so; later ones are skipped.
    QueueOne,
    /// The latest run is asked to stop, and the newest fire time becomes a run once it has ended.
    CancelRunning,
}

/// Who made a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleOrigin {
    /// A plugin declares it.
    Plugin,
    /// A person made it.
    Operator,
}

/// A schedule as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSchedule {
    /// Its name.
    pub key: ScheduleKey,
    /// Which job it runs.
    pub job_type: JobType,
    /// When.
    pub rule: Schedule,
    /// What its runs are given; the job's default input where absent.
    pub input: Option<Json>,
    /// Where its runs wait; the job's queue where absent.
    pub queue: Option<QueueName>,
    /// The place of its runs in that queue.
    pub priority: Priority,
    /// Labels of its runs, beside those of the job.
    pub tags: Vec<Tag>,
    /// Whether it fires. Set by operators; a reload does not change it.
    pub enabled: bool,
    /// What becomes of missed fire times.
    pub missed: MissedPolicy,
    /// A fire time later than this, in milliseconds, is missed; up to [`TOLERANCE_MS_MAX`].
    pub tolerance_ms: u64,
    /// What becomes of fire times while its latest run has not ended.
    pub overlap: OverlapPolicy,
    /// Who made it.
    pub origin: ScheduleOrigin,
    /// The rule that a plugin declares for it: what a reset returns to.
    pub declared: Option<Schedule>,
    /// Whether a person changed what the plugin declares.
    pub overridden: bool,
    /// The next fire time; absent where none comes.
    pub next_fire_at: Option<Timestamp>,
    /// The latest fire time that became a run.
    pub last_fire_at: Option<Timestamp>,
    /// Its latest run.
    pub last_run: Option<RunId>,
    /// A fire time that waits until the latest run has ended.
    pub held: Option<Timestamp>,
    /// When to look whether the latest run has ended, while a fire time is held.
    pub look_at: Option<Timestamp>,
    /// Fire times that became no run.
    pub skipped: u64,
    /// Why the latest fire time became no run, where that was the schedule's own fault.
    pub problem: Option<String>,
    /// Rises with each write; a write that was decided on an older one is refused.
    pub revision: u64,
    /// Calendars of its tenant that exclude times, up to [`CALENDARS_MAX`].
    #[serde(default)]
    pub calendars: Vec<CalendarName>,
    /// What becomes of a fire time that one of them excludes.
    #[serde(default)]
    pub on_excluded: OnExcluded,
}

impl JobSchedule {
    /// A schedule that an operator makes, with defaults, first fired after `now`.
    pub fn new(key: ScheduleKey, job_type: JobType, rule: Schedule, now: Timestamp) -> Self {
        Self {
            key,
            job_type,
            next_fire_at: rule.next_after(now),
            rule,
            input: None,
            queue: None,
            priority: Priority::default(),
            tags: Vec::new(),
            enabled: true,
            missed: MissedPolicy::default(),
            tolerance_ms: TOLERANCE_MS_DEFAULT,
            overlap: OverlapPolicy::default(),
            origin: ScheduleOrigin::Operator,
            declared: None,
            overridden: false,
            last_fire_at: None,
            last_run: None,
            held: None,
            look_at: None,
            skipped: 0,
            problem: None,
            revision: 0,
            calendars: Vec::new(),
            on_excluded: OnExcluded::default(),
        }
    }

    /// This schedule, if it is within its bounds.
    pub fn checked(self) -> Result<Self, InvalidSchedule> {
        let refuse = |problem: String| Err(InvalidSchedule::new(problem));
        if let MissedPolicy::FireAll { max } = self.missed
            && !(1..=FIRE_ALL_MAX).contains(&max)
        {
            return refuse(format!("fire-all of {max} is out of bounds: use 1 to {FIRE_ALL_MAX}"));
        }
        if self.tolerance_ms > TOLERANCE_MS_MAX {
            return refuse(format!(
                "a tolerance of {} ms is out of bounds: use up to {TOLERANCE_MS_MAX}",
                self.tolerance_ms
            ));
        }
        if self.tags.len() > TAGS_MAX {
            let tags = self.tags.len();
            return refuse(format!("there are {tags} tags, {TAGS_MAX} are allowed"));
        }
        self.check_calendars()?;
        if self.rule == Schedule::Manual {
            return refuse(
                "it never fires: give it an interval, a cron expression or an instant".to_owned(),
            );
        }
        Ok(Self { rule: self.rule.checked()?, ..self })
    }

    /// When a host has to look at it: its next fire time, or the end of the run that one waits
    /// for; absent where it is off or has nothing to come.
    pub fn due_at(&self) -> Option<Timestamp> {
        if !self.enabled {
            return None;
        }
        match (self.next_fire_at, self.look_at) {
            (Some(next), Some(look)) => Some(next.min(look)),
            (next, look) => next.or(look),
        }
    }

    /// The job it runs.
    pub fn job_key(&self) -> JobKey {
        JobKey { tenant: self.key.tenant.clone(), job_type: self.job_type.clone() }
    }

    /// How late a fire time may be and still count as on time.
    pub fn tolerance(&self) -> Duration {
        Duration::from_millis(self.tolerance_ms)
    }

    /// Turned on or off. Turned on, it fires at times to come only.
    #[must_use]
    pub fn with_enabled(mut self, enabled: bool, now: Timestamp) -> Self {
        if enabled && !self.enabled {
            self.next_fire_at = self.rule.next_after(now);
            self.held = None;
            self.look_at = None;
        }
        self.enabled = enabled;
        self
    }

    /// With another rule, which counts from now on.
    #[must_use]
    pub fn with_rule(mut self, rule: Schedule, now: Timestamp) -> Self {
        if self.rule != rule {
            self.next_fire_at = rule.next_after(now);
            self.rule = rule;
        }
        self
    }

    /// Whether it would make other runs than the one before.
    pub fn has_other_runs_than(&self, before: &Self) -> bool {
        self.input != before.input
            || self.queue != before.queue
            || self.priority != before.priority
            || self.tags != before.tags
    }

    /// As an operator changed it: marked where that overrides what a plugin declares.
    #[must_use]
    pub fn edited(mut self, before: &Self) -> Self {
        let is_changed = self.has_other_runs_than(before)
            || self.rule != before.rule
            || self.missed != before.missed
            || self.tolerance_ms != before.tolerance_ms
            || self.overlap != before.overlap
            || self.calendars != before.calendars
            || self.on_excluded != before.on_excluded;
        self.overridden |= is_changed && self.origin == ScheduleOrigin::Plugin;
        self
    }

    /// The request for a run at a fire time, or for one that a person asks for.
    pub fn request(&self, definition: &JobDefinition, fire_time: Option<Timestamp>) -> JobRequest {
        let input = self.input.clone().unwrap_or_else(|| definition.default_input.clone());
        let mut metadata =
            BTreeMap::from([(METADATA_SCHEDULE.to_owned(), self.key.name.to_string())]);
        if let Some(time) = fire_time {
            metadata.insert(METADATA_SCHEDULED_FOR.to_owned(), time.to_text_short());
        }
        JobRequest {
            due: Due::Now,
            trigger: match (fire_time, &self.rule) {
                (None, _) => Trigger::Manual,
                (_, Schedule::Cron(_)) => Trigger::Cron,
                _ => Trigger::Scheduled,
            },
            queue: self.queue.clone(),
            priority: self.priority,
            tags: self.tags.clone(),
            metadata,
            ..JobRequest::new(self.key.tenant.clone(), self.job_type.clone(), input)
        }
    }
}
