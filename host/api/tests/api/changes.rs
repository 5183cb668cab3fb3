//! Who changed what is recorded.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use zapjobs_api::{ApiOptions, Scope};

use crate::support::{place_with, text};

#[tokio::test]
async fn every_change_is_recorded_with_who_what_and_what_came_of_it() {
    let place = place_with(ApiOptions::default()).await;
    let admin = place.token(Scope::Admin, None).await;
    let own = place.token(Scope::Admin, Some("acme")).await;
    let wish = Some(json!({"job_type": "greet"}));
    let run = place.by(&own, Method::POST, "/api/v1/runs", wish).await.json();
    let cancel = format!("/api/v1/runs/{}/cancel", text(&run["id"]));
    place.by(&own, Method::POST, &cancel, None).await;
    place.by(&own, Method::POST, &cancel, None).await;
    place.by(&admin, Method::POST, "/api/v1/limits/everything/pause", None).await;
    let changes = async |token: &str, query: &str| {
        let path = format!("/api/v1/audit{query}");
        place.by(token, Method::GET, &path, None).await.json()
    };
    let page = changes(&admin, "?tenant=*").await;
    let all = page["changes"].as_array().expect("changes");
    assert_eq!(all.len(), 3, "{page}");
    assert_eq!(all[0]["action"], "POST /api/v1/limits/{scope}/pause");
    assert_eq!((&all[0]["tenant"], &all[0]["status"]), (&json!(null), &json!(200)));
    assert_eq!(all[1]["status"], 409, "what failed is told too");
    assert_eq!((&all[2]["status"], &all[2]["target"]), (&json!(200), &json!(cancel)));
    assert_eq!(all[2]["token"], own.split('_').nth(1).expect("an id"));
    assert_eq!((&all[2]["token_name"], &all[2]["tenant"]), (&json!("test"), &json!("acme")));
    let bound = changes(&own, "").await;
    assert_eq!(bound["changes"].as_array().map(Vec::len), Some(2), "their own alone");
    let first = changes(&admin, "?tenant=*&limit=1").await;
    let rest = changes(&admin, &format!("?tenant=*&cursor={}", text(&first["next"]))).await;
    assert_eq!(rest["changes"].as_array().map(Vec::len), Some(2));
    assert_eq!(changes(&admin, "?cursor=zz").await["code"], "bad-cursor");
    assert_eq!(changes(&admin, "?limit=201").await["code"], "bad-query");
}

#[tokio::test]
async fn old_records_go() {
    let place =
        place_with(ApiOptions { auth: zapjobs_api::AuthMode::Off, ..Default::default() }).await;
    place.post("/api/v1/limits/everything/pause", json!({})).await;
    let count = async || {
        place.get("/api/v1/audit?tenant=*").await.json()["changes"].as_array().map(Vec::len)
    };
    assert_eq!(place.api.forget_old_records().await.expect("pruned"), 0);
    assert_eq!(count().await, Some(1));
    // Names are made by the machine's clock, ages are told by the store's.
    place.clock.advance(Duration::from_secs(100 * 366 * 24 * 3_600));
    assert_eq!(place.api.forget_old_records().await.expect("pruned"), 1);
    assert_eq!(count().await, Some(0));
}
