//! When a job runs by itself.
//!
//! **Invariant:** [`Schedule::next_after`] answers an instant later than the one asked about, so
//! whoever fires and asks again goes forward. Cron expressions are read in `parse`, kept as sets in
//! `fields`, mapped to instants in `cron` and told in English in `describe`.

pub mod calendar;
mod cron;
mod describe;
mod fields;
mod parse;
#[cfg(test)]
mod tests;
mod word;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

pub use cron::CronSchedule;
pub use parse::EXPRESSION_BYTES_MAX;

/// The shortest interval: 1 second.
pub const INTERVAL_MS_MIN: u64 = 1_000;
/// The longest interval: 10 years.
pub const INTERVAL_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

/// When a job runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    /// Only when asked.
    #[default]
    Manual,
    /// Again and again, this long apart. Times do not drift: they are whole multiples of the
    /// interval since `start`.
    Interval {
        /// Milliseconds, [`INTERVAL_MS_MIN`] to [`INTERVAL_MS_MAX`].
        every_ms: u64,
        /// The first fire time; absent, intervals are counted from 1970 and have no first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Timestamp>,
    },
    /// At the times that a cron expression names.
    Cron(CronSchedule),
    /// At one instant, and then no more.
    Once {
        /// The instant.
        at: Timestamp,
    },
}

impl Schedule {
    /// An interval schedule, within bounds.
    pub fn every_ms(every_ms: u64) -> Result<Self, InvalidSchedule> {
        Self::Interval { every_ms, start: None }.checked()
    }

    /// A cron schedule, see [`CronSchedule::new`].
    pub fn cron(expression: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        CronSchedule::new(expression, time_zone).map(Self::Cron)
    }

    /// This schedule, if it is within bounds.
    pub fn checked(self) -> Result<Self, InvalidSchedule> {
        match self {
            Self::Interval { every_ms, .. }
                if !(INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&every_ms) =>
            {
                Err(InvalidSchedule(format!(
                    "an interval of {every_ms} ms is out of bounds: use 1 second to 10 years"
                )))
            }
            within => Ok(within),
        }
    }

    /// The first fire time after `after`; `None` where there is none.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Manual => None,
            Self::Once { at } => (*at > after).then_some(*at),
            Self::Interval { every_ms, start } => {
                let every_us = i64::try_from(every_ms.checked_mul(1_000)?).ok()?;
                let origin = match start {
                    Some(start) if *start > after => return Some(*start),
                    Some(start) => start.as_micros(),
                    None => 0,
                };
                let passed = after.as_micros().checked_sub(origin)?;
                let periods = passed.checked_div_euclid(every_us)?.checked_add(1)?;
                let next = periods.checked_mul(every_us)?.checked_add(origin)?;
                Some(Timestamp::from_micros(next))
            }
            Self::Cron(cron) => cron.next_after(after),
        }
    }

    /// An instant as people near this schedule write it, such as `Mon 2027-03-29 09:00:00 +0100`:
    /// in its time zone, or in UTC.
    pub fn local_text(&self, time: Timestamp) -> String {
        match self {
            Self::Cron(cron) => cron.local_text(time),
            _ => time.to_utc().format("%a %Y-%m-%d %H:%M:%S %z").to_string(),
        }
    }

    /// What it says in plain English, such as "at 09:00 on Monday to Friday".
    pub fn describe(&self) -> String {
        match self {
            Self::Manual => "only when asked".to_owned(),
            Self::Once { at } => format!("once, at {at}"),
            Self::Interval { every_ms, start } => {
                let from = start.map(|start| format!(", from {start} on")).unwrap_or_default();
                format!("every {}{from}", span(*every_ms))
            }
            Self::Cron(cron) => cron.describe(),
        }
    }
}

/// A span in the largest unit that divides it.
fn span(ms: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)];
    match UNITS.into_iter().find(|(_, unit)| ms.is_multiple_of(*unit)) {
        Some((name, unit)) if ms == unit => name.to_owned(),
        Some((name, unit)) => format!("{} {name}s", ms / unit),
        None => format!("{} seconds", Duration::from_millis(ms).as_secs_f64()),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Interval { every_ms, start } => {
                write!(f, "every {} s", *every_ms as f64 / 1_000.0)?;
                start.map_or(Ok(()), |start| write!(f, " from {start}"))
            }
            Self::Cron(cron) => write!(f, "cron {} ({})", cron.expression(), cron.time_zone()),
            Self::Once { at } => write!(f, "once at {at}"),
        }
    }
}

/// A schedule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid schedule: {0}")]
pub struct InvalidSchedule(String);

impl InvalidSchedule {
    /// Refuses a schedule for this reason.
    pub fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    /// The same in one line: the expression is quoted, as far as 100 characters, and no place in
    /// it is marked.
    pub fn line(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 100;
        let mut lines = self.0.lines();
        match (lines.next(), lines.next()) {
            (Some(problem), Some(expression)) => {
                let shown: String = expression.trim().chars().take(SHOWN_CHARS_MAX).collect();
                format!("invalid schedule: {problem}: {shown:?}")
            }
            _ => self.to_string(),
        }
    }
}
