//! What a cron expression says, as sets of numbers, and the first clock reading that fits.
//!
//! **Invariant:** all of it is about readings of a clock on a wall; no zone, no instant.

use jiff::civil::{Date, DateTime};

/// The Gregorian calendar repeats after this many years, weekdays included: what does not come
/// within them never comes.
const YEARS_MAX: i16 = 400;

/// An expression, field by field. A number is in a field's set where its bit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    pub(super) months: u64,
    pub(super) days: MonthDays,
    pub(super) weekdays: Weekdays,
    /// A day must be in both day fields; otherwise one is enough.
    pub(super) needs_both_days: bool,
    /// The minute or the hour field has a wildcard or a step.
    pub(super) is_interval_like: bool,
}

/// The field of days of the month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MonthDays {
    pub(super) plain: u64,
    pub(super) special: Vec<MonthDay>,
}

/// A day that depends on the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthDay {
    /// So many days before the last.
    FromLast(u8),
    /// The weekday nearest to the one so many days before the last, within the month.
    WeekdayNearLast(u8),
    /// The weekday nearest to a day, within the month.
    WeekdayNear(u8),
}

/// The field of days of the week; Sunday is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Weekdays {
    pub(super) plain: u64,
    pub(super) special: Vec<WeekdayOfMonth>,
}

/// A day of the week that depends on the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeekdayOfMonth {
    Nth { weekday: u8, nth: u8 },
    Last { weekday: u8 },
}

impl Fields {
    /// The first reading that fits, `from` itself included.
    pub(super) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let time = from.time();
        let starts = [
            u8::try_from(time.hour()).ok()?,
            u8::try_from(time.minute()).ok()?,
            u8::try_from(time.second()).ok()?,
        ];
        if self.takes(from.date())
            && let Some([hour, minute, second]) = self.time_from(starts)
        {
            return Some(from.date().at(hour as i8, minute as i8, second as i8, 0));
        }
        let date = self.date_from(from.date().tomorrow().ok()?)?;
        let [hour, minute, second] = [self.hours, self.minutes, self.seconds].map(first);
        Some(date.at(hour, minute, second, 0))
    }

    /// Whether the day fields and the month field take this date.
    pub(super) fn takes(&self, date: Date) -> bool {
        has(self.months, date.month() as u8) && has(self.days_of(date), date.day() as u8)
    }

    fn date_from(&self, from: Date) -> Option<Date> {
        let (mut month, mut first_day) = (from.first_of_month(), from.day() as u8);
        let year_max = from.year().saturating_add(YEARS_MAX);
        while month.year() <= year_max {
            if has(self.months, month.month() as u8)
                && let Some(day) = next(self.days_of(month), first_day)
            {
                return Date::new(month.year(), month.month(), day as i8).ok();
            }
            month = month.last_of_month().tomorrow().ok()?;
            first_day = 1;
        }
        None
    }

    /// The days of this date's month that fit.
    fn days_of(&self, date: Date) -> u64 {
        let month = Month::of(date);
        let days = month.days(&self.days);
        let weekdays = month.weekdays(&self.weekdays);
        if self.needs_both_days { days & weekdays } else { days | weekdays }
    }

    /// The first time of day that fits, from this one on.
    fn time_from(&self, [hour, minute, second]: [u8; 3]) -> Option<[u8; 3]> {
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = next(self.seconds, second)
            {
                return Some([hour, minute, second]);
            }
            if let Some(minute) = next(self.minutes, minute + 1) {
                return Some([hour, minute, next(self.seconds, 0)?]);
            }
        }
        let hour = next(self.hours, hour + 1)?;
        Some([hour, next(self.minutes, 0)?, next(self.seconds, 0)?])
    }
}

/// What the rules about days need to know of a month.
struct Month {
    days: u8,
    first_weekday: u8,
}

impl Month {
    fn of(date: Date) -> Self {
        let first = date.first_of_month();
        Self {
            days: date.days_in_month() as u8,
            first_weekday: first.weekday().to_sunday_zero_offset() as u8,
        }
    }

    fn weekday(&self, day: u8) -> u8 {
        (self.first_weekday + day - 1) % 7
    }

    fn all(&self) -> u64 {
        (1 << (self.days + 1)) - 2
    }

    fn days(&self, field: &MonthDays) -> u64 {
        let special = field.special.iter().filter_map(|day| match *day {
            MonthDay::FromLast(before) => self.days.checked_sub(before).filter(|day| *day > 0),
            MonthDay::WeekdayNearLast(before) => {
                self.days.checked_sub(before).and_then(|day| self.weekday_near(day))
            }
            MonthDay::WeekdayNear(day) => self.weekday_near(day),
        });
        special.fold(field.plain & self.all(), |days, day| days | 1 << day)
    }

    fn weekday_near(&self, day: u8) -> Option<u8> {
        if day == 0 || day > self.days {
            return None;
        }
        Some(match self.weekday(day) {
            6 if day > 1 => day - 1,
            6 => day + 2,
            0 if day < self.days => day + 1,
            0 => day - 2,
            _ => day,
        })
    }

    fn weekdays(&self, field: &Weekdays) -> u64 {
        let plain = (1..=self.days)
            .filter(|day| has(field.plain, self.weekday(*day)))
            .fold(0, |days, day| days | 1 << day);
        let special = field.special.iter().filter_map(|rule| match *rule {
            WeekdayOfMonth::Nth { weekday, nth } => {
                (1..=self.days).filter(|day| self.weekday(*day) == weekday).nth(nth as usize - 1)
            }
            WeekdayOfMonth::Last { weekday } => {
                (1..=self.days).rev().find(|day| self.weekday(*day) == weekday)
            }
        });
        special.fold(plain, |days, day| days | 1 << day)
    }
}

/// The least number of a set, which is not empty.
fn first(set: u64) -> i8 {
    set.trailing_zeros() as i8
}

/// Whether a number is in a set.
pub(super) fn has(set: u64, number: u8) -> bool {
    number < 64 && set >> number & 1 == 1
}

/// The least number of a set that is not below `from`.
pub(super) fn next(set: u64, from: u8) -> Option<u8> {
    let rest = set.checked_shr(u32::from(from))?;
    (rest != 0).then(|| from + rest.trailing_zeros() as u8)
}
