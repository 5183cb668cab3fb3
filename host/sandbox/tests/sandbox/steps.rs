//! Steps of a guest, as far as the sandbox is concerned.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use zapjobs_model::port::{BoxFuture, Plugin, Services, StepLog};
use zapjobs_model::{Json, Step, StepError, StepErrorKind, StepName, Timestamp};

use crate::support::{Try, guest, load, output};

/// Keeps steps, and counts how often it was asked.
#[derive(Default)]
struct Ledger {
    kept: Mutex<Vec<Step>>,
    loads: Mutex<u32>,
    is_lost: bool,
}

impl StepLog for Ledger {
    fn steps(&self) -> BoxFuture<'_, Result<Vec<Step>, StepError>> {
        *self.loads.lock().expect("no panic") += 1;
        Box::pin(async { Ok(self.kept.lock().expect("no panic").clone()) })
    }

    fn record(&self, name: StepName, result: Json) -> BoxFuture<'_, Result<Json, StepError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.is_lost {
                return Err(StepError::new(StepErrorKind::Lost, "it is lost"));
            }
            let at = Timestamp::from_micros(1);
            self.kept.lock().expect("no panic").push(Step { name, result: result.clone(), at });
            Ok(result)
        })
    }
}

async fn plugin() -> Arc<dyn Plugin> {
    load(guest("stepper")).await.expect("it needs no grant")
}

fn attempt(job: &str, input: &Value, ledger: &Arc<Ledger>) -> Try {
    let mut attempt = Try::of(job, &input.to_string());
    let steps: Arc<dyn StepLog> = ledger.clone();
    attempt.invocation.services = Services { steps: Some(steps), ..Services::default() };
    attempt
}

async fn answer(plugin: &Arc<dyn Plugin>, attempt: &Try) -> Value {
    serde_json::from_str(output(&attempt.report(plugin).await)).expect("JSON")
}

#[tokio::test]
async fn a_step_is_recorded_once_and_found_by_a_later_attempt() {
    let (plugin, ledger) = (plugin().await, Arc::<Ledger>::default());
    let kept = json!([["charge", 7], ["charge", 8], ["ship", { "to": "Ä" }]]);
    let told = answer(&plugin, &attempt("keep", &kept, &ledger)).await;
    assert_eq!(told, json!(["7", "7", r#"{"to":"Ä"}"#]), "the first value stands");
    assert_eq!(ledger.kept.lock().expect("no panic").len(), 2);
    let later = attempt("find", &json!(["ship", "charge", "pay", "ship"]), &ledger);
    let found = answer(&plugin, &later).await;
    assert_eq!(found, json!([r#"{"to":"Ä"}"#, "7", null, r#"{"to":"Ä"}"#]));
    assert_eq!(*ledger.loads.lock().expect("no panic"), 2, "once in each attempt");
}

#[tokio::test]
async fn each_reason_for_a_refusal_is_a_value() {
    let (plugin, ledger) = (plugin().await, Arc::<Ledger>::default());
    let kept = json!([["", 1], ["a\nb", 1], ["x".repeat(201), 1]]);
    let told = answer(&plugin, &attempt("keep", &kept, &ledger)).await;
    for refused in told.as_array().expect("a list") {
        assert_eq!(refused["kind"], "BadName");
    }
    let told = answer(&plugin, &attempt("find", &json!([""]), &ledger)).await;
    assert_eq!(told[0]["kind"], "BadName");
    let told = answer(&plugin, &attempt("no-json", &Value::Null, &ledger)).await;
    assert_eq!(told["kind"], "BadValue");
    let lost = Arc::new(Ledger { is_lost: true, ..Ledger::default() });
    let told = answer(&plugin, &attempt("keep", &json!([["a", 1]]), &lost)).await;
    assert_eq!(told[0], json!({ "kind": "Lost", "message": "it is lost" }));
}

#[tokio::test]
async fn where_nobody_keeps_steps_an_attempt_keeps_its_own_within_the_same_bounds() {
    let plugin = plugin().await;
    let kept = Try::of("keep", r#"[["a", 1], ["a", 2]]"#);
    assert_eq!(output(&kept.report(&plugin).await), r#"["1","1"]"#);
    let small = Try::of("bomb", "1");
    assert_eq!(output(&small.report(&plugin).await), r#"[1000,"LimitReached"]"#);
    // With its quotes each value has 1 MiB.
    let large = Try::of("bomb", &((1 << 20) - 2).to_string());
    assert_eq!(output(&large.report(&plugin).await), r#"[16,"LimitReached"]"#);
    let too_large = Try::of("bomb", &(1 << 20).to_string());
    assert_eq!(output(&too_large.report(&plugin).await), r#"[0,"LimitReached"]"#);
}
