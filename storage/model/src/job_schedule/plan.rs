//! Which fire times become runs.

use std::time::Duration;

use super::{JobSchedule, MissedPolicy, OverlapPolicy};
use crate::{CalendarName, Calendars, RunId, RunStatus, Timestamp};

/// Fire times that one plan turns into runs at most; the others follow in the next one.
pub const TIMES_PER_PLAN_MAX: usize = 1_000;
/// Skipped fire times are counted up to so many at a time: more count as that.
pub const SKIPPED_COUNTED_MAX: u64 = 10_000;
/// How often a host looks whether the run has ended that a held fire time waits for: 1 second.
pub const OVERLAP_LOOK: Duration = Duration::from_secs(1);

/// What to do about a schedule whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirePlan {
    /// Fire times that become runs now, earliest first.
    pub times: Vec<Timestamp>,
    /// A run that is asked to stop first.
    pub cancel: Option<RunId>,
    /// The schedule afterwards. Its revision is still the one that this was decided on.
    pub after: JobSchedule,
}

/// [`plan_with`] for a schedule that names no calendars.
pub fn plan(schedule: &JobSchedule, active: Option<RunStatus>, now: Timestamp) -> FirePlan {
    plan_with(schedule, &Calendars::none(), active, now)
}

/// Decides what becomes of the fire times that have come, as the calendars that the schedule names
/// leave them. `active` is how the schedule's latest
/// run stands, where that was looked up: only an overlap policy other than `Allow` asks.
pub fn plan_with(
    schedule: &JobSchedule,
    calendars: &Calendars,
    active: Option<RunStatus>,
    now: Timestamp,
) -> FirePlan {
    let mut after = schedule.clone();
    after.look_at = None;
    after.problem = None;
    let mut times = due_times(&mut after, calendars, now);
    let is_active = active.is_some_and(|status| !status.is_final());
    let mut cancel = None;
    if schedule.overlap != OverlapPolicy::Allow {
        // No two of its runs at a time: the latest time stands for those due together.
        let newest = times.pop();
        after.skip(times.len() as u64);
        times.clear();
        match schedule.overlap {
            OverlapPolicy::QueueOne | OverlapPolicy::CancelRunning => {
                times.extend(after.hold(newest, is_active));
                if after.held.is_some() {
                    after.look_at = Some(now.plus(OVERLAP_LOOK));
                }
                if is_active && schedule.overlap == OverlapPolicy::CancelRunning {
                    cancel = schedule.last_run.filter(|_| after.held.is_some());
                }
            }
            _ if is_active => after.skip(u64::from(newest.is_some())),
            _ => times.extend(newest),
        }
    }
    if let Some(last) = times.last() {
        after.last_fire_at = Some(*last);
        after.last_run = Some(super::run_id_at(&schedule.key, *last));
    }
    FirePlan { times, cancel, after }
}

/// Moves a schedule on without runs, because a calendar that it names is not there. A time that is
/// held waits on.
pub fn plan_without_calendar(
    schedule: &JobSchedule,
    missing: &CalendarName,
    now: Timestamp,
) -> FirePlan {
    let mut after = schedule.clone();
    let times = due_times(&mut after, &Calendars::none(), now);
    after.look_at = after.held.map(|_| now.plus(OVERLAP_LOOK));
    let problem = format!(
        "the calendar {missing} is missing or cannot be used: put it again, or take it from the \
         schedule"
    );
    let after = after.refused(times.len() as u64, problem);
    FirePlan { times: Vec::new(), cancel: None, after }
}

/// The times that have come and become runs, as far as missed times are concerned; moves the
/// schedule on.
fn due_times(after: &mut JobSchedule, calendars: &Calendars, now: Timestamp) -> Vec<Timestamp> {
    let mut times = Vec::new();
    if after.next_fire_at.is_none_or(|first| first > now) {
        return times;
    }
    // What was open when it was planned may be excluded by now.
    after.next_fire_at = after.open_next(calendars);
    let Some(first) = after.next_fire_at.filter(|first| *first <= now) else { return times };
    let mut next = Some(first);
    let on_time_from = now.minus(after.tolerance());
    let mut stand_in = None;
    if first < on_time_from {
        match after.missed {
            MissedPolicy::FireAll { max } => {
                while let Some(time) = next.filter(|time| *time < on_time_from)
                    && times.len() < max as usize
                {
                    times.push(time);
                    next = after.next_after(time, calendars);
                }
            }
            MissedPolicy::FireOnce => stand_in = Some(first),
            MissedPolicy::Skip => {}
        }
        let (missed, end) = count(after, calendars, next, on_time_from);
        after.skip(missed);
        next = end;
        if next.is_some_and(|time| time < on_time_from) {
            next = after.next_after(on_time_from.minus(Duration::from_micros(1)), calendars);
        }
    }
    while let Some(time) = next.filter(|time| *time <= now)
        && times.len() < TIMES_PER_PLAN_MAX
    {
        times.push(time);
        next = after.next_after(time, calendars);
    }
    if let Some(missed) = stand_in.filter(|_| times.is_empty()) {
        after.skipped = after.skipped.saturating_sub(1);
        times.push(missed);
    }
    after.next_fire_at = next;
    times
}

/// How many fire times there are from `from` on and before `end`, counted up to
/// [`SKIPPED_COUNTED_MAX`], and the one behind those counted.
fn count(
    schedule: &JobSchedule,
    calendars: &Calendars,
    from: Option<Timestamp>,
    end: Timestamp,
) -> (u64, Option<Timestamp>) {
    let (mut missed, mut next) = (0, from);
    while let Some(time) = next.filter(|time| *time < end)
        && missed < SKIPPED_COUNTED_MAX
    {
        missed += 1;
        next = schedule.next_after(time, calendars);
    }
    (missed, next)
}

impl JobSchedule {
    /// Counts fire times that became no run.
    pub(super) fn skip(&mut self, times: u64) {
        self.skipped = self.skipped.saturating_add(times);
    }

    /// Takes note of the newest time that has come, and answers the one that becomes a run now.
    fn hold(&mut self, newest: Option<Timestamp>, is_active: bool) -> Option<Timestamp> {
        let wants_newest = self.overlap == OverlapPolicy::CancelRunning;
        match (self.held, newest) {
            (Some(_), Some(newest)) if wants_newest => {
                self.skip(1);
                self.held = Some(newest);
            }
            (Some(held), Some(newest)) if !is_active => {
                self.held = Some(newest);
                return Some(held);
            }
            (Some(_), Some(_)) => self.skip(1),
            (None, newest) => self.held = newest,
            (Some(_), None) => {}
        }
        if is_active { None } else { self.held.take() }
    }

    /// Moved on without runs, because none could be made of its times.
    #[must_use]
    pub fn refused(mut self, times: u64, problem: String) -> Self {
        self.skip(times);
        self.problem = Some(problem);
        self
    }
}
