//! Waits, bounds and words of policies.

use super::*;
use proptest::prelude::*;

fn steady(kind: Backoff) -> RetryPolicy {
    RetryPolicy { jitter: 0.0, cap_ms: 10_000, kind, ..RetryPolicy::default() }
}

fn waits(policy: &RetryPolicy) -> Vec<u128> {
    (1..=6).map(|attempt| policy.delay(attempt, 0.5).as_millis()).collect()
}

fn listed(delays_ms: &[u64]) -> RetryPolicy {
    RetryPolicy { delays_ms: delays_ms.to_vec(), ..steady(Backoff::Listed) }
}

fn patterns(texts: &[&str]) -> Vec<ErrorPattern> {
    texts.iter().map(|&text| ErrorPattern::new(text).expect("a pattern")).collect()
}

#[test]
fn each_kind_waits_in_its_own_way_up_to_the_cap() {
    for (policy, expected) in [
        (steady(Backoff::Exponential), [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]),
        (
            RetryPolicy { base_ms: 3_000, ..steady(Backoff::Linear) },
            [3_000, 6_000, 9_000, 10_000, 10_000, 10_000],
        ),
        (steady(Backoff::Fixed), [1_000; 6]),
        (listed(&[5, 0, 99_000]), [5, 0, 99_000, 99_000, 99_000, 99_000]),
    ] {
        assert_eq!(waits(&policy), expected, "{policy}");
        assert_eq!(policy.delay(0, 0.5), policy.delay(1, 0.5));
        assert_eq!(policy.clone().checked(), Ok(policy));
    }
}

#[test]
fn policies_out_of_bounds_are_refused() {
    let base = RetryPolicy::default();
    let wrong = [
        RetryPolicy { max_attempts: 0, ..base.clone() },
        RetryPolicy { jitter: f64::NAN, ..base.clone() },
        RetryPolicy { base_ms: 2, cap_ms: 1, ..base.clone() },
        RetryPolicy { cap_ms: DELAY_MS_MAX + 1, ..base.clone() },
        RetryPolicy { delays_ms: vec![1], ..base.clone() },
        RetryPolicy { not_retried: patterns(&["a"; 33]), ..base.clone() },
        listed(&[]),
        listed(&[1; 101]),
        listed(&[DELAY_MS_MAX + 1]),
    ];
    for policy in wrong {
        assert!(policy.clone().checked().is_err(), "{policy:?}");
    }
    assert!(base.checked().is_ok());
}

