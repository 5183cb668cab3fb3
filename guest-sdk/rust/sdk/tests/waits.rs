//! Jobs that wait, as their authors test them.

use std::time::Duration;

use zapjobs_sdk::ErrorKind;
use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::{TestContext, Wait};

/// Sleeps, asks twice, and tells what was answered.
#[job]
fn ask(ctx: &Context) -> Result<Vec<Option<u32>>, JobError> {
    ctx.sleep("rest", Duration::from_secs(60))?;
    let first = ctx.wait_signal("answer", Some(Duration::from_secs(60)))?;
    let second = ctx.wait_signal("answer", None)?;
    Ok(vec![first, second])
}

fn suspended(test: &TestContext) -> Option<Wait> {
    let error = test.run_json("ask", json!(null)).expect_err("it waits");
    assert!(error.is_suspension(), "{error}");
    assert!(matches!(error.kind(), ErrorKind::Snooze(_)), "it burns no attempt");
    test.waits_for()
}

#[test]
fn a_job_goes_on_behind_what_it_has_waited_for() {
    let test = TestContext::new();
    assert_eq!(suspended(&test), Some(Wait::Sleep("rest".to_owned())));
    assert_eq!(suspended(&test), Some(Wait::Sleep("rest".to_owned())), "it is not over yet");
    test.let_time_pass();
    assert_eq!(suspended(&test), Some(Wait::Signal("answer".to_owned())));
    test.signal("other", json!(1));
    assert_eq!(suspended(&test), Some(Wait::Signal("answer".to_owned())), "that is another");
    test.signal("answer", json!(7));
    test.signal("answer", json!(8));
    assert_eq!(test.run_json("ask", json!(null)), Ok(json!([7, 8])), "in their order");
    assert_eq!(test.waits_for(), None);
    assert_eq!(test.run_json("ask", json!(null)), Ok(json!([7, 8])), "and the same again");
}

#[test]
fn a_wait_whose_time_is_over_brings_nothing_ever_after() {
    let test = TestContext::new();
    suspended(&test);
    test.let_time_pass();
    suspended(&test);
    test.let_time_pass();
    assert_eq!(suspended(&test), Some(Wait::Signal("answer".to_owned())), "the second one");
    test.signal("answer", json!(8));
    assert_eq!(test.run_json("ask", json!(null)), Ok(json!([null, 8])), "it came too late");
}

#[test]
fn a_signal_of_another_type_fails_for_good() {
    let test = TestContext::new();
    suspended(&test);
    test.let_time_pass();
    test.signal("answer", json!("seven"));
    let error = test.run_json("ask", json!(null)).expect_err("it is no number");
    assert_eq!((error.kind(), error.error_type()), (ErrorKind::Permanent, "signal"));
}

#[test]
fn a_name_that_no_host_takes_is_refused() {
    let test = TestContext::new();
    let refused = test.run(|| Context::current().sleep("a\nb", Duration::from_secs(1)));
    assert_eq!(refused.expect_err("no name").kind(), ErrorKind::Permanent);
}
