//! When a job runs by itself.

use std::fmt;
use std::sync::{Arc, OnceLock};

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

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
    /// interval since 1970.
    Interval {
        /// Milliseconds, [`INTERVAL_MS_MIN`] to [`INTERVAL_MS_MAX`].
        every_ms: u64,
    },
    /// At the times that a cron expression names.
    Cron(CronSchedule),
}

impl Schedule {
    /// An interval schedule, within bounds.
    pub fn every_ms(every_ms: u64) -> Result<Self, InvalidSchedule> {
        if (INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&every_ms) {
            return Ok(Self::Interval { every_ms });
        }
        Err(InvalidSchedule(format!(
            "an interval of {every_ms} ms is out of bounds: use 1 second to 10 years"
        )))
    }

    /// A cron schedule, see [`CronSchedule::new`].
    pub fn cron(expression: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        CronSchedule::new(expression, time_zone).map(Self::Cron)
    }

    /// The first fire time after `after`; `None` where there is none.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Manual => None,
            Self::Interval { every_ms } => {
                let every_us = i64::try_from(every_ms.checked_mul(1_000)?).ok()?;
                let periods = after.as_micros().checked_div_euclid(every_us)?.checked_add(1)?;
                periods.checked_mul(every_us).map(Timestamp::from_micros)
            }
            Self::Cron(cron) => cron.next_after(after),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Interval { every_ms } => write!(f, "every {} s", *every_ms as f64 / 1_000.0),
            Self::Cron(cron) => write!(f, "cron {} ({})", cron.expression, cron.time_zone),
        }
    }
}

/// A schedule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid schedule: {0}")]
pub struct InvalidSchedule(String);

/// A cron expression in a time zone, parsed and known to fire at least once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "CronText", into = "CronText")]
pub struct CronSchedule {
    expression: String,
    time_zone: String,
    parsed: Arc<(Cron, TimeZone)>,
}

/// A cron schedule as it is written.
#[derive(Serialize, Deserialize)]
struct CronText {
    expression: String,
    time_zone: String,
}

impl CronSchedule {
    /// Takes five fields (minute, hour, day of month, month, day of week), six with seconds
    /// in front, or a nickname such as `@daily`, in a time zone of the IANA database.
    ///
    /// Where one of the day fields begins with `*`, both must match (as in Vixie cron);
    /// otherwise either may. A fixed time that falls into a gap of the clock fires right after
    /// it, one that comes twice fires once. A date that never comes is refused.
    pub fn new(expression: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        let invalid =
            |problem: String| InvalidSchedule(format!("cron expression {expression:?}: {problem}"));
        let cron = parse(expression.trim()).map_err(invalid)?;
        let zone = zones().get(time_zone).map_err(|_| {
            InvalidSchedule(format!(
                "unknown time zone {time_zone:?}: use an IANA name such as Europe/Lisbon or UTC"
            ))
        })?;
        let schedule = Self {
            expression: expression.trim().to_owned(),
            time_zone: time_zone.to_owned(),
            parsed: Arc::new((cron, zone)),
        };
        // Leap days come within eight years of any instant; nothing else is rarer.
        let some_instant = Timestamp::from_micros(946_684_800_000_000);
        if schedule.next_after(some_instant).is_none() {
            return Err(invalid("it never fires, such as on February 30".to_owned()));
        }
        Ok(schedule)
    }

    /// The expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let (cron, zone) = &*self.parsed;
        let start = jiff::Timestamp::from_microsecond(after.as_micros()).ok()?;
        let next = cron.find_next_occurrence(&start.to_zoned(zone.clone()), false).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}

impl PartialEq for CronSchedule {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.time_zone == other.time_zone
    }
}

impl Eq for CronSchedule {}

impl fmt::Debug for CronSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CronSchedule({:?} in {})", self.expression, self.time_zone)
    }
}

impl TryFrom<CronText> for CronSchedule {
    type Error = InvalidSchedule;
    fn try_from(text: CronText) -> Result<Self, InvalidSchedule> {
        Self::new(&text.expression, &text.time_zone)
    }
}

impl From<CronSchedule> for CronText {
    fn from(schedule: CronSchedule) -> Self {
        Self { expression: schedule.expression, time_zone: schedule.time_zone }
    }
}

