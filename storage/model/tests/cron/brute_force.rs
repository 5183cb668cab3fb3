//! Every minute of a year in many zones, and every second around changes of the clock: does it
//! fire? Knows of zones only what offset holds at an instant.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use zapjobs_model::{Schedule, Timestamp};

/// Zone and the year looked at: years in which something odd happens.
const ZONES: [(&str, i32); 18] = [
    ("UTC", 2027),
    ("Europe/Lisbon", 2027),
    ("America/New_York", 2027),
    ("America/St_Johns", 2027),
    ("America/Sao_Paulo", 2018),
    ("America/Havana", 2027),
    ("America/Santiago", 2027),
    ("Australia/Sydney", 2027),
    ("Australia/Lord_Howe", 2027),
    ("Pacific/Chatham", 2027),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2027),
    ("Asia/Kathmandu", 2027),
    ("Asia/Tehran", 2022),
    ("Asia/Gaza", 2027),
    ("Antarctica/Troll", 2027),
    ("Europe/Dublin", 2027),
    ("America/Scoresbysund", 2024),
];

/// Expressions with minutes; `true`: interval-like.
const MINUTES: [(&str, bool); 24] = [
    ("* * * * *", true),
    ("*/15 * * * *", true),
    ("*/7 * * * *", true),
    ("0 * * * *", true),
    ("30 * * * *", true),
    ("*/20 1-3 * * *", true),
    ("15 */2 * * *", true),
    ("*/5 2 * * SUN", true),
    ("0 0 * * *", false),
    ("30 0 * * *", false),
    ("30 1 * * *", false),
    ("0,30 1,2 * * *", false),
    ("15 2 * * *", false),
    ("10-20 1-3 * * 0", false),
    ("59 23 L * *", false),
    ("30 2 LW * ?", false),
    ("0 1 L-3 * *", false),
    ("45 2 15W * *", false),
    ("30 2 * 3,4,9-11 SUNL", false),
    ("30 1 * * SUN#2", false),
    ("0 3 1,15 * MON", false),
    ("0 3 */10 * MON", false),
    ("5 12 29 2 *", false),
    ("0-59 0-4 * 3-4,9-11 *", false),
];

/// Expressions with seconds.
const SECONDS: [(&str, bool); 5] = [
    ("*/20 * * * * *", true),
    ("5 */10 * * * *", true),
    ("*/30 30 1 * * *", false),
    ("10 0 0,2,3 * * *", false),
    ("59 59 0-3 * * *", false),
];

#[test]
fn every_minute_of_a_year_is_answered_as_a_clock_on_the_wall_would() {
    for (name, year) in ZONES {
        let zone = zone(name);
        let start = year_start(year);
        let readings: Vec<i64> =
            (-1..366 * 1_440).map(|minute| reading(&zone, start + minute * 60)).collect();
        for (expression, is_interval_like) in MINUTES {
            let wanted = expected(expression, is_interval_like, &readings, start, 60);
            check(expression, name, start, &wanted);
        }
    }
}

#[test]
fn every_second_around_a_change_is_answered_as_a_clock_on_the_wall_would() {
    const AROUND: i64 = 4 * 3_600;
    for (name, year) in ZONES {
        let zone = zone(name);
        let changes = (year_start(year)..year_start(year) + 366 * 86_400)
            .step_by(900)
            .filter(|at| offset(&zone, *at) != offset(&zone, at - 900));
        for change in changes {
            let start = change - AROUND;
            let readings: Vec<i64> =
                (start - 1..change + AROUND).map(|second| reading(&zone, second)).collect();
            for (expression, is_interval_like) in SECONDS {
                let wanted = expected(expression, is_interval_like, &readings, start, 1);
                check(expression, name, start, &wanted);
            }
        }
    }
}

/// Asks from just before the start, and goes on from each answer.
fn check(expression: &str, zone: &str, start: i64, wanted: &[i64]) {
    let schedule = Schedule::cron(expression, zone).expect(expression);
    let mut after = seconds(start - 1);
    for wanted in wanted {
        let next = schedule.next_after(after);
        assert_eq!(
            next,
            Some(seconds(*wanted)),
            "{expression} in {zone} after {after}: wanted {}",
            seconds(*wanted)
        );
        after = seconds(*wanted);
    }
}