#[test]
fn errors_are_named_or_meant_by_how_they_begin() {
    let policy =
        RetryPolicy { not_retried: patterns(&["invalid", "config.*"]), ..RetryPolicy::default() };
    for named in ["invalid", "config.missing", "config."] {
        assert!(!policy.retries(named), "{named}");
    }
    for other in ["invalid.json", "Invalid", "config", "configuration", ""] {
        assert!(policy.retries(other), "{other}");
    }
    assert!(patterns(&["*"])[0].matches("anything"));
    for wrong in ["", "a*", "a.*.b", "**", "a\nb"] {
        assert!(ErrorPattern::new(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_was_stored_before_kinds_is_exponential() {
    let before = r#"{"max_attempts":5,"base_ms":10,"cap_ms":20,"jitter":0.5}"#;
    let policy: RetryPolicy = serde_json::from_str(before).expect("it is read");
    assert_eq!((policy.kind, policy.max_attempts), (Backoff::Exponential, 5));
    assert_eq!(serde_json::to_string(&policy).expect("it is written"), before);
    let policy = RetryPolicy { not_retried: patterns(&["a.*"]), ..listed(&[1, 2]) };
    let text = serde_json::to_string(&policy).expect("it is written");
    assert_eq!(serde_json::from_str::<RetryPolicy>(&text).expect("it is read"), policy);
}

#[test]
fn an_override_replaces_what_it_names_and_nothing_else() {
    let declared = RetryPolicy { max_attempts: 7, base_ms: 500, ..RetryPolicy::default() };
    let none = RetryOverride::default();
    assert_eq!(none.over(&declared), Ok(declared.clone()));
    let longer = RetryOverride { base_ms: Some(7_200_000), ..none.clone() };
    let over = longer.over(&declared).expect("it fits");
    assert_eq!((over.base_ms, over.cap_ms, over.max_attempts), (7_200_000, 7_200_000, 7));
    let shorter = RetryOverride { cap_ms: Some(100), ..none.clone() };
    assert_eq!(shorter.over(&declared).map(|it| (it.base_ms, it.cap_ms)), Ok((100, 100)));
    let list = RetryOverride { delays_ms: Some(vec![1, 2]), ..none.clone() };
    let listed = list.over(&declared).expect("it fits");
    assert_eq!((listed.kind, listed.delays_ms.len()), (Backoff::Listed, 2));
    let fixed = RetryOverride { kind: Some(Backoff::Fixed), ..none.clone() };
    assert_eq!(fixed.over(&listed).map(|it| it.delays_ms), Ok(Vec::new()));
    let wrong = RetryOverride { kind: Some(Backoff::Listed), ..none };
    assert!(wrong.over(&declared).is_err());
}

#[test]
fn a_policy_reads_as_plain_words() {
    for (policy, words) in [
        (RetryPolicy::default(), "up to 3 attempts, waiting 1s, doubled up to 1h, \u{b1}20%"),
        (steady(Backoff::Linear), "up to 3 attempts, waiting 1s more each time, up to 10s"),
        (
            RetryPolicy { base_ms: 90_500, ..steady(Backoff::Fixed) },
            "up to 3 attempts, waiting 1m30s500ms each time",
        ),
        (
            RetryPolicy { not_retried: patterns(&["a", "b.*"]), ..listed(&[0, 60_000]) },
            "up to 3 attempts, waiting 0s, 1m; not after a, b.*",
        ),
        (RetryPolicy { max_attempts: 1, ..RetryPolicy::default() }, "never: one attempt"),
    ] {
        assert_eq!(policy.to_string(), words);
    }
}

proptest! {
    #[test]
    fn a_wait_never_leaves_its_bounds(
        kind in 0usize..4, attempts in 0u32..2_000, random in 0.0f64..1.0,
        base in 0u64..=DELAY_MS_MAX, extra in 0u64..=DELAY_MS_MAX, jitter in 0.0f64..=1.0,
        delays_ms in proptest::collection::vec(0u64..=DELAY_MS_MAX, 1..5),
    ) {
        let cap_ms = (base + extra).min(DELAY_MS_MAX);
        let kinds = [Backoff::Exponential, Backoff::Linear, Backoff::Fixed, Backoff::Listed];
        let kind = kinds[kind];
        let delays_ms = if kind == Backoff::Listed { delays_ms } else { Vec::new() };
        let policy = RetryPolicy {
            base_ms: base, cap_ms, jitter, kind, delays_ms, ..RetryPolicy::default()
        };
        let cap = if kind == Backoff::Listed { DELAY_MS_MAX } else { cap_ms };
        let wait = policy.delay(attempts, random).as_millis();
        prop_assert!(wait <= u128::from(cap));
        prop_assert!(policy.checked().is_ok());
    }

    #[test]
    fn without_jitter_waits_never_shrink_unless_they_are_listed(
        kind in 0usize..3, attempts in 1u32..1_000, base in 0u64..=DELAY_MS_MAX,
    ) {
        let kind = [Backoff::Exponential, Backoff::Linear, Backoff::Fixed][kind];
        let policy = RetryPolicy {
            base_ms: base, cap_ms: DELAY_MS_MAX, jitter: 0.0, kind, ..RetryPolicy::default()
        };
        prop_assert!(policy.delay(attempts + 1, 0.5) >= policy.delay(attempts, 0.5));
    }
}
