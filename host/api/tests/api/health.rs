//! Whether the host is well, and how it does.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;
use zapjobs_api::ApiOptions;
use zapjobs_model::WorkerId;
use zapjobs_storage::WorkerRecord;

use crate::support::{START, completed, place, place_with};

fn worker() -> WorkerRecord {
    WorkerRecord {
        id: WorkerId(Uuid::from_u128(1)),
        hostname: "here".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        started_at: START,
        seen_at: START,
        queues: Vec::new(),
        concurrency: 4,
        running: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_is_ready_once_its_storage_and_a_worker_are_there() {
    let place = place_with(ApiOptions::default()).await;
    assert_eq!(place.get("/health/live").await.json(), json!({"live": true}));
    let answer = place.get("/health/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "no worker");
    assert_eq!(answer.json()["checks"][1]["ok"], false);
    place.storage.heartbeat(&worker()).await.expect("noted");
    assert_eq!(
        place.get("/health/ready").await.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "for a second"
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(place.get("/health/ready").await.status, StatusCode::OK);
    place.clock.advance(Duration::from_secs(60));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(place.get("/health/ready").await.json()["ready"], false, "silent");
    place.storage.close().await.expect("closed");
    tokio::time::advance(Duration::from_secs(1)).await;
    let answer = place.get("/health/ready").await.json();
    assert_eq!((&answer["ready"], &answer["checks"][0]["ok"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn metrics_are_numbers_with_few_labels() {
    let place = place().await;
    place.greet().await;
    place.end(completed()).await;
    place.greet().await;
    place.storage.heartbeat(&worker()).await.expect("noted");
    let answer = place.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    for line in [
        "zapjobs_runs_enqueued_total 2",
        "zapjobs_runs_ended_total{outcome=\"completed\"} 1",
        "zapjobs_queue_runs{queue=\"default\",status=\"pending\"} 1",
        "zapjobs_workers_running 1",
        "zapjobs_http_requests_total{class=\"2xx\"} 2",
        "zapjobs_http_request_seconds_bucket{le=\"+Inf\"} 2",
    ] {
        assert!(answer.text.lines().any(|it| it == line), "{line} in {}", answer.text);
    }
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn many_queues_do_not_become_many_lines() {
    let place = place().await;
    let runs: Vec<_> =
        (0..150).map(|at| json!({"job_type": "sleep", "queue": format!("q{at:03}")})).collect();
    place.post("/api/v1/runs/batch", json!({ "runs": runs })).await;
    let text = place.get("/metrics").await.text;
    let named = text.lines().filter(|line| line.starts_with("zapjobs_queue_runs{")).count();
    assert_eq!(named, 101 * 8);
    assert!(text.contains("zapjobs_queue_runs{queue=\"~others\",status=\"pending\"} 50"), "{text}");
}
