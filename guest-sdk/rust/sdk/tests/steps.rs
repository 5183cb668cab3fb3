//! Jobs with steps, as their authors test them.

use std::cell::Cell;

use zapjobs_sdk::ErrorKind;
use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::TestContext;

thread_local! {
    static CHARGED: Cell<u32> = const { Cell::new(0) };
}

/// Charges, then ships from the second attempt on.
#[job]
fn order(ctx: &Context) -> Result<u32, JobError> {
    let payment = ctx.step("charge", || {
        CHARGED.set(CHARGED.get() + 1);
        Ok(CHARGED.get())
    })?;
    ctx.step("ship", || match ctx.attempt() {
        1 => Err(JobError::retry("the warehouse is closed")),
        _ => Ok(()),
    })?;
    Ok(payment)
}

#[test]
fn a_step_that_was_recorded_is_not_done_again() {
    let first = TestContext::new();
    let error = first.run_json("order", json!(null)).expect_err("it cannot ship");
    assert_eq!(error.kind(), ErrorKind::Retry(None));
    assert_eq!(first.steps(), [("charge".to_owned(), json!(1))], "a failed step is not recorded");
    let again = first.attempt(2);
    assert_eq!(again.run_json("order", json!(null)), Ok(json!(1)));
    assert_eq!(CHARGED.get(), 1);
    let names: Vec<_> = again.steps().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["charge", "ship"]);
}

#[test]
fn a_value_of_another_type_fails_for_good() {
    let test = TestContext::new().with_step("charge", json!("seven"));
    let error = test.run_json("order", json!(null)).expect_err("it is no number");
    assert_eq!((error.kind(), error.error_type()), (ErrorKind::Permanent, "step"));
    assert!(error.message().contains("give a step that changed another name"), "{error}");
}

#[test]
fn a_name_that_no_host_takes_is_refused() {
    let test = TestContext::new();
    let refused = test.run(|| Context::current().step("", || Ok(1)));
    assert_eq!(refused.expect_err("no name").kind(), ErrorKind::Permanent);
    assert_eq!(test.run(|| Context::current().is_step_done("a")), Ok(false));
}
