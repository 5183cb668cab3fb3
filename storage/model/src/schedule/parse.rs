//! Reads a cron expression.
//!
//! **Invariant:** every refusal says what was wrong and at which bytes of the text.

use std::ops::Range;

use super::fields::{Fields, MonthDay, MonthDays, WeekdayOfMonth, Weekdays};
use super::word::{Mistake, Word, words};

/// The longest expression, in bytes, its time zone prefix included.
pub const EXPRESSION_BYTES_MAX: usize = 256;

/// An expression as it was read.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) fields: Fields,
    /// The zone of a `CRON_TZ=` prefix, and where it stands.
    pub(super) zone: Option<Word<'a>>,
    /// The expression without the prefix.
    pub(super) expression: &'a str,
    /// Where the date fields stand: whom to blame if no date fits.
    pub(super) dates_at: Range<usize>,
}

/// A field's name, its least and greatest number, and its numbers' names, from `min` on.
struct Numbers {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const SECONDS: Numbers = Numbers { name: "second", min: 0, max: 59, names: &[] };
const MINUTES: Numbers = Numbers { name: "minute", min: 0, max: 59, names: &[] };
const HOURS: Numbers = Numbers { name: "hour", min: 0, max: 23, names: &[] };
const DAYS: Numbers = Numbers { name: "day of the month", min: 1, max: 31, names: &[] };
const MONTHS: Numbers = Numbers {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Sunday is 0, and also 7.
const WEEKDAYS: Numbers = Numbers {
    name: "day of the week",
    min: 0,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};

/// Reads an expression; the text has no space around it.
pub(super) fn parse(text: &str) -> Result<Parsed<'_>, Mistake> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let problem = format!("it has {} bytes: use at most {EXPRESSION_BYTES_MAX}", text.len());
        return Err(Mistake { problem, at: 0..0 });
    }
    let mut words = words(text);
    let prefix = words.first().and_then(|word| {
        let zone = ["CRON_TZ=", "TZ="].iter().find_map(|name| word.text.strip_prefix(name))?;
        Some(Word { text: zone, at: word.at + word.text.len() - zone.len() })
    });
    if prefix.is_some() {
        words.remove(0);
    }
    let expression = &text[words.first().map_or(text.len(), |word| word.at)..];
    let (fields, dates_at) = match words.as_slice() {
        [name, more @ ..] if name.text.starts_with('@') => {
            let fields = nickname(*name)?;
            if let Some(more) = more.first() {
                return Err(more.mistake("nothing comes after a nickname"));
            }
            (fields, name.place())
        }
        [minute, hour, day, month, weekday] => {
            let second = Word { text: "0", at: minute.at };
            (fields([second, *minute, *hour, *day, *month, *weekday])?, day.at..month.place().end)
        }
        [second, minute, hour, day, month, weekday] => {
            let all = [*second, *minute, *hour, *day, *month, *weekday];
            (fields(all)?, day.at..month.place().end)
        }
        other => {
            let problem = format!("it has {} fields: use 5, or 6 with seconds first", other.len());
            let at = other.get(6).map_or(text.len(), |word| word.at)..text.len();
            return Err(Mistake { problem, at });
        }
    };
    Ok(Parsed { fields, zone: prefix, expression, dates_at })
}

fn nickname(name: Word<'_>) -> Result<Fields, Mistake> {
    let stands_for = match name.text.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@reboot" => {
            return Err(name.mistake("@reboot is not supported: enqueue a run at start"));
        }
        "@every" => return Err(name.mistake("@every is an interval: use an interval schedule")),
        _ => {
            return Err(name.mistake(
                "unknown nickname: use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or \
                 @annually",
            ));
        }
    };
    parse(stands_for).map(|parsed| parsed.fields)
}

