//! When schedules fire, what is refused, and what they say.

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
    let expected =
        ["00:00", "00:30", "01:00", "01:30", "02:00"].map(|time| format!("2027-10-31T{time}:00Z"));
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
        ("0 9 * *", "UTC", "4 fields"),
        ("*/60 * * * *", "UTC", "at most 59"),
        ("0 0 1/31 * *", "UTC", "at most 30"),
        ("*/0 * * * *", "UTC", "step of 0"),
        ("0 0 * * FRI-MON", "UTC", "empty"),
        ("30-10 * * * *", "UTC", "empty"),
        ("1,,2 * * * *", "UTC", "missing"),
        ("0 0 L-31 * *", "UTC", "L-3"),
        ("0 0 * * L", "UTC", "FRIL"),
        ("0 0 * * FRI#6", "UTC", "1 to 5"),
        ("0 0 31 4,6 ?", "UTC", "never fires"),
        ("0 0 * FOO *", "UTC", "JAN to DEC"),
        ("? * * * *", "UTC", "no minute"),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "Europe/Lisbon", "give one"),
        ("TZ=Nowhere 0 9 * * *", "UTC", "Nowhere"),
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
fn a_refusal_points_at_the_place() {
    let error = Schedule::cron("0 9 * * MON-FIR", "UTC").expect_err("no such day").to_string();
    let expected = "invalid schedule: cron expression: this is no day of the week: use 0 to 7 \
                    or SUN to SAT\n  0 9 * * MON-FIR\n              ^^^";
    assert_eq!(error, expected);
    let error = Schedule::cron("0 0 30 2 *", "UTC").expect_err("no date").to_string();
    assert!(error.ends_with("\n  0 0 30 2 *\n      ^^^^"), "{error}");
}

#[test]
fn a_refusal_fits_one_line_too() {
    let refusal = |expression: &str| Schedule::cron(expression, "UTC").expect_err("wrong").line();
    assert_eq!(
        refusal("0 0 30 2 *"),
        "invalid schedule: cron expression: it never fires: no date is like this: \"0 0 30 2 *\""
    );
    let long = refusal(&format!("0 0 {} * *", "\u{1b}x".repeat(5_000)));
    assert!(long.len() < 1_000 && !long.contains(char::is_control), "{long}");
}

#[test]
fn days_that_depend_on_the_month_are_found() {
    for (expression, expected) in [
        ("0 0 L * *", ["2027-01-31", "2027-02-28", "2027-03-31"]),
        ("0 0 L-3 * *", ["2027-01-28", "2027-02-25", "2027-03-28"]),
        ("0 0 LW * *", ["2027-01-29", "2027-02-26", "2027-03-31"]),
        ("0 0 15W * *", ["2027-01-15", "2027-02-15", "2027-03-15"]),
        ("0 0 2W * *", ["2027-01-01", "2027-02-02", "2027-03-02"]),
        ("0 0 1W 5,8,10 *", ["2027-05-03", "2027-08-02", "2027-10-01"]),
        ("0 0 * * FRIL", ["2027-01-29", "2027-02-26", "2027-03-26"]),
        ("0 0 ? * 5L", ["2027-01-29", "2027-02-26", "2027-03-26"]),
        ("0 0 * * FRI#2", ["2027-01-08", "2027-02-12", "2027-03-12"]),
        ("0 0 * * SAT-SUN", ["2027-01-02", "2027-01-03", "2027-01-09"]),
        ("0 0 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("@yearly", ["2027-01-01", "2028-01-01", "2029-01-01"]),
    ] {
        let expected = expected.map(|date| format!("{date}T00:00:00Z"));
        assert_eq!(
            fires(expression, "UTC", "2026-12-31T12:00:00Z", 3)[..],
            expected[..],
            "{expression}"
        );
    }
}

#[test]
fn a_prefix_names_the_time_zone() {
    let schedule = Schedule::cron("CRON_TZ=Europe/Lisbon 0 9 * * *", "UTC").expect("a schedule");
    assert_eq!(schedule.to_string(), "cron 0 9 * * * (Europe/Lisbon)");
    let same = Schedule::cron("TZ=Europe/Lisbon 0 9 * * *", "Europe/Lisbon");
    assert_eq!(same, Ok(schedule));
}

#[test]
fn expressions_are_told_in_plain_english() {
    for (expression, told) in [
        ("0 9 * * MON-FRI", "at 09:00 on Monday to Friday"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:45 on Monday to Friday"),
        ("@hourly", "every hour, on the hour"),
        ("@daily", "at 00:00 every day"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@monthly", "at 00:00 on day 1 of the month"),
        ("@yearly", "at 00:00 on day 1 of the month in January"),
        ("0,30 1,2 * * *", "at 01:00, 01:30, 02:00 and 02:30 every day"),
        ("5 8-18 * * *", "every hour from 08:05 to 18:05"),
        ("0 12 L * *", "at 12:00 on the last day of the month"),
        ("0 12 LW JAN,JUL *", "at 12:00 on the last working day of the month in January and July"),
        ("0 12 * * FRI#2", "at 12:00 on the second Friday of the month"),
        ("0 12 13 * FRI", "at 12:00 on day 13 of the month or on Friday"),
        (
            "0 12 */2 * FRI",
            "at 12:00 on days 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 of the month, if it is also Friday",
        ),
        ("0 0 * * SAT,SUN", "at 00:00 on Saturday and Sunday"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("30 0 9 * * *", "at second 30 of the minute 09:00 every day"),
    ] {
        assert_eq!(Schedule::cron(expression, "UTC").expect(expression).describe(), told);
    }
    assert_eq!(Schedule::every_ms(90_000).expect("a schedule").describe(), "every 90 seconds");
    assert_eq!(Schedule::every_ms(60_000).expect("a schedule").describe(), "every minute");
}

#[test]
fn an_interval_with_a_start_counts_from_it() {
    let start = at("2027-01-01T00:00:07Z");
    let schedule = Schedule::Interval { every_ms: 60_000, start: Some(start) };
    assert_eq!(schedule.next_after(at("2026-01-01T00:00:00Z")), Some(start));
    assert_eq!(schedule.next_after(start), Some(at("2027-01-01T00:01:07Z")));
    assert_eq!(Schedule::Once { at: start }.next_after(start), None);
}

#[test]
fn intervals_do_not_drift() {
    let schedule = Schedule::every_ms(15 * 60_000).expect("a schedule");
    let late = schedule.next_after(at("2026-11-21T01:07:33.5Z"));
    assert_eq!(late, Some(at("2026-11-21T01:15:00Z")));
    assert_eq!(schedule.next_after(at("2026-11-21T01:15:00Z")), Some(at("2026-11-21T01:30:00Z")));
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
