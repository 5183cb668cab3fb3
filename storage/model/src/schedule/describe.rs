//! A cron expression in plain English.
//!
//! **Invariant:** made from the sets alone, so that two ways to write the same read the same.

use super::fields::{Fields, MonthDay, WeekdayOfMonth, has};

/// Times of day up to this many are told one by one.
const TIMES_TOLD_MAX: usize = 6;
const SIXTY: u64 = (1 << 60) - 1;
const DAY_HOURS: u64 = (1 << 24) - 1;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Such as "at 09:00 on Monday to Friday".
pub(super) fn describe(fields: &Fields) -> String {
    let time = if fields.seconds == 1 { minutes(fields) } else { seconds(fields) };
    let days = days(fields);
    let days = if days.is_empty() && time.starts_with("at ") { " every day" } else { &days };
    format!("{time}{days}{}", months(fields))
}

fn minutes(fields: &Fields) -> String {
    let (minutes, hours) = (fields.minutes, fields.hours);
    let every = every(minutes, "minute");
    let single = (minutes.count_ones() == 1).then(|| minutes.trailing_zeros());
    if hours == DAY_HOURS {
        return match (every, single) {
            (Some(every), _) => every,
            (None, Some(0)) => "every hour, on the hour".to_owned(),
            (None, Some(minute)) => format!("every hour, at minute {minute}"),
            (None, None) => format!("every hour, at minutes {}", listed(numbers(minutes))),
        };
    }
    if told_one_by_one(fields) {
        return format!("at {}", listed(times(fields)));
    }
    let (first, last) = (hours.trailing_zeros(), 63 - hours.leading_zeros());
    let in_one_run = last - first + 1 == hours.count_ones();
    let until = 63 - minutes.leading_zeros();
    match (every, single) {
        (Some(every), _) if in_one_run => {
            format!("{every} from {first:02}:00 to {last:02}:{until:02}")
        }
        (None, Some(minute)) if in_one_run => {
            format!("every hour from {first:02}:{minute:02} to {last:02}:{minute:02}")
        }
        _ => format!(
            "at minutes {} of the hours {}",
            listed(numbers(minutes)),
            listed(numbers(hours))
        ),
    }
}

fn seconds(fields: &Fields) -> String {
    let seconds = every(fields.seconds, "second").unwrap_or_else(|| {
        let plural = if fields.seconds.count_ones() == 1 { "" } else { "s" };
        format!("at second{plural} {}", listed(numbers(fields.seconds)))
    });
    if fields.minutes == SIXTY && fields.hours == DAY_HOURS {
        return if seconds.starts_with("at ") {
            format!("{seconds} of every minute")
        } else {
            seconds
        };
    }
    if told_one_by_one(fields) {
        return format!("{seconds} of the minute {}", listed(times(fields)));
    }
    let hours = match fields.hours {
        DAY_HOURS => "every hour".to_owned(),
        hours => format!("the hours {}", listed(numbers(hours))),
    };
    format!("{seconds} in the minutes {} of {hours}", listed(numbers(fields.minutes)))
}

/// "every 15 minutes", where a set of 60 is evenly spread from 0 on.
fn every(set: u64, unit: &str) -> Option<String> {
    let step = 60 / set.count_ones();
    let even = (0..60).step_by(step as usize).fold(0, |set, number: u32| set | 1 << number);
    match step {
        _ if even != set || step == 60 => None,
        1 => Some(format!("every {unit}")),
        step => Some(format!("every {step} {unit}s")),
    }
}

fn told_one_by_one(fields: &Fields) -> bool {
    fields.minutes.count_ones() as usize * fields.hours.count_ones() as usize <= TIMES_TOLD_MAX
}

fn times(fields: &Fields) -> Vec<String> {
    let in_set = |set: u64| (0..60).filter(move |number| has(set, *number));
    in_set(fields.hours)
        .flat_map(|hour| in_set(fields.minutes).map(move |minute| format!("{hour:02}:{minute:02}")))
        .collect()
}

fn days(fields: &Fields) -> String {
    let month_days = month_days(fields);
    let weekdays = weekdays(fields);
    match (month_days, weekdays) {
        // One field that takes every day says nothing beside another that must fit too.
        (None, None) => String::new(),
        (Some(days), None) if fields.needs_both_days => format!(" on {days}"),
        (None, Some(days)) if fields.needs_both_days => format!(" on {days}"),
        (Some(one), Some(other)) if fields.needs_both_days => {
            format!(" on {one}, if it is also {other}")
        }
        (Some(one), Some(other)) => format!(" on {one} or on {other}"),
        // Either may fit, and one takes every day.
        _ => String::new(),
    }
}

fn month_days(fields: &Fields) -> Option<String> {
    let days = &fields.days;
    if days.plain == (1 << 32) - 2 {
        return None;
    }
    let mut parts = Vec::new();
    if days.plain != 0 {
        let plural = if days.plain.count_ones() == 1 { "" } else { "s" };
        parts.push(format!("day{plural} {}", listed(numbers(days.plain))));
    }
    parts.extend(days.special.iter().map(|day| match day {
        MonthDay::FromLast(0) => "the last day".to_owned(),
        MonthDay::FromLast(1) => "the day before the last".to_owned(),
        MonthDay::FromLast(before) => format!("the day {before} days before the last"),
        MonthDay::WeekdayNearLast(0) => "the last working day".to_owned(),
        MonthDay::WeekdayNearLast(before) => {
            format!("the working day nearest to {before} days before the last")
        }
        MonthDay::WeekdayNear(day) => format!("the working day nearest to day {day}"),
    }));
    Some(format!("{} of the month", listed(parts)))
}

fn weekdays(fields: &Fields) -> Option<String> {
    let weekdays = &fields.weekdays;
    if weekdays.plain == 0x7f {
        return None;
    }
    // Weeks are told from Monday on.
    let from_monday = weekdays.plain >> 1 | (weekdays.plain & 1) << 6;
    let name = |day: u8| WEEKDAYS[usize::from((day + 1) % 7)].to_owned();
    let mut parts = runs(from_monday, name);
    parts.extend(weekdays.special.iter().map(|rule| match *rule {
        WeekdayOfMonth::Nth { weekday, nth } => {
            format!("the {} {} of the month", NTH[nth as usize - 1], WEEKDAYS[weekday as usize])
        }
        WeekdayOfMonth::Last { weekday } => {
            format!("the last {} of the month", WEEKDAYS[weekday as usize])
        }
    }));
    Some(listed(parts))
}

fn months(fields: &Fields) -> String {
    if fields.months == (1 << 13) - 2 {
        return String::new();
    }
    let names = runs(fields.months, |month| MONTHS[usize::from(month) - 1].to_owned());
    format!(" in {}", listed(names))
}

fn numbers(set: u64) -> Vec<String> {
    runs(set, |number| number.to_string())
}

/// The members of a set, three or more in a row as "1 to 3".
fn runs(set: u64, name: impl Fn(u8) -> String) -> Vec<String> {
    let mut parts = Vec::new();
    let mut from = 0;
    while from < 64 {
        if !has(set, from) {
            from += 1;
            continue;
        }
        let end = (from..64).find(|number| !has(set, *number)).unwrap_or(64);
        match end - from {
            1 | 2 => parts.extend((from..end).map(&name)),
            _ => parts.push(format!("{} to {}", name(from), name(end - 1))),
        }
        from = end;
    }
    parts
}

fn listed(mut parts: Vec<String>) -> String {
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}
