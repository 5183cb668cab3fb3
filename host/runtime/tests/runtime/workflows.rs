//! Runs that follow others, from request to result, over hosts that die.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, request, returning, script};
use zapjobs_model::{
    Blame, Condition, Dependency, InvalidRequest, JobDefinition, JobKey, JobRequest, Json, Outcome,
    Run, RunError, RunId, RunStatus, TenantId, Trigger,
};
use zapjobs_runtime::{HostOptions, StartedWorkflow, SubmitError, Workflow, workflow_tag};
use zapjobs_storage::{RunFilter, Span, StatisticsRequest};

use Condition::{Always, Failure, Success};

fn with_input(name: &str, input: &str) -> JobRequest {
    JobRequest { input: Json::parse(input).expect("JSON"), ..request(name) }
}

/// Serves `good`, which returns its input, and `bad`, which fails.
async fn bench() -> Bench {
    let bench = Bench::new();
    let echo = script(|invocation, _, _| async move { Outcome::Completed(invocation.input) });
    bench.serve(describe("good"), echo).await;
    let fail = script(|_, _, _| async {
        Outcome::Failed(RunError::new(Blame::Guest, "broken", "always"))
    });
    bench.serve(describe("bad"), fail).await;
    bench
}

/// How each node ended.
async fn ends(bench: &Bench, started: &StartedWorkflow) -> BTreeMap<String, Run> {
    let mut ends = BTreeMap::new();
    for (name, run) in &started.runs {
        ends.insert(name.clone(), bench.ended(*run).await);
    }
    ends
}

