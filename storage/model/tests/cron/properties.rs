//! What holds for every expression, zone and instant.

use proptest::prelude::*;
use zapjobs_model::{Schedule, Timestamp};

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Lisbon",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Asia/Manila",
    "America/Juneau",
];

fn item(min: u8, max: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        (min..=max).prop_map(|number| number.to_string()),
        (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (2..=(max - min)).prop_map(|step| format!("*/{step}")),
    ]
}

fn field(min: u8, max: u8) -> impl Strategy<Value = String> {
    prop::collection::vec(item(min, max), 1..3).prop_map(|items| items.join(","))
}

fn day() -> impl Strategy<Value = String> {
    prop_oneof![
        field(1, 31),
        Just("L".into()),
        Just("LW".into()),
        Just("L-3".into()),
        Just("31W".into())
    ]
}

fn weekday() -> impl Strategy<Value = String> {
    prop_oneof![field(0, 6), Just("?".into()), Just("FRIL".into()), Just("TUE#5".into())]
}

prop_compose! {
    fn expression()(
        second in prop::option::of(field(0, 59)), minute in field(0, 59), hour in field(0, 23),
        day in day(), month in field(1, 12), weekday in weekday(),
    ) -> String {
        let second = second.map(|second| format!("{second} ")).unwrap_or_default();
        format!("{second}{minute} {hour} {day} {month} {weekday}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_fire_time_is_later_and_nothing_lies_between(
        expression in expression(),
        zone in prop::sample::select(ZONES.to_vec()),
        after in -3_000_000_000_000_000i64..4_000_000_000_000_000,
        within in 0.0..1.0f64,
    ) {
        let Ok(schedule) = Schedule::cron(&expression, zone) else {
            return Ok(());
        };
        let after = Timestamp::from_micros(after);
        let next = schedule.next_after(after).expect("calendars do not end so soon");
        prop_assert!(next > after, "{expression} in {zone} after {after}: {next}");
        let span = next.as_micros() - after.as_micros();
        let between = Timestamp::from_micros(after.as_micros() + ((span - 1) as f64 * within) as i64);
        prop_assert_eq!(schedule.next_after(between), Some(next), "{} in {} after {}", expression, zone, between);
        prop_assert!(!schedule.describe().is_empty());
    }

    #[test]
    fn no_text_is_too_odd_to_be_answered(text in "\\PC{0,40}", zone in "\\PC{0,10}") {
        if let Err(error) = Schedule::cron(&text, &zone) {
            prop_assert!(error.to_string().starts_with("invalid schedule: "));
        }
    }

    #[test]
    fn no_text_of_the_right_letters_is_too_odd_to_be_answered(
        text in "[0-9*/,LW#?MONFRI@ -]{0,40}( [0-9*/,LW#?-]{1,8}){5}",
    ) {
        if let Ok(schedule) = Schedule::cron(&text, "Europe/Lisbon") {
            let now = Timestamp::from_micros(1_800_000_000_000_000);
            prop_assert!(schedule.next_after(now).is_some_and(|next| next > now));
        }
    }
}
