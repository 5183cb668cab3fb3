//! Fire times where calendars exclude some.
//!
//! **Invariant:** the times of a schedule rise: several that are moved to one instant are one
//! time, and a time is never moved before another.

use serde::{Deserialize, Serialize};

use super::JobSchedule;
use crate::schedule::calendar::{Calendars, STEPS_MAX};
use crate::schedule::{InvalidSchedule, Schedule};
use crate::{CalendarName, Timestamp};

/// Calendars of one schedule at most.
pub const CALENDARS_MAX: usize = 8;

/// What becomes of a fire time that a calendar excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExcluded {
    /// Nothing: it is as if the rule did not name it.
    #[default]
    Skip,
    /// It is moved to the next instant that no calendar excludes. Several that are moved to one
    /// instant are one.
    NextOpenTime,
}

/// The first fire time of a rule after an instant, as calendars leave it; `None` where there is
/// none, or none is found within [`STEPS_MAX`] steps.
pub fn next_fire(
    rule: &Schedule,
    calendars: &Calendars,
    on_excluded: OnExcluded,
    after: Timestamp,
) -> Option<Timestamp> {
    let mut after = after;
    for _ in 0..STEPS_MAX {
        let time = rule.next_after(after)?;
        match (calendars.excluded_until(time), on_excluded) {
            (None, _) => return Some(time),
            (Some(_), OnExcluded::NextOpenTime) => return calendars.next_open(time),
            // All before the end is excluded too.
            (Some(until), OnExcluded::Skip) => {
                after = Timestamp::from_micros(until.as_micros() - 1);
            }
        }
    }
    None
}

impl JobSchedule {
    /// The first fire time after an instant, as its calendars leave it.
    pub fn next_after(&self, after: Timestamp, calendars: &Calendars) -> Option<Timestamp> {
        next_fire(&self.rule, calendars, self.on_excluded, after)
    }

    /// With its next fire time as these calendars leave it, where they or its own choice changed.
    /// A time that was moved before stays where it is, unless an earlier one is open now.
    #[must_use]
    pub fn with_calendars_changed(mut self, calendars: &Calendars, now: Timestamp) -> Self {
        let next = match (self.next_fire_at, self.on_excluded) {
            // What is due already is for a host to decide.
            (Some(next), _) if next <= now => Some(next),
            (Some(next), OnExcluded::NextOpenTime) => {
                let moved = calendars.next_open(next);
                moved.into_iter().chain(self.next_after(now, calendars)).min()
            }
            _ => self.next_after(now, calendars),
        };
        self.next_fire_at = next;
        self
    }

    /// Its next fire time, if calendars leave it where it is, or where they move it to.
    pub(super) fn open_next(&self, calendars: &Calendars) -> Option<Timestamp> {
        let next = self.next_fire_at?;
        if !calendars.excludes(next) {
            return Some(next);
        }
        match self.on_excluded {
            OnExcluded::Skip => self.next_after(next, calendars),
            OnExcluded::NextOpenTime => calendars.next_open(next),
        }
    }

    /// Refuses more calendars than a schedule may have, and one that is named twice.
    pub(super) fn check_calendars(&self) -> Result<(), InvalidSchedule> {
        let count = self.calendars.len();
        if count > CALENDARS_MAX {
            return Err(InvalidSchedule::new(format!(
                "{count} calendars: use at most {CALENDARS_MAX}"
            )));
        }
        let is_repeated =
            |name: &&CalendarName| self.calendars.iter().filter(|other| other == name).count() > 1;
        match self.calendars.iter().find(is_repeated) {
            Some(name) => Err(InvalidSchedule::new(format!(
                "the calendar {name} is named twice: name it once"
            ))),
            None => Ok(()),
        }
    }
}
