//! The installation as a whole: jobs, limits, queues, tenants, what happened.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::{completed, failed, place, text};

#[tokio::test]
async fn jobs_are_shown_with_their_schemas() {
    let place = place().await;
    let listed = place.get("/api/v1/jobs").await.json();
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(2));
    let shown = place.get("/api/v1/jobs/greet").await;
    assert_eq!(shown.json()["input_schema"]["required"], json!(["name"]));
    assert_eq!(shown.json()["out_of_service_until"], json!(null));
    assert!(!shown.header("etag").is_empty());
    assert_eq!(place.get("/api/v1/jobs/nothing").await.code(), "not-found");
    assert_eq!(place.get("/api/v1/jobs/a%20b").await.code(), "bad-path");
}

#[tokio::test]
async fn limits_are_set_paused_and_removed() {
    let place = place().await;
    let scope = "/api/v1/limits/job:default%2Fgreet";
    let set = place.with(Method::PUT, scope, &[], Some(json!({"concurrency": 2}))).await;
    assert_eq!(set.json()["limit"]["concurrency"], 2, "{}", set.text);
    let paused = place.post(&format!("{scope}/pause"), json!({})).await;
    assert_eq!(paused.json()["limit"]["paused"], true);
    place.greet().await;
    let listed = place.get("/api/v1/limits").await.json();
    assert_eq!(listed["limits"][0]["scope"], "job:default/greet");
    assert_eq!(
        (&listed["limits"][0]["held"], &listed["limits"][0]["in_use"]),
        (&json!(1), &json!(0))
    );
    let rate = json!({"rate": {"count": 5, "per_us": 1_000_000, "algorithm": "sliding-window"}});
    let set = place.with(Method::PUT, scope, &[], Some(rate)).await;
    assert_eq!(set.json()["limit"]["paused"], true, "a pause stays");
    place.post(&format!("{scope}/resume"), json!({})).await;
    let removed = place.with(Method::DELETE, scope, &[], None).await;
    assert_eq!(removed.json()["limit"], json!(null));
    let nothing = place.with(Method::PUT, scope, &[], Some(json!({}))).await;
    assert_eq!(nothing.code(), "invalid", "{}", nothing.text);
    assert_eq!(place.get("/api/v1/limits").await.json()["limits"], json!([]));
    assert_eq!(place.post("/api/v1/limits/odd/pause", json!({})).await.code(), "bad-path");
}

#[tokio::test]
async fn queues_tell_since_when_their_oldest_run_waits() {
    let place = place().await;
    place.submit(json!({"job_type": "sleep", "queue": "slow"})).await;
    place.clock.advance(Duration::from_secs(5_000));
    place.submit(json!({"job_type": "sleep", "queue": "slow"})).await;
    place.submit(json!({"job_type": "sleep", "queue": "later", "in_ms": 60_000})).await;
    place.post("/api/v1/runs?tenant=acme", json!({"job_type": "sleep", "queue": "foreign"})).await;
    let queues = place.get("/api/v1/queues").await.json();
    assert_eq!(queues["queues"].as_array().map(Vec::len), Some(2), "{queues}");
    assert_eq!(
        (&queues["queues"][0]["queue"], &queues["queues"][1]["queue"]),
        (&json!("later"), &json!("slow"))
    );
    assert_eq!(queues["queues"][0]["oldest_pending_at"], json!(null));
    assert_eq!(queues["queues"][1]["oldest_pending_at"], "2026-09-21T14:13:20.000000Z");
    assert_eq!(queues["queues"][1]["counts"]["pending"], 2);
    let all = place.get("/api/v1/queues?tenant=*").await.json();
    assert_eq!(all["queues"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn what_happened_is_told_by_hours() {
    let place = place().await;
    place.greet().await;
    place.end(completed()).await;
    let told = place.get("/api/v1/statistics?by=hour&latest=2").await.json();
    assert_eq!((&told["by"], &told["spans"][0]["completed"]), (&json!("hour"), &json!(1)));
    assert_eq!(place.get("/api/v1/statistics?by=week").await.code(), "bad-query");
    assert_eq!(place.get("/api/v1/statistics?latest=401").await.code(), "bad-query");
}

#[tokio::test]
async fn failed_runs_stand_in_groups() {
    let place = place().await;
    place.greet().await;
    place.greet().await;
    place.end(failed()).await;
    let dead = place.get("/api/v1/dead").await.json();
    assert_eq!(
        (&dead["groups"][0]["count"], &dead["groups"][0]["error_type"]),
        (&json!(2), &json!("broken"))
    );
    let filter = json!({"status": ["failed"], "job_type": "greet", "error_type": "broken"});
    let retried =
        place.post("/api/v1/runs/alter", json!({"action": "retry", "filter": filter})).await;
    assert_eq!(retried.json()["done"], 2);
}

#[tokio::test]
async fn the_server_its_workers_and_tenants_are_shown() {
    let place = place().await;
    let server = place.get("/api/v1/server").await;
    assert_eq!(server.status, StatusCode::OK);
    assert_eq!(server.json()["storage"]["driver"], "memory");
    assert_eq!(
        (&server.json()["auth"], &server.json()["caller"]["scope"]),
        (&json!("off"), &json!("admin"))
    );
    assert_eq!(text(&server.json()["now"]), "2026-09-21T14:13:20.000000Z");
    assert_eq!(place.get("/api/v1/workers").await.json()["workers"], json!([]));
    let tenants = place.get("/api/v1/tenants").await.json();
    assert_eq!(
        (&tenants["tenants"][0]["tenant"], &tenants["tenants"][0]["jobs"]),
        (&json!("acme"), &json!(2))
    );
}