fn parse(expression: &str) -> Result<Cron, String> {
    let expression = match expression.to_ascii_lowercase().as_str() {
        "@midnight" => "@daily",
        "@reboot" => return Err("@reboot is not supported: enqueue a run at start".to_owned()),
        other if other.starts_with("@every") => {
            return Err("@every is an interval: declare an interval schedule".to_owned());
        }
        _ => expression,
    };
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let (seconds, days) = match fields.as_slice() {
        [name] if name.starts_with('@') => (Seconds::Disallowed, None),
        [_, _, day, _, weekday] => (Seconds::Disallowed, Some((day, weekday))),
        [_, _, _, day, _, weekday] => (Seconds::Required, Some((day, weekday))),
        other => return Err(format!("it has {} fields; use 5, or 6 with seconds", other.len())),
    };
    let both_days =
        days.is_some_and(|(day, weekday)| day.starts_with('*') || weekday.starts_with('*'));
    CronParser::builder()
        .seconds(seconds)
        .year(Year::Disallowed)
        .dom_and_dow(both_days)
        .build()
        .parse(expression)
        .map_err(|error| error.to_string())
}

/// The time zone database that comes with this program, so that every host agrees.
fn zones() -> &'static TimeZoneDatabase {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("RFC 3339")
    }

    fn fires(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::cron(expression, zone).expect("a schedule");
        std::iter::successors(schedule.next_after(at(after)), |time| schedule.next_after(*time))
            .take(count)
            .map(|time| time.to_utc().format("%FT%TZ").to_string())
            .collect()
    }

    #[test]
    fn a_fixed_time_in_the_spring_gap_fires_once_right_after_it() {
        // Lisbon skips 01:00 to 02:00 on 2027-03-28.
        let times = fires("30 1 * * *", "Europe/Lisbon", "2027-03-27T02:00:00Z", 2);
        assert_eq!(times, ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]);
    }

    #[test]
    fn a_fixed_time_in_the_autumn_fold_fires_once() {
        // Lisbon lives 01:00 to 02:00 twice on 2027-10-31.
        let times = fires("30 1 * * *", "Europe/Lisbon", "2027-10-30T12:00:00Z", 2);
        assert_eq!(times, ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]);
    }

    #[test]
    fn an_interval_like_expression_follows_elapsed_time_through_the_fold() {
        let times = fires("*/30 * * * *", "Europe/Lisbon", "2027-10-30T23:59:00Z", 5);
        let expected = ["00:00", "00:30", "01:00", "01:30", "02:00"]
            .map(|time| format!("2027-10-31T{time}:00Z"));
        assert_eq!(times, expected);
    }

    #[test]
    fn a_star_in_a_day_field_means_and_and_plain_day_fields_mean_or() {
        let both = fires("0 0 1 * */2", "UTC", "2026-11-01T00:00:00Z", 2);
        assert_eq!(both, ["2026-12-01T00:00:00Z", "2027-04-01T00:00:00Z"]);
        let either = fires("0 0 13 * FRI", "UTC", "2026-11-10T00:00:00Z", 2);
        assert_eq!(either, ["2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        for (expression, zone, reason) in [
            ("0 0 30 2 *", "UTC", "never fires"),
            ("* * * *", "UTC", "4 fields"),
            ("* * * * * * *", "UTC", "7 fields"),
            ("61 * * * *", "UTC", "61 * * * *"),
            ("@reboot", "UTC", "@reboot"),
            ("@every 5m", "UTC", "interval"),
            ("* * * * *", "Europe/Atlantis", "Atlantis"),
        ] {
            let error = Schedule::cron(expression, zone).expect_err(expression).to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(Schedule::every_ms(999).is_err());
    }

    #[test]
    fn intervals_do_not_drift() {
        let schedule = Schedule::every_ms(15 * 60_000).expect("a schedule");
        let late = schedule.next_after(at("2026-11-21T01:07:33.5Z"));
        assert_eq!(late, Some(at("2026-11-21T01:15:00Z")));
        assert_eq!(
            schedule.next_after(at("2026-11-21T01:15:00Z")),
            Some(at("2026-11-21T01:30:00Z"))
        );
    }

    #[test]
    fn schedules_survive_their_own_json() {
        for schedule in [
            Schedule::Manual,
            Schedule::every_ms(60_000).expect("a schedule"),
            Schedule::cron("@daily", "Asia/Kathmandu").expect("a schedule"),
        ] {
            let json = serde_json::to_string(&schedule).expect("serialises");
            assert_eq!(serde_json::from_str::<Schedule>(&json).expect("parses"), schedule);
        }
        let bad = r#"{"kind":"cron","expression":"nonsense","time_zone":"UTC"}"#;
        assert!(serde_json::from_str::<Schedule>(bad).is_err());
    }
}
