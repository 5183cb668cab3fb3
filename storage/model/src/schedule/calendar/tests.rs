//! Calendars, and what is refused of them.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("RFC 3339")
}

fn calendar(rules: CalendarRules) -> Calendar {
    Calendar::new(rules).expect("good rules")
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn office() -> CalendarRules {
    CalendarRules {
        time_zone: "Europe/Lisbon".to_owned(),
        dates: texts(&["2027-04-02"]),
        ranges: vec![DateRange { from: "2027-08-01".into(), to: "2027-08-15".into() }],
        yearly: texts(&["12-25", "02-29"]),
        weekdays: texts(&["SAT-SUN"]),
        windows: vec![Window { cron: "0 12 * * *".into(), minutes: 60 }],
        business_hours: vec![BusinessHours {
            days: texts(&["mon-fri"]),
            from: "09:00".into(),
            to: "17:30".into(),
        }],
        ..CalendarRules::default()
    }
}

#[test]
fn each_rule_excludes_by_itself() {
    let calendar = calendar(office());
    // Lisbon has UTC's time in winter, and is an hour ahead in summer.
    for (time, is_open) in [
        ("2027-01-04T09:00:00Z", true),
        ("2027-01-04T08:59:59.999999Z", false),
        ("2027-01-04T17:29:59Z", true),
        ("2027-01-04T17:30:00Z", false),
        ("2027-01-04T11:59:59Z", true),
        ("2027-01-04T12:00:00Z", false),
        ("2027-01-04T13:00:00Z", true),
        ("2027-01-02T10:00:00Z", false),
        ("2027-04-01T08:00:00Z", true),
        ("2027-04-02T10:00:00Z", false),
        ("2027-08-02T10:00:00Z", false),
        ("2027-08-13T10:00:00Z", false),
        ("2027-08-16T10:00:00Z", true),
        ("2028-02-29T10:00:00Z", false),
        ("2028-12-25T10:00:00Z", false),
    ] {
        assert_eq!(!calendar.excludes(at(time)), is_open, "{time}");
    }
}

#[test]
fn the_next_open_instant_is_found_through_several_rules() {
    let all = Calendars::new(vec![calendar(office())]);
    let next = |time| all.next_open(at(time)).map(Timestamp::to_text_short);
    let expected = |text: &str| Some(text.to_owned());
    assert_eq!(next("2027-01-04T10:00:00Z"), expected("2027-01-04T10:00:00Z"));
    assert_eq!(next("2027-01-04T12:10:00Z"), expected("2027-01-04T13:00:00Z"));
    assert_eq!(next("2027-01-01T20:00:00Z"), expected("2027-01-04T09:00:00Z"));
    assert_eq!(next("2027-07-30T16:30:00Z"), expected("2027-08-16T08:00:00Z"));
    // Friday, the 2nd of April, and the weekend behind it.
    assert_eq!(next("2027-04-01T16:30:00Z"), expected("2027-04-05T08:00:00Z"));
}

#[test]
fn several_calendars_exclude_together() {
    let days = CalendarRules { weekdays: texts(&["MON-FRI"]), ..CalendarRules::default() };
    let weekends = CalendarRules { weekdays: texts(&["SAT", "SUN"]), ..CalendarRules::default() };
    let now = at("2027-01-04T00:00:00Z");
    for rules in [&days, &weekends] {
        assert!(calendar(rules.clone()).checked(now).is_ok());
    }
    let both = Calendars::new(vec![calendar(days), calendar(weekends)]);
    assert_eq!(both.next_open(now), None, "and the search ends");
    assert_eq!(Calendars::none().next_open(now), Some(now));
}

#[test]
fn a_calendar_that_leaves_nothing_open_is_refused() {
    let now = at("2027-01-04T00:00:00Z");
    let never = [
        CalendarRules { weekdays: texts(&["MON-SUN"]), ..CalendarRules::default() },
        CalendarRules {
            ranges: vec![DateRange { from: "1970-01-01".into(), to: "9999-12-31".into() }],
            ..CalendarRules::default()
        },
        CalendarRules {
            windows: vec![Window { cron: "* * * * *".into(), minutes: 2 }],
            ..CalendarRules::default()
        },
        CalendarRules {
            weekdays: texts(&["SUN"]),
            business_hours: vec![BusinessHours {
                days: texts(&["SUN"]),
                from: "10:00".into(),
                to: "24:00".into(),
            }],
            ..CalendarRules::default()
        },
    ];
    for rules in never {
        let error = calendar(rules.clone()).checked(now).expect_err("nothing is open");
        assert!(error.to_string().contains("leaves no time open"), "{error} of {rules:?}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_to_use() {
    let plain = CalendarRules::default;
    let hours = |days: &str, from: &str, to: &str| CalendarRules {
        business_hours: vec![BusinessHours {
            days: texts(&[days]),
            from: from.into(),
            to: to.into(),
        }],
        ..CalendarRules::default()
    };
    let range = |from: &str, to: &str| CalendarRules {
        ranges: vec![DateRange { from: from.into(), to: to.into() }],
        ..CalendarRules::default()
    };
    let window = |cron: &str, minutes| CalendarRules {
        windows: vec![Window { cron: cron.into(), minutes }],
        ..CalendarRules::default()
    };
    for (rules, wanted) in [
        (CalendarRules { time_zone: "Mars".into(), ..plain() }, "IANA name"),
        (CalendarRules { dates: texts(&["2027-02-30"]), ..plain() }, "2027-04-02"),
        (CalendarRules { dates: texts(&["2027-02-03T10:00"]), ..plain() }, "2027-04-02"),
        (CalendarRules { yearly: texts(&["13-01"]), ..plain() }, "12-25"),
        (CalendarRules { weekdays: texts(&["FRI-MON"]), ..plain() }, "MON to SUN"),
        (CalendarRules { weekdays: texts(&["Caturday"]), ..plain() }, "MON to SUN"),
        (range("2027-02-02", "2027-02-01"), "not before the first"),
        (window("* * * *", 5), "cron expression"),
        (window("0 0 * * *", 0), "1 to 44640 minutes"),
        (hours("MON", "17:00", "09:00"), "after the first"),
        (hours("MON", "9", "17:00"), "09:00"),
        (CalendarRules { dates: vec!["2027-01-01".into(); RULES_MAX + 1], ..plain() }, "at most"),
    ] {
        let error = Calendar::new(rules.clone()).expect_err("it must be refused");
        assert!(error.to_string().contains(wanted), "{error} of {rules:?}");
    }
}

#[test]
fn a_calendar_survives_its_text() {
    let calendar = calendar(office());
    let text = serde_json::to_string(&calendar).expect("serialises");
    assert_eq!(serde_json::from_str::<Calendar>(&text).expect("read"), calendar);
    let unknown = serde_json::from_str::<Calendar>(r#"{"holidays":[]}"#).expect_err("refused");
    assert!(unknown.to_string().contains("holidays"), "{unknown}");
}
