//! Jobs as their authors test them.

use std::time::{Duration, SystemTime};

use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::{ItemCounts, TestContext};
use zapjobs_sdk::{ErrorKind, Trigger, log as log_crate, tracing as tracing_crate};

#[derive(Deserialize, JsonSchema)]
struct Numbers {
    numbers: Vec<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Sum {
    sum: i64,
}

/// Adds numbers up.
#[job(id = "sum-up", every = "1m", tags = ["math"], retries = 1)]
fn sum(input: Numbers) -> Result<Sum, JobError> {
    let mut sum = 0;
    for number in input.numbers.iter().with_progress("adding") {
        check_cancelled()?;
        sum += number;
    }
    count_items(input.numbers.len() as u64, input.numbers.len() as u64, 0);
    Ok(Sum { sum })
}

#[job]
fn about_its_run(ctx: &Context) -> Value {
    json!({
        "run": ctx.run_id(),
        "attempt": ctx.attempt(),
        "last": ctx.is_last_attempt(),
        "job": ctx.job(),
        "cron": ctx.trigger() == Trigger::Cron,
        "source": ctx.metadata_value("source"),
        "late": ctx.time_left() == Some(Duration::ZERO),
    })
}

#[job]
fn parse(input: String, _ctx: &Context) -> Result<u8, std::num::ParseIntError> {
    input.parse()
}

#[job]
fn not_a_number() -> std::collections::BTreeMap<String, Unserialisable> {
    [("a".to_owned(), Unserialisable)].into()
}

#[derive(JsonSchema)]
struct Unserialisable;
impl Serialize for Unserialisable {
    fn serialize<S: zapjobs_sdk::serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(zapjobs_sdk::serde::ser::Error::custom("never"))
    }
}

#[test]
fn a_job_is_an_ordinary_function_and_also_called_by_name_with_json() {
    let test = TestContext::new();
    assert_eq!(test.run(|| sum(Numbers { numbers: vec![1, 2] })).map(|s| s.sum), Ok(3));
    assert_eq!(test.run_json("sum-up", json!({"numbers": [3, 4]})), Ok(json!({"sum": 7})));
}

#[test]
fn an_unknown_name_is_told_with_those_that_are_known() {
    let error = TestContext::new().run_json("sum", Value::Null).expect_err("no such job");
    assert_eq!(error.error_type(), "unknown-job");
    assert!(error.message().contains("about-its-run, not-a-number, parse, sum-up"), "{error}");
}

#[test]
fn a_job_knows_its_run() {
    let test = TestContext::new().run_id("r").attempt(3).trigger(Trigger::Cron);
    let test = test.metadata("source", "mail").deadline(SystemTime::UNIX_EPOCH);
    let expected = json!({
        "run": "r", "attempt": 3, "last": true, "job": "about-its-run", "cron": true,
        "source": "mail", "late": true,
    });
    assert_eq!(test.run_json("about-its-run", Value::Null), Ok(expected));
}

#[test]
fn a_cancelled_job_stops_where_it_looks() {
    let test = TestContext::new().cancelled_after(2);
    let error = test.run_json("sum-up", json!({"numbers": [1, 2, 3]})).expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(test.last_progress().map(|progress| progress.done), Some(2));
    assert_eq!(test.item_counts(), None);
}

#[test]
fn progress_begins_at_nothing_and_ends_with_all() {
    let test = TestContext::new();
    test.run_json("sum-up", json!({"numbers": [1, 2, 3]})).expect("a sum");
    let done: Vec<(u64, Option<u64>)> =
        test.progress().iter().map(|progress| (progress.done, progress.total)).collect();
    assert_eq!(done, [(0, Some(3)), (1, Some(3)), (2, Some(3)), (3, Some(3))]);
    assert_eq!(test.progress()[0].message, "adding");
    let counts = ItemCounts { processed: 3, succeeded: 3, failed: 0 };
    assert_eq!(test.item_counts(), Some(counts));
}

#[test]
fn a_long_iterator_reports_about_a_thousand_times() {
    let test = TestContext::new();
    let count = test.run(|| (0..1_000_000).with_progress("counting").count());
    assert_eq!(count, 1_000_000);
    assert!((1_000..=1_002).contains(&test.progress().len()), "{}", test.progress().len());
    assert_eq!(test.last_progress().map(|progress| progress.done), Some(1_000_000));
}

#[test]
fn any_error_of_a_job_asks_for_another_attempt() {
    let error = TestContext::new().run_json("parse", json!("x")).expect_err("no number");
    assert_eq!(error.kind(), ErrorKind::Retry(None));
    assert_eq!(error.error_type(), "ParseIntError");
}

#[test]
fn what_does_not_fit_fails_for_good() {
    let error = TestContext::new().run_json("sum-up", json!({"numbers": [1, "2"]}));
    let error = error.expect_err("an input that does not fit");
    assert_eq!((error.kind(), error.error_type()), (ErrorKind::Permanent, "invalid-input"));
    assert_eq!(error.details().map(|details| &details["path"]), Some(&json!("/numbers/1")));
    let error = TestContext::new().run_json("not-a-number", Value::Null);
    let error = error.expect_err("an output that does not serialise");
    assert_eq!((error.kind(), error.error_type()), (ErrorKind::Permanent, "invalid-output"));
}

#[test]
fn lines_of_tracing_and_of_log_arrive_with_their_fields_and_spans() {
    let test = TestContext::new();
    test.run(|| {
        let span = tracing_crate::info_span!("page", page = 7);
        let _inside = span.enter();
        info!(name = "Ada", ratio = 0.5, odd = f64::NAN, "greeting");
        log_crate::warn!("careful");
        drop(_inside);
        trace!("outside");
    });
    let logs = test.logs();
    let said: Vec<(&str, log_crate::Level)> =
        logs.iter().map(|line| (line.message.as_str(), line.level)).collect();
    use log_crate::Level;
    assert_eq!(
        said,
        [("greeting", Level::Info), ("careful", Level::Warn), ("outside", Level::Trace)]
    );
    assert_eq!(json!(logs[0].fields), json!({"page": 7, "name": "Ada", "ratio": 0.5, "odd": null}));
    assert_eq!(json!(logs[1].fields), json!({"page": 7}));
    assert_eq!(json!(logs[2].fields), json!({}));
    assert_eq!(logs[0].category, "jobs");
}

#[test]
fn lines_below_the_least_level_are_not_told() {
    let test = TestContext::new().min_level(log_crate::Level::Warn);
    test.run(|| {
        info!("no");
        log_crate::info!("no");
        error!("yes");
    });
    assert_eq!(test.logs().len(), 1);
}

#[test]
fn contexts_do_not_hear_each_other_even_after_a_panic() {
    let (outer, inner) = (TestContext::new(), TestContext::new());
    outer.run(|| {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            inner.run(|| {
                info!("inner");
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        info!("outer");
    });
    assert_eq!(inner.logs().len(), 1);
    assert_eq!(outer.logs()[0].message, "outer");
    // Outside of any context, saying something does no harm.
    progress(1, 2, "nobody listens");
    assert!(outer.progress().is_empty());
}