/// The instants that fire, by going through all readings, `step` seconds apart; the first of
/// them is that before the start.
fn expected(
    expression: &str,
    is_interval_like: bool,
    readings: &[i64],
    start: i64,
    step: i64,
) -> Vec<i64> {
    let fields: Vec<&str> = expression.split(' ').collect();
    let (second, rest) =
        if fields.len() == 6 { (fields[0], &fields[1..]) } else { ("0", &fields[..]) };
    let (seconds, minutes, hours) =
        (numbers(second, 60), numbers(rest[0], 60), numbers(rest[1], 24));
    let times: Vec<bool> = (0..86_400)
        .map(|at| hours[at / 3_600] && minutes[at / 60 % 60] && seconds[at % 60])
        .collect();
    let first_day = readings.iter().min().unwrap().div_euclid(86_400);
    let last_day = readings.iter().max().unwrap().div_euclid(86_400);
    let days: Vec<bool> = (first_day..=last_day)
        .map(|day| DateTime::from_timestamp(day * 86_400, 0).unwrap().date_naive())
        .map(|date| date_fits(date, rest[2], rest[3], rest[4]))
        .collect();
    let fits = |at: i64| {
        times[at.rem_euclid(86_400) as usize] && days[(at.div_euclid(86_400) - first_day) as usize]
    };
    let mut latest = readings[0];
    let mut fired = Vec::new();
    for (index, at) in readings.iter().enumerate().skip(1) {
        let fires = if is_interval_like {
            fits(*at)
        } else {
            // Whatever the clock shows for the first time now, and what it jumped over.
            let mut any = false;
            let mut shown = latest + step;
            while shown <= *at {
                any |= fits(shown);
                shown += step;
            }
            any
        };
        latest = latest.max(*at);
        if fires {
            fired.push(start + (index as i64 - 1) * step);
        }
    }
    fired
}

fn date_fits(date: NaiveDate, day: &str, month: &str, weekday: &str) -> bool {
    let month = month
        .split(',')
        .any(|item| item == "*" || in_range(item, date.month(), |text| text.parse().unwrap()));
    let both = day.starts_with(['*', '?']) || weekday.starts_with(['*', '?']);
    let (day, weekday) = (month_day_fits(date, day), weekday_fits(date, weekday));
    month && if both { day && weekday } else { day || weekday }
}

fn last_day(date: NaiveDate) -> u32 {
    (28..=31).filter(|day| date.with_day(*day).is_some()).max().unwrap()
}

fn month_day_fits(date: NaiveDate, field: &str) -> bool {
    let working = |date: NaiveDate| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    field.split(',').any(|item| match item {
        "*" | "?" => true,
        "*/10" => (date.day() - 1).is_multiple_of(10),
        "L" => date.day() == last_day(date),
        "L-3" => date.day() + 3 == last_day(date),
        "LW" => {
            (1..=last_day(date)).rfind(|day| working(date.with_day(*day).unwrap()))
                == Some(date.day())
        }
        "15W" => {
            let nearest = (1..=3)
                .flat_map(|away| [15 - (away - 1), 15 + (away - 1)])
                .find(|day| working(date.with_day(*day).unwrap()));
            nearest == Some(date.day())
        }
        number => number.parse() == Ok(date.day()),
    })
}

fn weekday_fits(date: NaiveDate, field: &str) -> bool {
    let sunday = date.weekday() == Weekday::Sun;
    match field {
        "*" | "?" => true,
        "SUN" | "0" => sunday,
        "MON" => date.weekday() == Weekday::Mon,
        "SUNL" => sunday && date.day() + 7 > last_day(date),
        "SUN#2" => sunday && (8..=14).contains(&date.day()),
        other => panic!("{other} is not modelled"),
    }
}

fn numbers(field: &str, count: u32) -> Vec<bool> {
    let fits = |number: u32| {
        field.split(',').any(|item| match item.split_once('/') {
            Some(("*", step)) => number.is_multiple_of(step.parse().unwrap()),
            Some(_) => panic!("{item} is not modelled"),
            None => item == "*" || in_range(item, number, |text| text.parse().unwrap()),
        })
    };
    (0..count).map(fits).collect()
}

fn in_range(item: &str, number: u32, parse: impl Fn(&str) -> u32) -> bool {
    match item.split_once('-') {
        Some((from, to)) => (parse(from)..=parse(to)).contains(&number),
        None => parse(item) == number,
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone")
}

fn offset(zone: &TimeZone, at: i64) -> i64 {
    zone.to_offset(jiff::Timestamp::from_second(at).unwrap()).seconds().into()
}

/// What a clock shows, as seconds since 1970 on that clock.
fn reading(zone: &TimeZone, at: i64) -> i64 {
    at + offset(zone, at)
}

fn seconds(at: i64) -> Timestamp {
    Timestamp::from_micros(at * 1_000_000)
}

fn year_start(year: i32) -> i64 {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc().timestamp()
}
