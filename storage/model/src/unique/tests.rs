//! What makes a key, and when it is held.

use super::*;
use crate::{JobType, Json, TenantId};
use request::{WINDOW_MAX, WINDOW_MIN};

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn key(by: UniqueBy, input: &str) -> UniqueKey {
    key_of("acme", "mail", by, input)
}

fn key_of(tenant: &str, job: &str, by: UniqueBy, input: &str) -> UniqueKey {
    let tenant = TenantId::new(tenant).expect("a name");
    let job = JobType::new(job).expect("a name");
    let wish = UniqueRequest { by, ..UniqueRequest::default() };
    wish.of(&tenant, &job, &Json::parse(input).expect("JSON")).expect("a good wish").key
}

fn fields(pointers: &[&str]) -> UniqueBy {
    UniqueBy::Fields(pointers.iter().map(|&pointer| pointer.to_owned()).collect())
}

fn invalid(wish: &UniqueRequest) -> String {
    let job = JobType::new("mail").expect("a name");
    wish.of(&TenantId::standard(), &job, &Json::null()).expect_err("no good wish").to_string()
}

#[test]
fn an_input_makes_one_key_however_it_is_written() {
    let one = key(UniqueBy::Input, r#"{"a":1,"b":[2]}"#);
    assert_eq!(one, key(UniqueBy::Input, r#"{ "b": [ 2 ], "a": 1 }"#));
    assert_ne!(one, key(UniqueBy::Input, r#"{"a":1,"b":[3]}"#));
}

#[test]
fn tenants_jobs_and_kinds_of_keys_differ() {
    let keys = [
        key_of("a", "bc", UniqueBy::Input, "1"),
        key_of("ab", "c", UniqueBy::Input, "1"),
        key_of("ab", "c", UniqueBy::Text("1".to_owned()), "1"),
        key_of("ab", "c", fields(&["/a"]), "1"),
    ];
    for (at, one) in keys.iter().enumerate() {
        assert!(!keys[at + 1..].contains(one), "{at}");
    }
}

#[test]
fn chosen_fields_alone_make_the_key() {
    let by = || fields(&["/user/id", "/kind"]);
    let one = key(by(), r#"{"user":{"id":7,"name":"x"},"kind":"k"}"#);
    assert_eq!(one, key(by(), r#"{"kind":"k","user":{"id":7},"more":true}"#));
    assert_eq!(one, key(fields(&["/kind", "/user/id"]), r#"{"kind":"k","user":{"id":7}}"#));
    assert_ne!(one, key(by(), r#"{"kind":"k","user":{"id":8}}"#));
    let null = key(fields(&["/kind"]), r#"{"kind":null}"#);
    assert_ne!(null, key(fields(&["/kind"]), "{}"), "absent is not null");
}

#[test]
fn wishes_out_of_bounds_are_refused_in_words() {
    let scope = |window| UniqueRequest { scope: UniqueScope::For(window), ..Default::default() };
    for window in [WINDOW_MIN / 2, WINDOW_MAX * 2] {
        assert!(invalid(&scope(window)).contains("1 second to 30 days"));
    }
    let by = |by| UniqueRequest { by, ..UniqueRequest::default() };
    assert!(invalid(&by(fields(&[]))).contains("use 1 to 16"));
    assert!(invalid(&by(fields(&["a"]))).contains("begin with '/'"));
    assert!(invalid(&by(UniqueBy::Text("a\nb".to_owned()))).contains("control characters"));
    assert!(invalid(&by(UniqueBy::Text("a".repeat(201)))).contains("200 bytes"));
}

#[test]
fn a_run_holds_its_key_as_long_as_it_has_not_come_so_far() {
    use RunStatus::{AwaitingRetry, Cancelled, Completed, Failed, Pending, Running, Scheduled};
    for (status, was_started, started, finished) in [
        (Pending, false, true, true),
        (Scheduled, false, true, true),
        (Running, true, false, true),
        (AwaitingRetry, true, false, true),
        (Pending, true, false, true),
        (Completed, true, false, false),
        (Failed, true, false, false),
        (Cancelled, false, false, false),
    ] {
        let standing = Standing { status, was_started };
        assert_eq!(Until::Started.is_held(standing), started, "{standing:?}");
        assert_eq!(Until::Finished.is_held(standing), finished, "{standing:?}");
    }
}

#[test]
fn a_record_of_a_run_that_is_gone_holds_only_for_a_time() {
    let run = RunId(Uuid::nil());
    let until = KeyRecord { run, term: Term::Until(Until::Finished), fingerprint: None };
    assert!(!until.holds(None, NOW));
    let before = KeyRecord { term: Term::Before(NOW), ..until };
    assert!(!before.holds(None, NOW), "it ends at its very instant");
    assert!(before.holds(None, Timestamp::from_micros(NOW.as_micros() - 1)));
}
