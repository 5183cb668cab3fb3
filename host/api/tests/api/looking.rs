//! Runs are looked at.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zapjobs_model::{Json, LogEntry, LogLevel, LogLine, StepName};

use crate::support::{START, completed, failed, place, text};

#[tokio::test]
async fn runs_are_listed_page_by_page_newest_first() {
    let place = place().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(place.greet().await);
    }
    ids.reverse();
    let (mut seen, mut next) = (Vec::new(), Value::Null);
    for pages in 1.. {
        let cursor = next.as_str().map(|it| format!("&cursor={it}")).unwrap_or_default();
        let page = place.get(&format!("/api/v1/runs?limit=2{cursor}")).await.json();
        let runs = page["runs"].as_array().expect("runs");
        seen.extend(runs.iter().map(|run| text(&run["id"]).to_owned()));
        next = page["next"].clone();
        if next.is_null() {
            assert_eq!(pages, 3);
            break;
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn filters_take_runs_by_what_they_are() {
    let place = place().await;
    place.greet().await;
    place.end(failed()).await;
    place.greet().await;
    place.end(completed()).await;
    place.submit(json!({"job_type": "sleep", "queue": "slow", "tags": ["night"]})).await;
    let count = async |query: &str| {
        let page = place.get(&format!("/api/v1/runs?{query}")).await.json();
        page["runs"].as_array().map(Vec::len).unwrap_or_else(|| panic!("{query}: {page}"))
    };
    assert_eq!(count("status=failed").await, 1);
    assert_eq!(count("status=failed,completed").await, 2);
    assert_eq!(count("job_type=sleep").await, 1);
    assert_eq!(count("queue=slow&tag=night").await, 1);
    assert_eq!(count("queue=slow&tag=day").await, 0);
    assert_eq!(count("search=does%20NOT%20work").await, 1);
    assert_eq!(count("created_from=2026-09-21T14:13:20Z").await, 3);
    assert_eq!(count("created_before=2026-09-21T14:13:20Z").await, 0);
    let counts = place.get("/api/v1/runs/counts").await.json();
    assert_eq!((&counts["failed"], &counts["completed"]), (&json!(1), &json!(1)));
    assert_eq!(counts["awaiting-retry"], 0);
}

#[tokio::test]
async fn a_run_that_did_not_change_is_not_sent_again() {
    let place = place().await;
    let path = format!("/api/v1/runs/{}", place.greet().await);
    let first = place.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    let known = [("if-none-match", tag.as_str())];
    let again = place.with(Method::GET, &path, &known, None).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    place.end(completed()).await;
    let changed = place.with(Method::GET, &path, &known, None).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_page_says_what_it_left_out() {
    let place = place().await;
    let long = json!({"name": "x".repeat(3_000)});
    let id = place.submit(json!({"job_type": "greet", "input": long})).await;
    let listed = place.get("/api/v1/runs").await.json()["runs"][0].clone();
    assert_eq!((&listed["input"], &listed["cut"]), (&Value::Null, &json!(["input"])));
    let shown = place.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!(shown["input"], long);
}

#[tokio::test]
async fn a_log_is_followed_page_by_page() {
    let place = place().await;
    let path = format!("/api/v1/runs/{}/logs", place.greet().await);
    let empty = place.get(&path).await.json();
    assert_eq!(empty, json!({"entries": [], "next": null, "has_more": false}));
    let run = place.claim().await.remove(0);
    let entry = |index: u32, level| LogEntry {
        run: run.id,
        lease: run.lease,
        index,
        line: LogLine {
            at: START,
            level,
            category: "greet".to_owned(),
            message: format!("line {index}"),
            fields: None,
        },
    };
    let lines = [entry(0, LogLevel::Info), entry(1, LogLevel::Error), entry(2, LogLevel::Debug)];
    place.storage.append_logs(&lines[..2]).await.expect("kept");
    let first = place.get(&format!("{path}?limit=1")).await.json();
    assert_eq!(first["entries"][0]["message"], "line 0");
    assert_eq!(first["has_more"], true);
    let rest = place.get(&format!("{path}?cursor={}", text(&first["next"]))).await.json();
    assert_eq!(rest["entries"][0]["message"], "line 1");
    assert_eq!(rest["has_more"], false);
    place.storage.append_logs(&lines).await.expect("kept");
    let later = place.get(&format!("{path}?cursor={}", text(&rest["next"]))).await.json();
    assert_eq!(later["entries"][0]["message"], "line 2");
    let weighty = place.get(&format!("{path}?level=warn")).await.json();
    assert_eq!(weighty["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(place.get(&format!("{path}?level=odd")).await.code(), "bad-query");
    assert_eq!(place.get(&format!("{path}?cursor=r00")).await.code(), "bad-cursor");
}

#[tokio::test]
async fn steps_and_dependencies_are_listed() {
    let place = place().await;
    let first = place.greet().await;
    let run = place.claim().await.remove(0);
    let step = StepName::new("fetch").expect("a name");
    let recorded = place.storage.record_step(run.lease_key(), &step, &Json::trusted("7")).await;
    recorded.expect("recorded");
    let steps = place.get(&format!("/api/v1/runs/{first}/steps")).await.json();
    assert_eq!(
        (&steps["steps"][0]["name"], &steps["steps"][0]["result"]),
        (&json!("fetch"), &json!(7))
    );
    let wish = json!({"job_type": "sleep", "after": [{"run": first, "on": "always"}]});
    let second = place.submit(wish).await;
    let after = json!([{"run": first, "on": "always"}]);
    let listed = place.get(&format!("/api/v1/runs/{second}/dependencies")).await.json();
    assert_eq!(listed["after"], after);
    let shown = place.get(&format!("/api/v1/runs/{second}")).await.json();
    assert_eq!((&shown["after"], &shown["status"]), (&after, &json!("held")));
}

#[tokio::test]
async fn a_run_that_is_not_there_is_not_found() {
    let place = place().await;
    let id = "018f0000-0000-7000-8000-000000000000";
    for path in ["", "/logs", "/steps", "/dependencies"] {
        let answer = place.get(&format!("/api/v1/runs/{id}{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.code(), "unknown-run");
    }
    let answer = place.get("/api/v1/runs/seven").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "bad-path"));
}

#[tokio::test]
async fn shapes_in_the_document_have_the_names_that_are_written() {
    let place = place().await;
    place.greet().await;
    let document = place.get("/api/v1/openapi.json").await.json();
    let names = |name: &str| {
        let mut names: Vec<String> = document["components"]["schemas"][name]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("no schema {name}"))
            .keys()
            .cloned()
            .collect();
        names.sort();
        names
    };
    let written = |value: &Value| {
        let mut names: Vec<String> =
            value.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        names
    };
    let run = place.get("/api/v1/runs").await.json()["runs"][0].clone();
    assert_eq!(names("Run"), written(&run));
    assert_eq!(names("Progress"), written(&run["progress"]));
    assert_eq!(names("ItemCounts"), written(&run["counts"]));
    let counts = place.get("/api/v1/runs/counts").await.json();
    assert_eq!(names("Counts"), written(&counts));
    let wish = json!({"action": "cancel", "filter": {}});
    let report = place.post("/api/v1/runs/alter", wish).await.json();
    assert_eq!(names("BulkReport"), written(&report));
}
