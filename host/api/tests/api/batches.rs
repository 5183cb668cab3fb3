//! Batches: made, filled, closed, waited for and called off.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::{completed, failed, place, text};

#[tokio::test]
async fn a_batch_is_stored_with_its_members_and_callbacks() {
    let place = place().await;
    let wish = json!({
        "name": "night", "on_success": {"job_type": "sleep"},
        "runs": [{"job_type": "greet", "input": {"name": "Ada"}}, {"job_type": "sleep"}],
    });
    let made = place.post("/api/v1/batches", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = (made.header("location").to_owned(), made.json());
    assert_eq!(made.1["runs"].as_array().map(Vec::len), Some(2));
    assert!(made.1["on_complete"].is_null() && made.1["on_success"].is_string());

    let shown = place.get(&made.0).await.json();
    assert_eq!(
        (&shown["batch"]["name"], &shown["batch"]["state"]),
        (&json!("night"), &json!("running"))
    );
    assert_eq!((&shown["runs"]["pending"], &shown["batch"]["unfinished"]), (&json!(2), &json!(2)));
    let id = text(&made.1["id"]);
    let members = place.get(&format!("/api/v1/runs?batch={id}")).await.json();
    assert_eq!(members["runs"].as_array().map(Vec::len), Some(2));
    let listed = place.get("/api/v1/batches").await.json();
    assert_eq!((&listed["batches"][0]["id"], &listed["next"]), (&made.1["id"], &json!(null)));
}

#[tokio::test]
async fn an_open_batch_takes_more_until_it_is_closed() {
    let place = place().await;
    let made = place.post("/api/v1/batches", json!({"open": true})).await.json();
    let path = format!("/api/v1/batches/{}", text(&made["id"]));
    let more = json!({"runs": [{"job_type": "sleep"}]});
    let added = place.post(&format!("{path}/runs"), more.clone()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert_eq!(added.json()["runs"].as_array().map(Vec::len), Some(1));
    let nested = place.post("/api/v1/batches", json!({"parent": made["id"]})).await;
    assert_eq!(nested.status, StatusCode::CREATED, "{}", nested.text);

    let closed = place.post(&format!("{path}/close"), json!({})).await.json();
    assert_eq!((&closed["is_closed"], &closed["total"]), (&json!(true), &json!(2)));
    let late = place.post(&format!("{path}/runs"), more).await;
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "wrong-status".to_owned()));
    let shown = place.get(&path).await.json();
    assert_eq!(shown["nested"].as_array().map(Vec::len), Some(1));
    assert_eq!(place.post(&format!("{path}/runs"), json!({"runs": []})).await.code(), "invalid");
}

#[tokio::test]
async fn nothing_of_a_batch_is_stored_where_a_part_of_it_is_wrong() {
    let place = place().await;
    let wish = json!({"runs": [{"job_type": "sleep"}, {"job_type": "greet", "input": 7}]});
    let refused = place.post("/api/v1/batches", wish).await;
    assert_eq!(refused.code(), "input-breaks-schema");
    let late = json!({"on_complete": {"job_type": "sleep", "in_ms": 5}});
    assert_eq!(place.post("/api/v1/batches", late).await.code(), "invalid");
    assert_eq!(place.get("/api/v1/batches").await.json()["batches"], json!([]));
    assert_eq!(place.get("/api/v1/runs").await.json()["runs"], json!([]));
}

#[tokio::test]
async fn a_batch_is_called_off_and_run_again_as_a_whole() {
    let place = place().await;
    let runs = json!({"runs": [{"job_type": "sleep"}, {"job_type": "sleep"}]});
    let first = place.post("/api/v1/batches", runs.clone()).await.json();
    let path = format!("/api/v1/batches/{}", text(&first["id"]));
    let report = place.post(&format!("{path}/cancel"), json!({})).await.json();
    assert_eq!((&report["batches"], &report["runs"]["done"]), (&json!(1), &json!(2)));

    let second = place.post("/api/v1/batches", runs).await.json();
    let path = format!("/api/v1/batches/{}", text(&second["id"]));
    place.end(failed()).await;
    let report = place.post(&format!("{path}/retry"), json!({})).await.json();
    assert_eq!(report["runs"]["done"], 2, "{report}");
    place.end(completed()).await;
    assert_eq!(place.get(&path).await.json()["batch"]["completed"], 2);
}

#[tokio::test]
async fn waiting_for_a_batch_ends_when_it_is_complete_or_the_time_is_over() {
    let place = place().await;
    let empty = place.post("/api/v1/batches", json!({"open": true})).await.json();
    let path = format!("/api/v1/batches/{}", text(&empty["id"]));
    let waited = place.with(Method::GET, &path, &[("prefer", "wait=0")], None).await;
    assert_eq!(waited.header("preference-applied"), "wait=0");
    assert_eq!(waited.json()["batch"]["state"], "open");
}
