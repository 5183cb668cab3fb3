//! Jobs that enqueue others, as their authors test them.

use std::time::{Duration, SystemTime};

use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::TestContext;
use zapjobs_sdk::{ChildState, ChildStatus, EnqueueErrorKind, ErrorKind};

/// Has each photo resized, and waits until all are.
#[job]
fn album(photos: Vec<String>, ctx: &Context) -> Result<u32, JobError> {
    let resize = |photo: &String| Child::new("resize", json!({ "photo": photo })).key(photo);
    let ids = ctx.enqueue_all(photos.iter().map(resize))?;
    let mut bytes = 0;
    for id in &ids {
        let child = ctx.child(id)?.ok_or_else(|| JobError::permanent("a child is gone"))?;
        if !child.status.is_final() {
            return Err(JobError::snooze(Duration::from_secs(5)));
        }
        bytes += child.output_as::<u32>()?.unwrap_or(0);
    }
    Ok(bytes)
}

fn done(output: u32) -> ChildState {
    ChildState {
        status: ChildStatus::Completed,
        output: Some(json!(output)),
        error_type: None,
        error_message: None,
    }
}

#[test]
fn a_job_waits_for_its_children_by_snoozing() {
    let test = TestContext::new().child_state(0, done(3));
    let error = test.run_json("album", json!(["a", "b", "a"])).expect_err("one is not done");
    assert_eq!(error.kind(), ErrorKind::Snooze(Duration::from_secs(5)));
    assert_eq!(test.children().len(), 2, "a key names one child");
    let test = test.child_state(1, done(4));
    assert_eq!(test.run_json("album", json!(["a", "b"])), Ok(json!(7)));
    assert_eq!(test.children().len(), 2, "enqueued once");
}

#[test]
fn a_refusal_asks_for_another_attempt_only_where_that_may_help() {
    for (kind, retried) in [
        (EnqueueErrorKind::NotGranted, false),
        (EnqueueErrorKind::BadInput, false),
        (EnqueueErrorKind::LimitReached, false),
        (EnqueueErrorKind::QuotaReached, true),
        (EnqueueErrorKind::Unavailable, true),
    ] {
        let test = TestContext::new().refusing_children(kind);
        let error = test.run_json("album", json!(["a"])).expect_err("refused");
        assert_eq!(error.kind() == ErrorKind::Retry(None), retried, "{kind:?}");
        assert_eq!(error.error_type(), "enqueue");
    }
}

#[test]
fn everything_said_of_a_child_reaches_the_host() {
    let test = TestContext::new();
    let second = Duration::from_secs(1);
    let child = Child::new("report", 1)
        .delay(second)
        .queue("slow")
        .priority(-5)
        .max_attempts(2)
        .deadline(SystemTime::UNIX_EPOCH + second)
        .tag("a")
        .tag("b")
        .correlation_id("c")
        .metadata("k", "v")
        .key("k");
    test.run(|| Context::current().enqueue_child(child)).expect("taken");
    let expected = json!({
        "delay-ms": 1000, "queue": "slow", "priority": -5, "max-attempts": 2,
        "deadline-ms": 1000, "tags": ["a", "b"], "correlation-id": "c",
        "metadata": { "k": "v" }, "key": "k",
    });
    assert_eq!(test.children()[0].options, expected);
    let instant = SystemTime::UNIX_EPOCH + 3 * second;
    test.run(|| {
        Context::current().enqueue_child(Child::new("report", 1).delay(second).at(instant))
    })
    .expect("taken");
    assert_eq!(test.children()[1].options, json!({ "at-ms": 3000 }));
}
