//! Calendars, templates and signals.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zapjobs_model::Outcome;

use crate::support::{Answer, Place, place, text};

async fn put(place: &Place, path: &str, body: Value) -> Answer {
    place.with(Method::PUT, path, &[], Some(body)).await
}

async fn delete(place: &Place, path: &str) -> Answer {
    place.with(Method::DELETE, path, &[], None).await
}

#[tokio::test]
async fn a_calendar_is_stored_asked_and_deleted_once_nothing_names_it() {
    let place = place().await;
    let path = "/api/v1/calendars/holidays";
    let rules = json!({"time_zone": "Europe/Lisbon", "yearly": ["12-25"]});
    let stored = put(&place, path, rules).await;
    assert_eq!(stored.status, StatusCode::OK, "{}", stored.text);
    assert_eq!(
        (&stored.json()["revision"], &stored.json()["schedules_moved"]),
        (&json!(1), &json!(0))
    );
    let asked = place.get(&format!("{path}/check?at=2026-12-25T12:00:00Z")).await.json();
    assert_eq!(
        (&asked["excluded"], &asked["next_open"]),
        (&json!(true), &json!("2026-12-26T00:00:00.000000Z"))
    );
    assert_eq!(place.get("/api/v1/calendars").await.json()["calendars"][0]["name"], "holidays");
    assert_eq!(place.get(path).await.json()["rules"]["yearly"], json!(["12-25"]));

    let schedule = json!({
        "job_type": "sleep", "rule": {"cron": "0 9 * * *"}, "calendars": ["holidays"],
        "on_excluded": "next-open-time",
    });
    let headers = [("if-none-match", "*")];
    let made = place.with(Method::PUT, "/api/v1/schedules/daily", &headers, Some(schedule)).await;
    assert_eq!(made.json()["calendars"], json!(["holidays"]), "{}", made.text);
    assert_eq!(made.json()["on_excluded"], "next-open-time");
    assert_eq!(delete(&place, path).await.code(), "conflict");
    delete(&place, "/api/v1/schedules/daily").await;
    assert_eq!(delete(&place, path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(place.get(path).await.code(), "not-found");
    let bad = put(&place, path, json!({"dates": ["soon"]})).await;
    assert_eq!((bad.status, bad.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid".to_owned()));
}

#[tokio::test]
async fn a_run_is_made_of_a_template_and_its_parameters() {
    let place = place().await;
    let path = "/api/v1/templates/hello";
    let template = json!({
        "job": "greet", "input": {"name": {"$param": "who"}}, "queue": "slow",
        "parameters": {"who": {"schema": {"type": "string"}, "example": "Ada"}},
    });
    let stored = put(&place, path, template).await;
    assert_eq!(
        (stored.status, &stored.json()["revision"]),
        (StatusCode::OK, &json!(1)),
        "{}",
        stored.text
    );
    let wish = json!({"params": {"who": "Grace"}, "tags": ["x"], "priority": 7});
    let made = place.post(&format!("{path}/runs"), wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let run = place.get(made.header("location")).await.json();
    assert_eq!((&run["input"], &run["queue"]), (&json!({"name": "Grace"}), &json!("slow")));
    assert_eq!(
        (&run["priority"], &run["tags"], &run["trigger"]),
        (&json!(7), &json!(["x"]), &json!("api"))
    );

    for (params, problem) in [(json!({}), "missing"), (json!({"who": 7}), "does not fit")] {
        let refused = place.post(&format!("{path}/runs"), json!({"params": params})).await;
        assert_eq!(refused.code(), "invalid");
        assert!(refused.text.contains(problem), "{}", refused.text);
    }
    let unfit = json!({"job": "greet", "input": 7});
    assert_eq!(put(&place, path, unfit).await.code(), "input-breaks-schema");
    assert_eq!(place.get("/api/v1/templates").await.json()["templates"][0]["revision"], 1);
    assert_eq!(delete(&place, path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(place.post(&format!("{path}/runs"), json!({})).await.code(), "not-found");
}

#[tokio::test]
async fn a_signal_is_kept_until_its_run_waits_and_refused_once_it_has_ended() {
    let place = place().await;
    let run = place.submit(json!({"job_type": "sleep"})).await;
    let path = format!("/api/v1/runs/{run}/signals");
    let wish = json!({"name": "approved", "payload": {"by": "Ada"}});
    let sent = place.post(&path, wish.clone()).await;
    assert_eq!(
        (sent.status, &sent.json()["woke"]),
        (StatusCode::OK, &json!(false)),
        "{}",
        sent.text
    );
    assert_eq!(text(&sent.json()["signal"]), "approved");
    place.end(Outcome::Completed(zapjobs_model::Json::null())).await;
    let late = place.post(&path, wish).await;
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "wrong-status".to_owned()));
}
