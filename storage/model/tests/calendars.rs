//! Every minute of a year in many zones: is it excluded, and when is the next that is not? The
//! model knows of zones only what offset holds at an instant, and marks minute by minute.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use zapjobs_model::schedule::calendar::{BusinessHours, DateRange, Window};
use zapjobs_model::{Calendar, CalendarRules, Calendars, Schedule, Timestamp};

const MINUTE_US: i64 = 60_000_000;
const MINUTES: usize = 366 * 24 * 60;
/// Minutes whose answer is asked for by themselves: each so many.
const EACH: usize = 29;

/// Zone and the year looked at: years in which something odd happens.
const ZONES: [(&str, i16); 5] = [
    ("America/Havana", 2027),
    ("Australia/Lord_Howe", 2027),
    ("Pacific/Apia", 2011),
    ("Asia/Gaza", 2027),
    ("America/St_Johns", 2005),
];

/// Rules as numbers, for the model.
struct Rules {
    dates: Vec<(i8, i8)>,
    range: [(i8, i8); 2],
    weekdays: &'static [Weekday],
    window: Option<(&'static str, u32)>,
    /// Days, and minutes of the day.
    hours: &'static [(&'static [Weekday], i64, i64)],
}

use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

fn all_rules() -> [Rules; 4] {
    [
        Rules {
            dates: vec![(1, 1), (12, 25)],
            range: [(8, 1), (8, 15)],
            weekdays: &[Saturday, Sunday],
            window: None,
            hours: &[],
        },
        Rules {
            dates: vec![(12, 30), (3, 28)],
            range: [(11, 4), (11, 4)],
            weekdays: &[],
            window: Some(("30 1 * * *", 95)),
            hours: &[],
        },
        Rules {
            dates: vec![(10, 31)],
            range: [(4, 1), (4, 3)],
            weekdays: &[Sunday],
            window: Some(("*/40 13 * * FRI", 30)),
            hours: &[
                (&[Monday, Tuesday, Wednesday, Thursday, Friday], 9 * 60, 17 * 60 + 30),
                (&[Saturday], 0, 90),
            ],
        },
        Rules {
            dates: Vec::new(),
            range: [(2, 1), (2, 2)],
            weekdays: &[],
            window: None,
            // Around where clocks change: parts of hours that come twice, or never.
            hours: &[
                (&[Sunday, Saturday, Friday], 15, 45),
                (&[Sunday, Saturday, Friday], 75, 105),
                (&[Sunday], 130, 24 * 60),
                (&[Monday], 0, 20),
            ],
        },
    ]
}

fn day(year: i16, (month, day): (i8, i8)) -> String {
    format!("{year}-{month:02}-{day:02}")
}

fn word(weekday: Weekday) -> String {
    format!("{weekday:?}").to_uppercase()[..3].to_owned()
}

fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn calendar(rules: &Rules, zone: &str, year: i16) -> Calendar {
    let hours = rules.hours.iter().map(|(days, from, to)| BusinessHours {
        days: days.iter().copied().map(word).collect(),
        from: clock(*from),
        to: clock(*to),
    });
    let window = rules.window.map(|(cron, minutes)| Window { cron: cron.to_owned(), minutes });
    let [from, to] = rules.range.map(|it| day(year, it));
    Calendar::new(CalendarRules {
        time_zone: zone.to_owned(),
        dates: rules.dates.iter().map(|it| day(year, *it)).collect(),
        ranges: vec![DateRange { from, to }],
        weekdays: rules.weekdays.iter().copied().map(word).collect(),
        windows: window.into_iter().collect(),
        business_hours: hours.collect(),
        ..CalendarRules::default()
    })
    .expect("good rules")
}

/// Which minutes of a year are excluded.
fn model(rules: &Rules, zone: &str, year: i16, start: Timestamp) -> Vec<bool> {
    let database = TimeZoneDatabase::bundled();
    let tz: TimeZone = database.get(zone).expect("a zone");
    let range = rules.range.map(|(m, d)| Date::new(year, m, d).expect("a date"));
    let mut excluded: Vec<bool> = (0..MINUTES as i64)
        .map(|minute| {
            let micros = start.as_micros() + minute * MINUTE_US;
            let instant = jiff::Timestamp::from_microsecond(micros).expect("within bounds");
            let reading = tz.to_offset(instant).to_datetime(instant);
            let (date, weekday) = (reading.date(), reading.weekday());
            let of_day = i64::from(reading.hour()) * 60 + i64::from(reading.minute());
            let is_closed = !rules.hours.is_empty()
                && !rules.hours.iter().any(|(days, from, to)| {
                    days.contains(&weekday) && (*from..*to).contains(&of_day)
                });
            let is_date = date.year() == year && rules.dates.contains(&(date.month(), date.day()));
            is_closed
                || is_date
                || (range[0] <= date && date <= range[1])
                || rules.weekdays.contains(&weekday)
        })
        .collect();
    if let Some((cron, minutes)) = rules.window {
        let cron = Schedule::cron(cron, zone).expect("an expression");
        let mut begin = cron.next_after(start.minus(Duration::from_secs(60 * u64::from(minutes))));
        while let Some(time) = begin {
            let first = (time.as_micros() - start.as_micros()) / MINUTE_US;
            if first >= MINUTES as i64 {
                break;
            }
            for minute in first..first + i64::from(minutes) {
                let place = usize::try_from(minute).ok().and_then(|at| excluded.get_mut(at));
                place.into_iter().for_each(|it| *it = true);
            }
            begin = cron.next_after(time);
        }
    }
    excluded
}

#[test]
fn calendars_agree_with_a_look_at_every_minute_of_a_year() {
    for (zone, year) in ZONES {
        let start: Timestamp = format!("{year}-01-01T00:00:00Z").parse().expect("an instant");
        let at =
            |minute: usize| Timestamp::from_micros(start.as_micros() + minute as i64 * MINUTE_US);
        for (number, rules) in all_rules().iter().enumerate() {
            let calendar = calendar(rules, zone, year);
            let excluded = model(rules, zone, year, start);
            let told = |minute| format!("rules {number} in {zone} at {}", at(minute));
            for minute in (0..MINUTES).step_by(EACH) {
                assert_eq!(calendar.excludes(at(minute)), excluded[minute], "{}", told(minute));
            }
            // From the beginning of each excluded span to its end, and on to the next.
            let all = Calendars::new(vec![calendar]);
            let (mut minute, mut spans) = (0, 0);
            while let Some(begin) = (minute..MINUTES).find(|at| excluded[*at]) {
                assert!(all.excludes(at(begin)), "{}", told(begin));
                let Some(end) = (begin..MINUTES).find(|at| !excluded[*at]) else { break };
                assert_eq!(all.next_open(at(begin)), Some(at(end)), "{}", told(begin));
                let within = begin + (end - begin) / 2;
                assert_eq!(all.next_open(at(within)), Some(at(end)), "{}", told(within));
                assert_eq!(all.next_open(at(end)), Some(at(end)));
                minute = end;
                spans += 1;
            }
            assert!(spans > 40, "{spans} spans of rules {number} in {zone}");
        }
    }
}
