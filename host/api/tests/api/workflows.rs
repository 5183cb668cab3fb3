//! Workflows over HTTP.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{completed, place, text};

#[tokio::test]
async fn a_workflow_is_submitted_shown_as_a_graph_and_called_off() {
    let place = place().await;
    let wish = json!({"name": "shop", "nodes": [
        {"name": "fetch", "job_type": "greet"},
        {"name": "parse", "job": "sleep", "input": {"$output": "fetch"}, "after": ["fetch"]},
        {"name": "clean", "job_type": "sleep", "after": ["parse:always", "fetch:failure"]},
    ]});
    let made = place.post("/api/v1/workflows", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    place.end(completed()).await;
    let shown = place.get(made.header("location")).await.json();
    assert_eq!(shown["name"], "shop");
    assert_eq!((&shown["counts"]["completed"], &shown["counts"]["held"]), (&json!(1), &json!(2)));
    assert_eq!(shown["nodes"][0]["name"], "fetch");
    assert_eq!(shown["nodes"][0]["run"], made.json()["runs"]["fetch"]);
    let edges = shown["edges"].as_array().expect("edges");
    assert!(edges.contains(&json!({"from": "fetch", "to": "parse", "on": "success"})), "{shown}");
    assert!(edges.contains(&json!({"from": "parse", "to": "clean", "on": "always"})), "{shown}");
    assert_eq!(edges.len(), 3);
    let cancel = format!("/api/v1/workflows/{}/cancel", text(&made.json()["id"]));
    assert_eq!(place.post(&cancel, json!({})).await.json()["cancelled"], 2);
}

#[tokio::test]
async fn a_workflow_that_cannot_be_is_refused() {
    let place = place().await;
    let circle = json!({"nodes": [
        {"name": "a", "job_type": "sleep", "after": ["b"]},
        {"name": "b", "job_type": "sleep", "after": ["a"]},
    ]});
    let answer = place.post("/api/v1/workflows", circle).await;
    assert_eq!(answer.code(), "invalid");
    assert!(answer.text.contains("in a circle"), "{}", answer.text);
    let odd = json!({"nodes": [{"name": "a", "job_type": "sleep", "after": ["b:maybe"]}]});
    let answer = place.post("/api/v1/workflows", odd).await;
    assert!(answer.text.contains("unknown condition"), "{}", answer.text);
    let nowhere = "/api/v1/workflows/018f0000-0000-7000-8000-000000000000";
    assert_eq!(place.get(nowhere).await.code(), "not-found");
    assert_eq!(place.post(&format!("{nowhere}/cancel"), json!({})).await.code(), "not-found");
}