#[tokio::test]
async fn a_diamond_runs_in_order_and_hands_on_what_its_runs_return() {
    let bench = bench().await;
    let host = bench.host(HostOptions::default()).await;
    let workflow = Workflow::new("diamond")
        .node("end", with_input("good", r#"{"l":{"$output":"left"},"r":[{"$output":"right"}]}"#))
        .after("left", Success)
        .after("right", Success)
        .node("left", with_input("good", r#"{"of":{"$output":"start"}}"#))
        .after("start", Success)
        .node("right", with_input("good", "2.50"))
        .after("start", Success)
        .node("start", with_input("good", "1"));
    let started = bench.client.start_workflow(workflow).await.expect("stored");
    let ends = ends(&bench, &started).await;
    assert!(ends.values().all(|run| run.status == RunStatus::Completed));
    assert_eq!(ends["end"].output, Some(Json::trusted(r#"{"l":{"of":1},"r":[2.50]}"#)));
    assert_eq!(ends["end"].trigger, Trigger::Continuation);
    assert_eq!(ends["start"].trigger, Trigger::Api);
    for (early, late) in [("start", "left"), ("start", "right"), ("left", "end")] {
        assert!(ends[early].finished_at <= ends[late].started_at, "{early} before {late}");
    }
    let filter = RunFilter { tag: Some(workflow_tag(started.id)), ..RunFilter::default() };
    assert_eq!(bench.storage.counts(&filter).await.expect("counted").completed, 4);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_run_of_another_tenant_is_not_there_to_wait_for() {
    let bench = bench().await;
    let foreign = bench.client.enqueue(request("good")).await.expect("stored");
    let tenant = TenantId::new("curious").expect("a name");
    let key = JobKey { tenant: tenant.clone(), job_type: request("good").job_type };
    let known = bench.storage.definitions(None).await.expect("listed");
    let known = known.into_iter().find(|it| it.key.job_type == key.job_type).expect("served");
    let theirs = JobDefinition { key, ..known };
    bench.storage.put_definitions(&[theirs]).await.expect("stored");
    let after = vec![Dependency { run: foreign, on: Always }];
    let curious = JobRequest { tenant: tenant.clone(), after, ..request("good") };
    let error = bench.client.enqueue(curious).await.expect_err("refused").to_string();
    assert!(error.contains(&format!("{foreign}, which is not there")), "{error}");
    let theirs = RunFilter { tenant: Some(tenant), ..RunFilter::default() };
    assert_eq!(bench.storage.counts(&theirs).await.expect("counted").total(), 0);
}

#[tokio::test]
async fn a_failure_skips_what_follows_it_and_starts_what_waits_for_it() {
    let bench = bench().await;
    let host = bench.host(HostOptions::default()).await;
    let workflow = Workflow::new("")
        .node("start", request("bad"))
        .node("next", request("good"))
        .after("start", Success)
        .node("later", request("good"))
        .after("next", Success)
        .node("mend", request("good"))
        .after("start", Failure)
        .node("not for skipped ones", request("good"))
        .after("next", Failure)
        .node("tidy", request("good"))
        .after("later", Always)
        .after("mend", Always);
    let started = bench.client.start_workflow(workflow).await.expect("stored");
    let ends = ends(&bench, &started).await;
    let status = |name: &str| ends[name].status;
    assert_eq!(status("start"), RunStatus::Failed);
    for skipped in ["next", "later", "not for skipped ones"] {
        assert_eq!(status(skipped), RunStatus::Cancelled, "{skipped}");
        let error = ends[skipped].error.as_ref().expect("it says why");
        assert_eq!((error.error_type.as_str(), ends[skipped].attempt), ("skipped", 0));
    }
    assert_eq!((status("mend"), status("tidy")), (RunStatus::Completed, RunStatus::Completed));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_input_that_does_not_come_about_fails_its_run_and_says_why() {
    let bench = bench().await;
    let mut strict = describe("strict");
    strict.input_schema = Some(Json::trusted(r#"{"type":"object"}"#));
    bench.serve(strict, returning(Json::null())).await;
    let host = bench.host(HostOptions::default()).await;
    let workflow = Workflow::new("")
        .node("bad", request("bad"))
        .node("none", with_input("good", r#"{"$output":"bad"}"#))
        .after("bad", Always)
        .node("number", with_input("good", "7"))
        .node("misfit", with_input("strict", r#"{"$output":"number"}"#))
        .after("number", Success)
        .node("fits", with_input("strict", r#"{"n":{"$output":"number"}}"#))
        .after("number", Success);
    let started = bench.client.start_workflow(workflow).await.expect("stored");
    let ends = ends(&bench, &started).await;
    for (name, word) in [("none", "returned none"), ("misfit", "schema")] {
        assert_eq!(ends[name].status, RunStatus::Failed);
        let error = ends[name].error.as_ref().expect("it says why");
        assert!(error.message.contains(word), "{error}");
    }
    assert_eq!(ends["fits"].status, RunStatus::Completed);
    assert_eq!(ends["fits"].input, Json::trusted(r#"{"n":7}"#));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_run_may_follow_one_that_has_ended_and_asks_for_no_other_output() {
    let bench = bench().await;
    let host = bench.host(HostOptions::default()).await;
    let first = bench.client.enqueue(with_input("good", "5")).await.expect("stored");
    bench.ended(first).await;
    let follow = |input: String| JobRequest {
        after: vec![Dependency { run: first, on: Success }],
        ..with_input("good", &input)
    };
    let id = bench.client.enqueue(follow(format!(r#"{{"$output":"{first}"}}"#))).await;
    let run = bench.ended(id.expect("stored")).await;
    assert_eq!(run.output, Some(Json::trusted("5")));
    let refused = bench.client.enqueue(follow(format!(r#"{{"$output":"{}"}}"#, run.id))).await;
    let error = refused.expect_err("it does not wait for that one");
    assert!(matches!(error, SubmitError::Invalid(InvalidRequest::UnknownOutput(_))), "{error}");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_cancelled_run_skips_what_follows_it() {
    let bench = bench().await;
    let workflow = Workflow::new("")
        .node("first", request("good"))
        .node("next", request("good"))
        .after("first", Success);
    let started = bench.client.start_workflow(workflow).await.expect("stored");
    bench.client.cancel(started.runs["first"]).await.expect("cancelled");
    let host = bench.host(HostOptions::default()).await;
    assert_eq!(bench.ended(started.runs["next"]).await.status, RunStatus::Cancelled);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn ten_thousand_runs_are_stored_in_one_call() {
    let bench = bench().await;
    let mut workflow = Workflow::new("wide");
    for chain in 0..1_000 {
        for step in 0..10 {
            workflow = workflow.node(format!("{chain}.{step}"), request("good"));
            if step > 0 {
                workflow = workflow.after(format!("{chain}.{}", step - 1), Success);
            }
        }
    }
    let started = bench.client.start_workflow(workflow.clone()).await.expect("stored");
    assert_eq!(started.runs.len(), 10_000);
    let counts = bench.storage.counts(&RunFilter::default()).await.expect("counted");
    assert_eq!((counts.pending, counts.held), (1_000, 9_000));
    let more = workflow.node("one more", request("good"));
    let error = bench.client.start_workflow(more).await.expect_err("too many");
    assert!(error.to_string().contains("10001"), "{error}");
}

/// Hosts are dropped as if they had died, at any point of what they do; others take over. The
/// variable `ZAPJOBS_WORKFLOWS=1000` makes it a long test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_workflow_ends_and_each_step_is_recorded_once_however_hosts_die() {
    const STEPS: usize = 10;
    let workflows: usize = std::env::var("ZAPJOBS_WORKFLOWS")
        .map_or(30, |text| text.parse().expect("ZAPJOBS_WORKFLOWS must be a number"));
    let bench = bench().await;
    let mut all: Vec<RunId> = Vec::new();
    for _ in 0..workflows {
        let mut workflow = Workflow::new("").node("0", with_input("good", "0"));
        for step in 1..STEPS {
            let before = (step - 1).to_string();
            let input = format!(r#"[{{"$output":"{before}"}}]"#);
            workflow = workflow.node(step.to_string(), with_input("good", &input));
            workflow = workflow.after(before, Success);
        }
        let started = bench.client.start_workflow(workflow).await.expect("stored");
        all.extend(started.runs.values());
    }
    let lives = AtomicU64::new(1);
    let mut hosts_died = 0;
    let options = HostOptions {
        lease: Duration::from_secs(1),
        concurrency: 16,
        guest_threads: 1,
        ..HostOptions::default()
    };
    let done = async |count: usize| {
        let counts = bench.storage.counts(&RunFilter::default()).await.expect("counted");
        counts.completed as usize == count
    };
    while !done(all.len()).await && hosts_died < 8 {
        let host = bench.host(options.clone()).await;
        // A life of 1 to 40 ms, each another, cut wherever the host then is.
        let life = 1 + lives.fetch_add(17, Ordering::Relaxed) % 40;
        tokio::time::sleep(Duration::from_millis(life)).await;
        drop(host);
        hosts_died += 1;
    }
    let host = bench.host(options).await;
    for id in &all {
        let within = PATIENCE + Duration::from_millis(20) * u32::try_from(all.len()).expect("few");
        let run = bench.client.wait(*id, Some(within)).await.expect("the run ends");
        assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    }
    host.shutdown(PATIENCE).await;
    let last = bench.run(all[STEPS - 1]).await;
    assert_eq!(last.output, Some(Json::trusted("[[[[[[[[[0]]]]]]]]]")));
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let total = bench.storage.statistics(request).await.expect("counted")[0].activity;
    assert_eq!((total.enqueued, total.completed), (all.len() as u64, all.len() as u64));
    assert_eq!((total.failed, total.cancelled), (0, 0), "each step is recorded once");
    assert_eq!(bench.storage.ended_parents(10).await.expect("listed"), [], "no end is left");
}
