//! Waits of a guest, as far as the sandbox is concerned.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use zapjobs_model::port::{BoxFuture, Plugin, Services, Waited, Waits};
use zapjobs_model::{Json, SignalName, StepError, StepErrorKind, StopReason};

use crate::support::{Try, guest, load, output, stopped};

/// Sleeps of no time are over at once; the signal `here` is there, `late` comes too late.
#[derive(Default)]
struct Calls(Mutex<Vec<String>>);

impl Calls {
    fn note(&self, call: String) {
        self.0.lock().expect("no panic").push(call);
    }
}

impl Waits for Calls {
    fn sleep(&self, name: String, span: Duration) -> BoxFuture<'_, Result<bool, StepError>> {
        self.note(format!("sleep {name} {span:?}"));
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok(span.is_zero())
        })
    }

    fn signal(
        &self,
        name: SignalName,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Result<Waited, StepError>> {
        self.note(format!("signal {name} {limit:?}"));
        Box::pin(async move {
            match name.as_str() {
                "here" => Ok(Waited::Signal(Json::trusted(r#"{"to":"Ä"}"#))),
                "late" => Ok(Waited::TimedOut),
                "lost" => Err(StepError::new(StepErrorKind::Lost, "it is lost")),
                _ => Ok(Waited::Suspended),
            }
        })
    }
}

async fn plugin() -> Arc<dyn Plugin> {
    load(guest("stepper")).await.expect("it needs no grant")
}

fn attempt(job: &str, input: &Value, calls: &Arc<Calls>) -> Try {
    let mut attempt = Try::of(job, &input.to_string());
    let waits: Arc<dyn Waits> = calls.clone();
    attempt.invocation.services = Services { waits: Some(waits), ..Services::default() };
    attempt
}

async fn answer(plugin: &Arc<dyn Plugin>, attempt: &Try) -> Value {
    serde_json::from_str(output(&attempt.report(plugin).await)).expect("JSON")
}

#[tokio::test]
async fn a_guest_is_told_what_came_of_its_waits() {
    let (plugin, calls) = (plugin().await, Arc::<Calls>::default());
    let told = answer(&plugin, &attempt("sleep", &json!([["a", 0], ["b", 1_500]]), &calls)).await;
    assert_eq!(told, json!([true, false]));
    let waits = json!([["here", null], ["late", 10], ["never", null], ["lost", 0], ["a\nb", 0]]);
    let told = answer(&plugin, &attempt("wait", &waits, &calls)).await;
    assert_eq!(told[0], json!({ "signal": r#"{"to":"Ä"}"# }));
    assert_eq!((&told[1], &told[2]), (&json!("timed-out"), &json!("suspended")));
    assert_eq!(told[3], json!({ "kind": "Lost", "message": "it is lost" }));
    assert_eq!(told[4]["kind"], "BadName");
    let calls = calls.0.lock().expect("no panic");
    assert_eq!(calls[..3], ["sleep a 0ns", "sleep b 1.5s", "signal here None"]);
    assert_eq!(calls[3], "signal late Some(10ms)");
}

#[tokio::test]
async fn where_nobody_wakes_runs_a_wait_is_refused() {
    let plugin = plugin().await;
    let told = answer(&plugin, &Try::of("sleep", r#"[["a", 10]]"#)).await;
    assert_eq!(told[0]["kind"], "Unavailable");
}

#[tokio::test]
async fn a_guest_that_does_not_heed_its_wait_is_stopped_by_its_limits() {
    let (plugin, calls) = (plugin().await, Arc::<Calls>::default());
    let deaf = attempt("deaf", &Value::Null, &calls).limited(|limits| limits.wall_ms_max = 300);
    stopped(&deaf.report(&plugin).await, StopReason::WallTime);
}
