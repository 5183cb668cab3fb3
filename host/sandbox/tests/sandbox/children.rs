//! Runs that a guest enqueues, as far as the sandbox is concerned.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use zapjobs_model::grants::{EnqueueGrant, JobPattern};
use zapjobs_model::port::{BoxFuture, Children, Plugin, Services};
use zapjobs_model::{
    Blame, ChildError, ChildErrorKind, ChildRequest, ChildState, ChildStatus, Grants, Json,
    RunError, RunId,
};

use crate::support::{Try, guest, load, load_with, output, sandbox};

/// Takes children, and knows one that failed.
#[derive(Default)]
struct Nursery {
    taken: Mutex<Vec<ChildRequest>>,
    looks: Mutex<u32>,
}

const KNOWN: u128 = 5;

impl Children for Nursery {
    fn enqueue(
        &self,
        requests: Vec<ChildRequest>,
    ) -> BoxFuture<'_, Result<Vec<RunId>, ChildError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut taken = self.taken.lock().expect("no panic");
            if requests.iter().any(|request| request.job_type.as_str() == "full") {
                return Err(ChildError::new(ChildErrorKind::QuotaReached, "it is full"));
            }
            let ids = (taken.len()..).map(|n| RunId(uuid::Uuid::from_u128(n as u128)));
            let ids = ids.take(requests.len()).collect();
            taken.extend(requests);
            Ok(ids)
        })
    }

    fn child(&self, id: RunId) -> BoxFuture<'_, Result<Option<ChildState>, ChildError>> {
        Box::pin(async move {
            *self.looks.lock().expect("no panic") += 1;
            let state = ChildState {
                status: ChildStatus::Failed,
                output: Some(Json::trusted("7")),
                error: Some(RunError::new(Blame::Guest, "bad", "it was bad")),
            };
            Ok((id.0.as_u128() == KNOWN).then_some(state))
        })
    }
}

fn allowing(jobs: &[&str]) -> Grants {
    let jobs = jobs.iter().map(|job| JobPattern::parse(job).expect("a pattern")).collect();
    Grants { enqueue: Some(EnqueueGrant { jobs }), ..Grants::default() }
}

async fn plugin(jobs: &[&str]) -> Arc<dyn Plugin> {
    load_with(&sandbox(), guest("parent"), allowing(jobs)).await.expect("it loads")
}

fn attempt(job: &str, input: &Value, nursery: &Arc<Nursery>) -> Try {
    let mut attempt = Try::of(job, &input.to_string());
    attempt.invocation.services =
        Services { children: Some(Arc::clone(nursery) as _), ..Services::default() };
    attempt
}

async fn answer(plugin: &Arc<dyn Plugin>, attempt: &Try) -> Value {
    serde_json::from_str(output(&attempt.report(plugin).await)).expect("JSON")
}

#[tokio::test]
async fn a_component_that_wants_to_enqueue_is_refused_with_the_lines_to_add() {
    let error = load(guest("parent")).await.err().expect("a refusal").to_string();
    assert!(error.contains("this component imports zapjobs:job/children@0.1.0"), "{error}");
    assert!(error.contains("add to test.toml the lines `[enqueue]`, `jobs = ["), "{error}");
    assert_eq!(error.lines().count(), 1);
    assert!(load_with(&sandbox(), guest("parent"), allowing(&[])).await.is_ok());
}

#[tokio::test]
async fn what_a_guest_says_of_a_child_reaches_the_host() {
    let (plugin, nursery) = (plugin(&["resize", "report-*"]).await, Arc::<Nursery>::default());
    let asked = json!([
        ["resize", { "photo": "a.jpg" }, { "queue": "slow", "key": "a" }],
        ["report-daily", 1, null],
    ]);
    let ids = answer(&plugin, &attempt("enqueue-all", &asked, &nursery)).await;
    assert_eq!(ids.as_array().expect("ids").len(), 2);
    let taken = nursery.taken.lock().expect("no panic").clone();
    assert_eq!(taken[0].input.as_str(), r#"{"photo":"a.jpg"}"#);
    assert_eq!(taken[0].options.queue.as_ref().expect("a queue").as_str(), "slow");
    assert_eq!(taken[1].job_type.as_str(), "report-daily");
}

#[tokio::test]
async fn each_reason_for_a_refusal_is_a_value_and_a_batch_is_taken_whole_or_not() {
    let (plugin, nursery) = (plugin(&["resize", "full"]).await, Arc::<Nursery>::default());
    let asked = json!([
        ["other", 1, null],
        ["no name", 1, null],
        ["resize", 1, { "speed": 9 }],
        ["full", 1, null],
        ["resize", 1, null],
    ]);
    let told = answer(&plugin, &attempt("enqueue-each", &asked, &nursery)).await;
    let kinds: Vec<_> = told.as_array().expect("a list").iter().map(|it| &it["kind"]).collect();
    assert_eq!(
        kinds,
        [
            &json!("NotGranted"),
            &json!("UnknownJob"),
            &json!("BadOptions"),
            &json!("QuotaReached"),
            &Value::Null
        ]
    );
    let message = told[0]["message"].as_str().expect("a message");
    assert!(message.contains("add \"other\" to `jobs` in `[enqueue]`"), "{message}");
    let batch = json!([["resize", 1, null], ["other", 1, null]]);
    let told = answer(&plugin, &attempt("enqueue-all", &batch, &nursery)).await;
    assert_eq!(told["kind"], "NotGranted");
    assert_eq!(nursery.taken.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_bomb_is_held_by_the_limit_on_children() {
    let (plugin, nursery) = (plugin(&["*"]).await, Arc::<Nursery>::default());
    let bomb = attempt("bomb", &Value::Null, &nursery).limited(|limits| limits.children_max = 25);
    assert_eq!(answer(&plugin, &bomb).await, json!([25, "LimitReached"]));
    assert_eq!(nursery.taken.lock().expect("no panic").len(), 25);
}

#[tokio::test]
async fn a_guest_sees_a_child_and_is_paced_when_it_looks_often() {
    let (plugin, nursery) = (plugin(&[]).await, Arc::<Nursery>::default());
    let known = RunId(uuid::Uuid::from_u128(KNOWN)).to_string();
    let looks = attempt("look", &json!([known, 5]), &nursery);
    let (report, took) = looks.timed(&plugin).await;
    let states: Value = serde_json::from_str(output(&report)).expect("JSON");
    assert_eq!(states[4]["status"], "Status::Failed");
    assert_eq!(states[4]["output"], "7");
    assert_eq!(states[4]["error"], json!(["bad", "it was bad"]));
    assert!(took >= Duration::from_millis(40), "{took:?}");
    for other in ["no id", "00000000-0000-0000-0000-000000000009"] {
        let seen = answer(&plugin, &attempt("look", &json!([other, 1]), &nursery)).await;
        assert_eq!(seen, json!([null]));
    }
}

#[tokio::test]
async fn where_nobody_takes_children_a_guest_is_told_so() {
    let plugin = plugin(&["*"]).await;
    let told = output(&Try::of("bomb", "null").report(&plugin).await).to_owned();
    assert_eq!(told, r#"[0,"Unavailable"]"#);
}
