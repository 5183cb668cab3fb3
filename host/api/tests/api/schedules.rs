//! Schedules over HTTP.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Place, place, text};

async fn put(place: &Place, header: (&str, &str), wish: Value) -> Answer {
    place.with(Method::PUT, "/api/v1/schedules/night", &[header], Some(wish)).await
}

fn wish() -> Value {
    json!({"job_type": "greet", "rule": {"cron": "30 2 * * *", "time_zone": "Europe/Lisbon"}})
}

const NEW: (&str, &str) = ("if-none-match", "*");

#[tokio::test]
async fn a_schedule_is_made_changed_and_deleted_by_its_revision() {
    let place = place().await;
    let made = put(&place, NEW, wish()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!((made.header("etag"), &made.json()["enabled"]), ("\"1\"", &json!(true)));
    assert_eq!(made.json()["next_fire_at"], "2026-09-22T01:30:00.000000Z");
    assert_eq!(put(&place, NEW, wish()).await.code(), "conflict", "there is one");
    let shown = place.get("/api/v1/schedules/night").await;
    assert_eq!(shown.header("etag"), "\"1\"");
    assert!(text(&shown.json()["description"]).contains("02:30"), "{}", shown.text);

    let mut other = wish();
    other["priority"] = json!(5);
    let changed = put(&place, ("if-match", "\"1\""), other.clone()).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(changed.json()["priority"], 5);
    let late = put(&place, ("if-match", "\"1\""), other.clone()).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (StatusCode::PRECONDITION_FAILED, "changed-meanwhile")
    );
    let bare = put(&place, ("x-none", "1"), other.clone()).await;
    assert_eq!(
        (bare.status, bare.code().as_str()),
        (StatusCode::PRECONDITION_REQUIRED, "needs-if-match")
    );
    assert_eq!(put(&place, ("if-match", "seven"), other.clone()).await.code(), "bad-header");
    assert_eq!(
        put(&place, ("if-match", "*"), wish()).await.json()["priority"],
        0,
        "the default again"
    );

    let gone = place.with(Method::DELETE, "/api/v1/schedules/night", &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(place.get("/api/v1/schedules/night").await.code(), "not-found");
    assert_eq!(put(&place, ("if-match", "*"), wish()).await.code(), "not-found");
}

#[tokio::test]
async fn a_schedule_is_turned_off_and_on_and_run() {
    let place = place().await;
    put(&place, NEW, wish()).await;
    let act = async |action: &str| {
        place.post(&format!("/api/v1/schedules/night/{action}"), json!({})).await
    };
    assert_eq!(act("disable").await.json()["enabled"], false);
    let triggered = act("trigger").await;
    assert_eq!(triggered.status, StatusCode::CREATED);
    let run = place.get(&format!("/api/v1/runs/{}", text(&triggered.json()["id"]))).await.json();
    assert_eq!(run["metadata"]["schedule"], "night");
    assert_eq!(act("enable").await.json()["enabled"], true);
    assert_eq!(act("reset").await.code(), "conflict", "no plugin declares it");
}

#[tokio::test]
async fn what_cannot_be_a_schedule_is_refused() {
    let place = place().await;
    let cases = [
        (json!({"cron": "61 * * * *"}), "invalid"),
        (json!({"cron": "* * * * *", "every_ms": 1_000}), "invalid"),
        (json!({"every_ms": 1}), "invalid"),
        (json!({"time_zone": "UTC"}), "invalid"),
        (json!({"at": "2020-01-01T00:00:00Z"}), "invalid"),
        (json!({}), "invalid"),
        (json!({"crom": "* * * * *"}), "bad-body"),
    ];
    for (rule, code) in cases {
        let answer = put(&place, NEW, json!({"job_type": "greet", "rule": rule})).await;
        assert_eq!(answer.code(), code, "{rule}: {}", answer.text);
    }
    let unknown = json!({"job_type": "gret", "rule": {"every_ms": 60_000}});
    assert_eq!(put(&place, NEW, unknown).await.code(), "unknown-job-type");
    assert_eq!(place.get("/api/v1/schedules").await.json()["schedules"], json!([]));
}

#[tokio::test]
async fn schedules_are_listed_page_by_page() {
    let place = place().await;
    for name in ["a", "b", "c"] {
        let path = format!("/api/v1/schedules/{name}");
        place.with(Method::PUT, &path, &[NEW], Some(wish())).await;
    }
    let first = place.get("/api/v1/schedules?limit=2").await.json();
    assert_eq!(first["schedules"][1]["key"]["name"], "b");
    let path = format!("/api/v1/schedules?cursor={}", text(&first["next"]));
    let rest = place.get(&path).await.json();
    assert_eq!((&rest["schedules"][0]["key"]["name"], &rest["next"]), (&json!("c"), &json!(null)));
    assert_eq!(place.get("/api/v1/schedules?cursor=s00").await.code(), "bad-cursor");
    assert_eq!(place.get("/api/v1/schedules?limit=1001").await.code(), "bad-query");
}

#[tokio::test]
async fn a_rule_is_previewed_without_being_stored() {
    let place = place().await;
    let path = "/api/v1/schedules/preview?cron=0%209%20*%20*%20MON&time_zone=Europe/Lisbon&count=2";
    let preview = place.get(path).await.json();
    assert_eq!(preview["times"][0]["at"], "2026-09-28T08:00:00Z");
    assert_eq!(preview["times"].as_array().map(Vec::len), Some(2));
    assert!(text(&preview["times"][0]["local"]).contains("09:00:00"), "{preview}");
    assert!(text(&preview["description"]).contains("Monday"), "{preview}");
    assert_eq!(place.get("/api/v1/schedules/preview").await.code(), "invalid");
    assert_eq!(
        place.get("/api/v1/schedules/preview?every_ms=1000&count=0").await.code(),
        "bad-query"
    );
}
