//! Steps of runs.

use zapjobs_model::step::{STEP_BYTES_MAX, STEPS_BYTES_MAX, STEPS_MAX};
use zapjobs_model::{Json, Lease, LeaseKey, Run, RunId, Step, StepName};
use zapjobs_storage::RecordStepResult::{self, Earlier, Full, Recorded, Stale};
use zapjobs_storage::{ApplyResult, ErrorKind, PruneRequest, RequeueResult};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in};
use crate::builders::{a_run, json, run_id, seconds};

fn name(text: &str) -> StepName {
    StepName::new(text).expect("a good name")
}

/// A result of so many bytes.
fn of_bytes(bytes: u64) -> Json {
    json(&format!("\"{}\"", "x".repeat(usize::try_from(bytes).expect("it fits") - 2)))
}

impl Fixture {
    async fn record(&self, key: LeaseKey, step: &str, result: &str) -> RecordStepResult {
        let recorded = self.storage.record_step(key, &name(step), &json(result)).await;
        recorded.expect("the step is answered")
    }

    async fn steps(&self, run: RunId) -> Vec<Step> {
        self.storage.steps(run).await.expect("the steps are read")
    }

    /// Names and results.
    async fn results(&self, run: RunId) -> Vec<(String, String)> {
        let told = |step: Step| (step.name.to_string(), step.result.to_string());
        self.steps(run).await.into_iter().map(told).collect()
    }

    async fn with_a_step(&self) -> Run {
        let run = self.running(a_run("mail")).await;
        assert_eq!(self.record(run.lease_key(), "charge", "7").await, Recorded);
        run
    }
}

pub(crate) async fn a_run_begins_without_steps(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.steps(run.id).await, []);
    assert_eq!(f.steps(run_id(1)).await, [], "one that is not there");
}

pub(crate) async fn steps_come_whole_in_the_order_in_which_they_were_recorded(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let mut expected = Vec::new();
    for (step, result) in [
        ("z: it's \"quoted\" \u{1F980}; --", r#"{"k":[1,"ä"],"n":1.50}"#),
        ("a", "null"),
        ("m", "\"\\u0000\""),
    ] {
        f.clock.advance(seconds(1));
        assert_eq!(f.record(run.lease_key(), step, result).await, Recorded);
        expected.push(Step { name: name(step), result: json(result), at: f.now() });
    }
    assert_eq!(f.steps(run.id).await, expected);
}

pub(crate) async fn the_first_result_of_a_step_stands(f: &Fixture) {
    let run = f.with_a_step().await;
    let before = f.steps(run.id).await;
    f.clock.advance(seconds(1));
    assert_eq!(f.record(run.lease_key(), "charge", "8").await, Earlier(json("7")));
    assert_eq!(f.record(run.lease_key(), "charge", "7").await, Recorded, "the same again");
    assert_eq!(f.steps(run.id).await, before);
}

pub(crate) async fn each_run_has_steps_of_its_own(f: &Fixture) {
    let a = f.with_a_step().await;
    let b = f.running(a_run("mail")).await;
    assert_eq!(f.record(b.lease_key(), "charge", "8").await, Recorded);
    assert_eq!(f.results(a.id).await, [("charge".to_owned(), "7".to_owned())]);
    assert_eq!(f.results(b.id).await, [("charge".to_owned(), "8".to_owned())]);
}

pub(crate) async fn an_attempt_that_lost_its_run_records_nothing(f: &Fixture) {
    let first = f.with_a_step().await;
    let unclaimed = f.enqueue(a_run("report")).await;
    assert_eq!(f.settle(&first, retry_in(seconds(0))).await, ApplyResult::Applied);
    assert_eq!(f.record(first.lease_key(), "late", "1").await, Stale, "it is not running");
    f.storage.promote(10).await.expect("promoted");
    let claimed = f.claim(2).await;
    let second = claimed.iter().find(|it| it.id() == first.id).expect("it is claimed again");
    assert_eq!(f.record(first.lease_key(), "late", "1").await, Stale, "claimed anew");
    assert_eq!(f.record(first.lease_key(), "charge", "7").await, Stale, "though it is known");
    assert_eq!(f.record(second.key(), "next", "2").await, Recorded);
    let never = LeaseKey { run: unclaimed, lease: Lease(9) };
    assert_eq!(f.record(never, "a", "1").await, Stale);
    let unknown = LeaseKey { run: run_id(1), lease: Lease(1) };
    assert_eq!(f.record(unknown, "a", "1").await, Stale);
    assert_eq!(f.results(first.id).await.len(), 2);
    assert_eq!(f.steps(unclaimed).await, []);
    assert_eq!(f.steps(run_id(1)).await, []);
}

pub(crate) async fn steps_stay_when_a_run_ends_and_is_requeued(f: &Fixture) {
    let run = f.with_a_step().await;
    assert_eq!(f.settle(&run, failed("broken")).await, ApplyResult::Applied);
    assert_eq!(f.results(run.id).await.len(), 1);
    assert_eq!(f.record(run.lease_key(), "late", "1").await, Stale, "it has ended");
    let requeued = f.storage.requeue(run.id).await.expect("answered");
    assert_eq!(requeued, RequeueResult::Requeued);
    let again = f.claim_one().await;
    assert_eq!(f.record(again.lease_key(), "charge", "8").await, Earlier(json("7")));
    assert_eq!(f.record(again.lease_key(), "ship", "1").await, Recorded);
    let names: Vec<_> = f.results(run.id).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["charge", "ship"]);
}

pub(crate) async fn steps_go_with_their_run_when_it_is_pruned(f: &Fixture) {
    let pruned = f.with_a_step().await;
    assert_eq!(f.settle(&pruned, completed()).await, ApplyResult::Applied);
    f.clock.advance(seconds(1));
    let kept = f.with_a_step().await;
    let request = PruneRequest { finished_before: f.now(), limit: 10 };
    assert_eq!(f.storage.prune(request).await.expect("pruned"), 1);
    assert_eq!(f.steps(pruned.id).await, []);
    assert_eq!(f.steps(kept.id).await.len(), 1);
}

pub(crate) async fn a_run_has_no_more_steps_than_it_may(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    for step in 0..STEPS_MAX {
        let recorded = f.record(run.lease_key(), &format!("step {step}"), "1").await;
        assert_eq!(recorded, Recorded, "step {step}");
    }
    assert_eq!(f.record(run.lease_key(), "one more", "1").await, Full);
    assert_eq!(f.record(run.lease_key(), "step 0", "2").await, Earlier(json("1")));
    let steps = f.steps(run.id).await;
    assert_eq!(steps.len() as u64, STEPS_MAX);
    assert_eq!(steps[999].name.as_str(), "step 999");
}

pub(crate) async fn a_run_has_no_more_bytes_of_steps_than_it_may(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let longest = of_bytes(STEP_BYTES_MAX);
    for step in 0..STEPS_BYTES_MAX / STEP_BYTES_MAX {
        let step = name(&step.to_string());
        let recorded = f.storage.record_step(run.lease_key(), &step, &longest).await;
        assert_eq!(recorded.expect("answered"), Recorded);
    }
    assert_eq!(f.record(run.lease_key(), "more", "1").await, Full);
    assert_eq!(f.steps(run.id).await[15].result, longest);
}

pub(crate) async fn a_step_that_is_too_long_is_refused(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let too_long = of_bytes(STEP_BYTES_MAX + 1);
    let answer = f.storage.record_step(run.lease_key(), &name("a"), &too_long).await;
    refused(answer, ErrorKind::InvalidRequest);
    assert_eq!(f.steps(run.id).await, []);
}
