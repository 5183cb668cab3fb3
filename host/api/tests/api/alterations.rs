//! Runs are changed, one by one and many at once.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{completed, failed, place};

#[tokio::test]
async fn a_run_that_waits_is_cancelled_and_runs_again() {
    let place = place().await;
    let id = place.greet().await;
    let act = async |action: &str, body: Value| {
        place.post(&format!("/api/v1/runs/{id}/{action}"), body).await
    };
    assert_eq!(act("cancel", json!({})).await.json(), json!({"id": id, "status": "cancelled"}));
    let again = act("cancel", json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "wrong-status"));
    assert!(again.text.contains("is cancelled and cannot be cancelled"), "{}", again.text);
    let retried = act("retry", json!({"input": {"name": "Bob"}})).await;
    assert_eq!(retried.json()["status"], "pending");
    let run = place.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!((&run["input"]["name"], &run["trigger"]), (&json!("Bob"), &json!("retry")));
    place.end(failed()).await;
    let refused = act("retry", json!({"input": 7})).await;
    assert_eq!(refused.code(), "input-breaks-schema");
    assert_eq!(act("retry", Value::Null).await.json()["status"], "pending");
}

#[tokio::test]
async fn a_run_that_runs_is_asked_to_stop() {
    let place = place().await;
    let id = place.greet().await;
    place.claim().await;
    let answer = place.post(&format!("/api/v1/runs/{id}/cancel"), json!({})).await;
    assert_eq!(answer.json(), json!({"id": id, "status": "running"}));
    let run = place.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!(run["cancel_requested"], true);
}

#[tokio::test]
async fn a_run_is_moved_prioritised_begun_and_deleted() {
    let place = place().await;
    let id = place.submit(json!({"job_type": "sleep", "in_ms": 60_000})).await;
    let act = async |action: &str, body: Value| {
        place.post(&format!("/api/v1/runs/{id}/{action}"), body).await
    };
    assert_eq!(act("move", json!({"to": "slow"})).await.status, StatusCode::OK);
    assert_eq!(act("prioritise", json!({"to": 9})).await.status, StatusCode::OK);
    assert_eq!(act("prioritise", json!({"to": 9_999})).await.code(), "bad-body");
    assert_eq!(act("run-now", json!({})).await.json()["status"], "pending");
    assert_eq!(act("delete", json!({})).await.code(), "wrong-status");
    let run = place.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!((&run["queue"], &run["priority"]), (&json!("slow"), &json!(9)));
    place.end(completed()).await;
    assert_eq!(act("delete", json!({})).await.json(), json!({"id": id, "status": null}));
    assert_eq!(act("delete", json!({})).await.code(), "unknown-run");
}

#[tokio::test]
async fn many_runs_are_changed_by_what_they_are() {
    let place = place().await;
    for _ in 0..3 {
        place.greet().await;
    }
    place.end(failed()).await;
    place.greet().await;
    let alter = async |wish: Value| place.post("/api/v1/runs/alter", wish).await;
    let filter = json!({"job_type": "greet"});
    let counted = alter(json!({"action": "retry", "filter": filter, "dry_run": true})).await;
    assert_eq!(counted.json(), json!({"matching": 3, "has-more": false}));
    let done = alter(json!({"action": "retry", "filter": filter})).await.json();
    assert_eq!((&done["done"], &done["has-more"]), (&json!(3), &json!(false)));
    let moved = json!({"action": "move", "queue": "slow", "filter": {"status": ["pending"]}});
    assert_eq!(alter(moved).await.json()["done"], 4);
    let id = place.greet().await;
    let named = json!({"action": "cancel", "runs": [id, "018f0000-0000-7000-8000-000000000000"]});
    let done = alter(named).await.json();
    assert_eq!((&done["done"], &done["gone"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn what_makes_no_sense_for_many_is_refused() {
    let place = place().await;
    let cases = [
        json!({"action": "cancel"}),
        json!({"action": "cancel", "filter": {}, "runs": []}),
        json!({"action": "cancel", "runs": []}),
        json!({"action": "move", "filter": {}}),
        json!({"action": "prioritise", "filter": {}, "queue": "a"}),
        json!({"action": "cancel", "filter": {}, "priority": 1}),
        json!({"action": "cancel", "filter": {}, "queue": "a"}),
    ];
    for wish in cases {
        let answer = place.post("/api/v1/runs/alter", wish.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wish}");
        assert_eq!(answer.code(), "invalid", "{wish}");
    }
    let answer = place.post("/api/v1/runs/alter", json!({"action": "burn", "filter": {}})).await;
    assert_eq!(answer.code(), "bad-body");
}
