//! A calendar as people write it, and what is wrong with one.

use std::time::Duration;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::{Calendar, Opening, Parsed, RULES_MAX, WINDOW_MINUTES_MAX};
use crate::schedule::cron::zone;
use crate::schedule::{CronSchedule, InvalidSchedule};

/// The days of the week, from Monday on.
const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// What a calendar excludes. Each rule excludes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarRules {
    /// What it is for, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where its days and hours hold: an IANA name, such as `Europe/Lisbon`.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Single days, such as `2027-04-02`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<String>,
    /// Days from one to another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<DateRange>,
    /// Days of every year, such as `12-25`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yearly: Vec<String>,
    /// Days of every week: `SAT`, or `MON-FRI`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// Spans that begin when a cron expression fires.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Where there are any, all other hours are excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub business_hours: Vec<BusinessHours>,
}

/// Days from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
}

/// A span that begins whenever a cron expression fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it begins, in the calendar's zone.
    pub cron: String,
    /// How long it lasts, 1 to [`WINDOW_MINUTES_MAX`] minutes of elapsed time.
    pub minutes: u32,
}

/// Hours of some days of the week that are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessHours {
    /// Which days: `SAT`, or `MON-FRI`.
    pub days: Vec<String>,
    /// From this reading of the clock on, such as `09:00`.
    pub from: String,
    /// Before this one, such as `17:30`; `24:00` is the end of the day.
    pub to: String,
}

impl Default for CalendarRules {
    /// Excludes nothing.
    fn default() -> Self {
        Self {
            description: String::new(),
            time_zone: utc(),
            dates: Vec::new(),
            ranges: Vec::new(),
            yearly: Vec::new(),
            weekdays: Vec::new(),
            windows: Vec::new(),
            business_hours: Vec::new(),
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TryFrom<CalendarRules> for Calendar {
    type Error = InvalidSchedule;
    fn try_from(rules: CalendarRules) -> Result<Self, InvalidSchedule> {
        Self::new(rules)
    }
}

impl From<Calendar> for CalendarRules {
    fn from(calendar: Calendar) -> Self {
        calendar.rules().clone()
    }
}

impl CalendarRules {
    /// How many rules it has.
    pub const fn count(&self) -> usize {
        self.dates.len()
            + self.ranges.len()
            + self.yearly.len()
            + self.weekdays.len()
            + self.windows.len()
            + self.business_hours.len()
    }
}

pub(super) fn parse(rules: CalendarRules) -> Result<Parsed, InvalidSchedule> {
    let count = rules.count();
    if count > RULES_MAX {
        return Err(InvalidSchedule::new(format!(
            "the calendar has {count} rules: use at most {RULES_MAX}"
        )));
    }
    let mut dates = each(&rules.dates, |text| date("dates", text))?;
    dates.sort();
    let range = |range: &DateRange| {
        let [from, to] = [date("ranges", &range.from)?, date("ranges", &range.to)?];
        if to < from {
            return refuse("ranges", &range.to, "a day that is not before the first");
        }
        Ok([from, to])
    };
    let window = |window: &Window| {
        if !(1..=WINDOW_MINUTES_MAX).contains(&window.minutes) {
            let minutes = window.minutes.to_string();
            return refuse("windows", &minutes, &format!("1 to {WINDOW_MINUTES_MAX} minutes"));
        }
        let cron = CronSchedule::new(&window.cron, &rules.time_zone)?;
        Ok((cron, Duration::from_secs(60 * u64::from(window.minutes))))
    };
    Ok(Parsed {
        zone: zone(&rules.time_zone)?,
        dates,
        ranges: each(&rules.ranges, range)?,
        yearly: each(&rules.yearly, |text| month_and_day(text))?,
        weekdays: weekdays("weekdays", &rules.weekdays)?,
        windows: each(&rules.windows, window)?,
        hours: each(&rules.business_hours, opening)?,
        rules,
    })
}

fn each<T, R>(
    rules: &[T],
    parse: impl Fn(&T) -> Result<R, InvalidSchedule>,
) -> Result<Vec<R>, InvalidSchedule> {
    rules.iter().map(parse).collect()
}

fn refuse<T>(field: &str, text: &str, wanted: &str) -> Result<T, InvalidSchedule> {
    let shown: String = text.chars().take(40).collect();
    Err(InvalidSchedule::new(format!("{field} of the calendar: {shown:?}: use {wanted}")))
}

fn date(field: &str, text: &str) -> Result<Date, InvalidSchedule> {
    // A date alone: other texts that begin with one are taken for more than they say.
    match text.parse() {
        Ok(date) if text.len() == "2027-04-02".len() => Ok(date),
        _ => refuse(field, text, "a date such as \"2027-04-02\""),
    }
}

fn month_and_day(text: &str) -> Result<(i8, i8), InvalidSchedule> {
    // In a leap year, so that there is a 29th of February.
    let date: Option<Date> = format!("2000-{text}").parse().ok();
    match date.filter(|_| text.len() == "12-25".len()) {
        Some(date) => Ok((date.month(), date.day())),
        None => refuse("yearly", text, "month and day such as \"12-25\""),
    }
}

/// A set of weekdays: bit 0 is Monday.
fn weekdays(field: &str, texts: &[String]) -> Result<u8, InvalidSchedule> {
    let mut set = 0;
    for text in texts {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let place = |word: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(word));
        match (place(from), place(to)) {
            (Some(from), Some(to)) if from <= to => {
                (from..=to).for_each(|day| set |= 1 << day);
            }
            _ => return refuse(field, text, "MON to SUN, or a range such as MON-FRI"),
        }
    }
    Ok(set)
}

fn opening(hours: &BusinessHours) -> Result<Opening, InvalidSchedule> {
    const FIELD: &str = "business_hours";
    let time = |text: &str| match text.parse::<Time>() {
        Ok(time) if text.len() == "09:00".len() => Ok(time),
        _ => refuse(FIELD, text, "an hour such as \"09:00\""),
    };
    let weekdays = weekdays(FIELD, &hours.days)?;
    if weekdays == 0 {
        return refuse(FIELD, "", "at least one day");
    }
    let from = time(&hours.from)?;
    let to = if hours.to == "24:00" { None } else { Some(time(&hours.to)?) };
    if to.is_some_and(|to| to <= from) {
        return refuse(FIELD, &hours.to, "an hour after the first; split what goes over midnight");
    }
    Ok(Opening { weekdays, from, to })
}
