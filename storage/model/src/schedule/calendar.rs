//! Calendars: times at which schedules that name one do not fire.
//!
//! **Invariant:** whether an instant is excluded depends on what a clock in the calendar's zone
//! shows at it, and on nothing else but its windows, which begin at instants. Between two changes
//! of that clock readings follow instants, so that the end of what is excluded is found without
//! looking at each minute. `rules` is a calendar as people write it.

mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};
use serde::{Deserialize, Serialize};

pub use rules::{BusinessHours, CalendarRules, DateRange, Window};

use super::{CronSchedule, InvalidSchedule};
use crate::{Timestamp, document::DOCUMENT_BYTES_MAX};

/// Rules of one calendar at most, of all sorts together.
pub const RULES_MAX: usize = 1_000;
/// Minutes of one window at most: 31 days.
pub const WINDOW_MINUTES_MAX: u32 = 31 * 24 * 60;
/// How often a search for an open instant goes from the end of something excluded to the next:
/// so often that years of excluded days are passed.
pub const STEPS_MAX: usize = 2_000;

/// The end of what is excluded for ever.
const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Times that are excluded, checked and ready to be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "CalendarRules", into = "CalendarRules")]
pub struct Calendar(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    rules: CalendarRules,
    zone: TimeZone,
    /// Sorted.
    dates: Vec<Date>,
    /// First and last day.
    ranges: Vec<[Date; 2]>,
    /// Month and day.
    yearly: Vec<(i8, i8)>,
    /// Bit 0 is Monday.
    weekdays: u8,
    windows: Vec<(CronSchedule, Duration)>,
    hours: Vec<Opening>,
}

/// Hours on some days of the week.
#[derive(Debug)]
struct Opening {
    weekdays: u8,
    from: Time,
    /// The end of the day where absent.
    to: Option<Time>,
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.0.rules == other.0.rules
    }
}

impl Eq for Calendar {}

impl Calendar {
    /// Checks and takes the rules.
    pub fn new(rules: CalendarRules) -> Result<Self, InvalidSchedule> {
        rules::parse(rules).map(|parsed| Self(Arc::new(parsed)))
    }

    /// The rules, as they were written.
    pub fn rules(&self) -> &CalendarRules {
        &self.0.rules
    }

    /// This calendar, if it leaves an instant open that can be found from `now` on, and is not
    /// too long to be kept.
    pub fn checked(self, now: Timestamp) -> Result<Self, InvalidSchedule> {
        let bytes = serde_json::to_string(&self.0.rules).map_or(usize::MAX, |text| text.len());
        if bytes > DOCUMENT_BYTES_MAX {
            return Err(InvalidSchedule::new(format!(
                "the calendar has {bytes} bytes: use at most {DOCUMENT_BYTES_MAX}"
            )));
        }
        match Calendars::new(vec![self.clone()]).next_open(now) {
            Some(_) => Ok(self),
            None => Err(InvalidSchedule::new(
                "the calendar leaves no time open: nothing that uses it would ever fire",
            )),
        }
    }

    /// Whether this instant is excluded.
    pub fn excludes(&self, instant: Timestamp) -> bool {
        self.excluded_until(instant).is_some()
    }

    /// Until when at least everything from this instant on is excluded; `None` where the instant
    /// is open. Later than the instant.
    fn excluded_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let by_clock = self.until_by_clock(instant);
        let by_windows = self.0.windows.iter().filter_map(|(cron, span)| {
            let began = cron.next_after(instant.minus(*span))?;
            (began <= instant).then(|| began.plus(*span))
        });
        by_windows.chain(by_clock).max()
    }

    /// The same, as far as readings of the clock decide.
    fn until_by_clock(&self, instant: Timestamp) -> Option<Timestamp> {
        let at = Instant::from_microsecond(instant.as_micros()).ok()?;
        let zone = &self.0.zone;
        let offset = zone.to_offset(at);
        let end = self.0.reading_until(offset.to_datetime(at))?;
        let change = zone.following(at).next().map(|change| change.timestamp());
        // Where the clock changes before, it is asked again there.
        let end = end.and_then(|end| offset.to_timestamp(end).ok());
        let end = end.into_iter().chain(change).min();
        Some(end.map_or(NEVER, |end| Timestamp::from_micros(end.as_microsecond())))
    }
}

impl Parsed {
    /// Until which reading at least all from this one on are excluded, if the clock runs evenly;
    /// `None` within where that is for ever, and outside where the reading is open.
    fn reading_until(&self, reading: DateTime) -> Option<Option<DateTime>> {
        let date = reading.date();
        let weekday = bit(date);
        let is_day = self.dates.binary_search(&date).is_ok()
            || self.yearly.contains(&(date.month(), date.day()))
            || self.weekdays & weekday != 0;
        let days = self.ranges.iter().filter(|[from, to]| (*from..=*to).contains(&date));
        let last = days.map(|[_, to]| *to).chain(is_day.then_some(date)).max();
        let by_day = last.map(midnight_after);
        let by_hours = self.closed_until(reading);
        match (by_day, by_hours) {
            // For ever is the latest.
            (Some(one), Some(other)) => Some(one.zip(other).map(|(one, other)| one.max(other))),
            (one, other) => one.or(other),
        }
    }

    /// Until which reading it is outside of all business hours.
    fn closed_until(&self, reading: DateTime) -> Option<Option<DateTime>> {
        let (date, time) = (reading.date(), reading.time());
        let is_open = |opening: &Opening| {
            opening.weekdays & bit(date) != 0
                && opening.from <= time
                && opening.to.is_none_or(|to| time < to)
        };
        if self.hours.is_empty() || self.hours.iter().any(is_open) {
            return None;
        }
        // The same day of the next week is the latest there can be.
        let days = (0..=7).filter_map(|days| date.checked_add(days.days()).ok());
        let begins = days.flat_map(|date| {
            let on_it = move |opening: &&Opening| opening.weekdays & bit(date) != 0;
            self.hours.iter().filter(on_it).map(move |opening| date.to_datetime(opening.from))
        });
        Some(begins.filter(|begin| *begin > reading).min())
    }
}

fn bit(date: Date) -> u8 {
    1 << date.weekday().to_monday_zero_offset()
}

/// `None` at the end of all calendars.
fn midnight_after(date: Date) -> Option<DateTime> {
    Some(date.tomorrow().ok()?.to_datetime(Time::midnight()))
}

/// All calendars of one schedule: what one of them excludes is excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendars(Vec<Calendar>);

impl Calendars {
    /// These together.
    pub const fn new(calendars: Vec<Calendar>) -> Self {
        Self(calendars)
    }

    /// Those of a schedule that names none.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether this instant is excluded.
    pub fn excludes(&self, instant: Timestamp) -> bool {
        self.excluded_until(instant).is_some()
    }

    /// The first open instant at or after this one; `None` where none is found within
    /// [`STEPS_MAX`] steps.
    pub fn next_open(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut at = instant;
        for _ in 0..STEPS_MAX {
            match self.excluded_until(at) {
                None => return Some(at),
                Some(NEVER) => return None,
                Some(until) => at = until,
            }
        }
        None
    }

    /// Until when at least everything from this instant on is excluded.
    pub(crate) fn excluded_until(&self, instant: Timestamp) -> Option<Timestamp> {
        self.0.iter().filter_map(|calendar| calendar.excluded_until(instant)).max()
    }
}
