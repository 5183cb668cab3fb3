//! Cron expressions in a time zone: from clock readings to instants.
//!
//! **Invariant:** the next fire time is later than the instant asked about, whatever the clock
//! of the zone does. Where clocks change, an expression is one of two kinds:
//! (No crate is used for this: those that are maintained take lists such as `0,30 1,2 * * *` for
//! interval-like, accept steps beyond the field, or go wrong where clocks change.)
//!
//! - *Interval-like*: its minute or hour field has a wildcard or a step (`*/15 * * * *`,
//!   `0 * * * *`). It fires at every instant at which the clock shows a time that fits: in both
//!   halves of an hour that comes twice, and not at times that the clock leaves out.
//! - *Fixed*: plain numbers, lists and ranges of minutes and hours (`30 1 * * *`). Each time
//!   counts once a day: one that comes twice fires the first time only, one that is left out
//!   fires right after the gap. Several that meet there fire once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Instant, ToSpan};
use serde::{Deserialize, Serialize};

use super::InvalidSchedule;
use super::describe::describe;
use super::fields::Fields;
use super::parse::parse;
use super::word::Mistake;
use crate::Timestamp;

/// A cron expression in a time zone, parsed and known to fire at least once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "CronText", into = "CronText")]
pub struct CronSchedule {
    expression: String,
    time_zone: String,
    parsed: Arc<(Fields, TimeZone)>,
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
    /// A prefix `CRON_TZ=Zone ` or `TZ=Zone ` names the zone in place of `time_zone`, which must
    /// then be the same or `UTC`. Where one of the day fields begins with `*` or is `?`, both
    /// must match (as in Vixie cron); otherwise either may. A date that never comes is refused.
    pub fn new(expression: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        let text = expression.trim();
        let parsed = parse(text).map_err(|mistake| refusal(text, &mistake))?;
        let named = parsed.zone.map_or(time_zone, |zone| zone.text);
        if named != time_zone && time_zone != "UTC" {
            return Err(InvalidSchedule(format!(
                "the expression names the time zone {named:?}, and {time_zone:?} was given beside \
                 it: give one"
            )));
        }
        let zone = zone(named)?;
        let first = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
        if parsed.fields.first_from(first).is_none() {
            let problem = "it never fires: no date is like this".to_owned();
            return Err(refusal(text, &Mistake { problem, at: parsed.dates_at }));
        }
        Ok(Self {
            expression: parsed.expression.to_owned(),
            time_zone: named.to_owned(),
            parsed: Arc::new((parsed.fields, zone)),
        })
    }

    /// The expression, without a prefix for the time zone.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// What it says in plain English, such as "at 09:00 on Monday to Friday".
    pub fn describe(&self) -> String {
        describe(&self.parsed.0)
    }

    /// An instant as a clock in its time zone shows it.
    pub(super) fn local_text(&self, time: Timestamp) -> String {
        match Instant::from_microsecond(time.as_micros()) {
            Ok(time) => {
                let local = time.to_zoned(self.parsed.1.clone());
                local.strftime("%a %Y-%m-%d %H:%M:%S %z").to_string()
            }
            Err(_) => time.to_string(),
        }
    }

    /// The first fire time after `after`; `None` where the calendar ends first.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let (fields, zone) = &*self.parsed;
        let after = Instant::from_second(after.as_micros().div_euclid(1_000_000)).ok()?;
        let next = if fields.is_interval_like {
            next_by_elapsed_time(fields, zone, after)
        } else {
            next_by_clock(fields, zone, after)
        };
        next.map(|next| Timestamp::from_micros(next.as_microsecond()))
    }
}

/// Goes from one change of the clock to the next: in between, readings follow instants.
fn next_by_elapsed_time(fields: &Fields, zone: &TimeZone, after: Instant) -> Option<Instant> {
    let mut from = after.checked_add(1.second()).ok()?;
    loop {
        let offset = zone.to_offset(from);
        let reading = fields.first_from(offset.to_datetime(from));
        let next = reading.and_then(|reading| offset.to_timestamp(reading).ok());
        let change = zone.following(from).next().map(|change| change.timestamp());
        match (next, change) {
            (Some(next), change) if change.is_none_or(|change| next < change) => return Some(next),
            (_, Some(change)) => from = change,
            (_, None) => return None,
        }
    }
}

/// Goes from one reading that fits to the next, and asks when it comes.
fn next_by_clock(fields: &Fields, zone: &TimeZone, after: Instant) -> Option<Instant> {
    let mut from = first_new_reading(zone, after)?;
    loop {
        let reading = fields.first_from(from)?;
        let next = instant_of(zone, reading)?;
        if next > after {
            return Some(next);
        }
        from = reading.checked_add(1.second()).ok()?;
    }
}

/// The first reading after an instant that the clock had not shown before.
fn first_new_reading(zone: &TimeZone, after: Instant) -> Option<DateTime> {
    let offset = zone.to_offset(after);
    let reading = offset.to_datetime(after);
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Fold { before, after: second } if second == offset => {
            let change = zone.preceding(after.checked_add(1.second()).ok()?).next()?;
            Some(before.to_datetime(change.timestamp()))
        }
        _ => reading.checked_add(1.second()).ok(),
    }
}

/// When a clock shows this for the first time; where it never does, when it has gone past it.
fn instant_of(zone: &TimeZone, reading: DateTime) -> Option<Instant> {
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(reading).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(reading).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            let before_it = after.to_timestamp(reading).ok()?;
            zone.following(before_it).next().map(|change| change.timestamp())
        }
    }
}

fn refusal(text: &str, mistake: &Mistake) -> InvalidSchedule {
    if mistake.at == (0..0) {
        return InvalidSchedule(format!("cron expression: {}", mistake.problem));
    }
    // A stranger's text goes to terminals and logs: nothing in it may move the cursor.
    let shown: String =
        text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    let before = text.get(..mistake.at.start).unwrap_or(text).chars().count();
    let marked = text.get(mistake.at.clone()).map_or(1, |place| place.chars().count().max(1));
    InvalidSchedule(format!(
        "cron expression: {}\n  {shown}\n  {}{}",
        mistake.problem,
        " ".repeat(before),
        "^".repeat(marked)
    ))
}

/// A zone of the database that comes with this program.
pub(super) fn zone(name: &str) -> Result<TimeZone, InvalidSchedule> {
    zones().get(name).map_err(|_| {
        InvalidSchedule(format!(
            "unknown time zone {name:?}: use an IANA name such as Europe/Lisbon or UTC"
        ))
    })
}

/// The time zone database that comes with this program, so that every host agrees.
fn zones() -> &'static TimeZoneDatabase {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled)
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