fn fields([second, minute, hour, day, month, weekday]: [Word<'_>; 6]) -> Result<Fields, Mistake> {
    let is_interval_like = [minute, hour].iter().any(|field| field.text.contains(['*', '/']));
    Ok(Fields {
        seconds: plain_field(second, &SECONDS)?,
        minutes: plain_field(minute, &MINUTES)?,
        hours: plain_field(hour, &HOURS)?,
        months: plain_field(month, &MONTHS)?,
        days: month_days(day)?,
        weekdays: weekdays(weekday)?,
        needs_both_days: [day, weekday].iter().any(|field| field.text.starts_with(['*', '?'])),
        is_interval_like,
    })
}

fn plain_field(field: Word<'_>, numbers: &Numbers) -> Result<u64, Mistake> {
    field.split(',').try_fold(0, |set, item| Ok(set | plain(item, numbers)?))
}

fn month_days(field: Word<'_>) -> Result<MonthDays, Mistake> {
    let mut days = MonthDays::default();
    for item in field.split(',') {
        match special_day(item)? {
            Some(day) => days.special.push(day),
            None => days.plain |= plain(question_mark(item, field), &DAYS)?,
        }
    }
    Ok(days)
}

fn special_day(item: Word<'_>) -> Result<Option<MonthDay>, Mistake> {
    let upper = item.text.to_ascii_uppercase();
    if upper == "LW" {
        return Ok(Some(MonthDay::WeekdayNearLast(0)));
    }
    let near = upper.strip_suffix('W');
    let text = near.unwrap_or(&upper);
    if let Some(before) = text.strip_prefix('L') {
        let before = match before.strip_prefix('-').map(str::parse::<u8>) {
            None if before.is_empty() && near.is_none() => 0,
            Some(Ok(before @ 1..=30)) => before,
            _ => return Err(item.mistake("after the last day stands -1 to -30, such as L-3")),
        };
        let day = if near.is_some() { MonthDay::WeekdayNearLast } else { MonthDay::FromLast };
        return Ok(Some(day(before)));
    }
    match near {
        Some(_) => {
            let day = Word { text: &item.text[..item.text.len() - 1], at: item.at };
            Ok(Some(MonthDay::WeekdayNear(number(day, &DAYS)?)))
        }
        None => Ok(None),
    }
}

fn weekdays(field: Word<'_>) -> Result<Weekdays, Mistake> {
    let mut weekdays = Weekdays::default();
    for item in field.split(',') {
        match special_weekday(item)? {
            Some(rule) => weekdays.special.push(rule),
            None => weekdays.plain |= plain(question_mark(item, field), &WEEKDAYS)?,
        }
    }
    if weekdays.plain >> 7 == 1 {
        weekdays.plain = weekdays.plain & 0x7f | 1;
    }
    Ok(weekdays)
}

fn special_weekday(item: Word<'_>) -> Result<Option<WeekdayOfMonth>, Mistake> {
    if let Some((day, nth)) = item.split_once('#') {
        let weekday = number(day, &WEEKDAYS)? % 7;
        return match nth.text.parse::<u8>() {
            Ok(nth @ 1..=5) => Ok(Some(WeekdayOfMonth::Nth { weekday, nth })),
            _ => Err(nth.mistake("after # stands which one of the month: use 1 to 5")),
        };
    }
    match item.without_end("L").or_else(|| item.without_end("l")) {
        Some(day) if day.text.is_empty() => Err(item.mistake(
            "L alone says nothing of a day of the week: use FRIL for the month's last Friday, or \
             SAT",
        )),
        Some(day) => Ok(Some(WeekdayOfMonth::Last { weekday: number(day, &WEEKDAYS)? % 7 })),
        None => Ok(None),
    }
}

/// `?`, alone in a day field, is another way to write `*`.
fn question_mark<'a>(item: Word<'a>, field: Word<'_>) -> Word<'a> {
    if field.text == "?" { Word { text: "*", at: item.at } } else { item }
}

/// `*`, a number or a range, with or without a step.
fn plain(item: Word<'_>, numbers: &Numbers) -> Result<u64, Mistake> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let greatest = if numbers.names.len() == 7 { 6 } else { numbers.max };
    let (from, to) = if range.text == "*" {
        (numbers.min, greatest)
    } else if let Some((from, to)) = range.split_once('-') {
        let (from, mut to) = (number(from, numbers)?, number(to, numbers)?);
        // A week's range may end on Sunday by its name: SAT-SUN.
        if numbers.names.len() == 7 && to == 0 && from > 0 {
            to = 7;
        }
        (from, to)
    } else {
        let from = number(range, numbers)?;
        (from, if step.is_some() { greatest.max(from) } else { from })
    };
    if from > to {
        return Err(range.mistake(format!(
            "the range is empty, {from} comes after {to}: write two ranges, such as {from}-{greatest},{}-{to}",
            numbers.min
        )));
    }
    let step = step.map_or(Ok(1), |step| step_of(step, to - from, numbers))?;
    Ok((from..=to).step_by(usize::from(step)).fold(0, |set, number| set | 1 << number))
}

fn step_of(step: Word<'_>, span: u8, numbers: &Numbers) -> Result<u8, Mistake> {
    match step.text.parse::<u8>() {
        Ok(0) => Err(step.mistake("a step of 0 goes nowhere: use 1 or more")),
        Ok(wide) if wide > span && step.text.bytes().all(|byte| byte.is_ascii_digit()) => Err(step
            .mistake(format!(
                "a step of {wide} leaves the {} field after its first number: use at most {span}, \
                 or that number alone",
                numbers.name
            ))),
        Ok(step) => Ok(step),
        Err(_) => Err(step.mistake("a step is a number: use one such as */15")),
    }
}

fn number(word: Word<'_>, numbers: &Numbers) -> Result<u8, Mistake> {
    let Numbers { name, min, max, names } = numbers;
    if let Some(index) = names.iter().position(|known| known.eq_ignore_ascii_case(word.text)) {
        return Ok(min + index as u8);
    }
    if word.text.is_empty() {
        let at = word.at..word.at + 1;
        return Err(Mistake { problem: format!("a {name} is missing here"), at });
    }
    if !word.text.bytes().all(|byte| byte.is_ascii_digit()) {
        let or_names = match (names.first(), names.last()) {
            (Some(first), Some(last)) => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        return Err(word.mistake(format!("this is no {name}: use {min} to {max}{or_names}")));
    }
    match word.text.parse::<u8>() {
        Ok(number) if (*min..=*max).contains(&number) => Ok(number),
        _ => {
            Err(word.mistake(format!("{name} {} is out of bounds: use {min} to {max}", word.text)))
        }
    }
}
