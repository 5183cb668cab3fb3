//! Webhooks over HTTP.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Place, completed, place, text};

const PATH: &str = "/api/v1/webhooks";

fn wish() -> Value {
    json!({"name": "hook", "url": "https://receiver.example/a", "events": ["run.failed"]})
}

async fn made(place: &Place) -> String {
    let answer = place.post(PATH, wish()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    text(&answer.json()["secret"]).to_owned()
}

#[tokio::test]
async fn a_webhook_shows_its_secret_once() {
    let place = place().await;
    let secret = made(&place).await;
    assert!(secret.starts_with("whsec_"));
    let shown = place.get(&format!("{PATH}/hook")).await;
    let listed = place.get(PATH).await;
    for answer in [&shown, &listed] {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text.contains(&secret), "{}", answer.text);
    }
    let shown = shown.json();
    assert_eq!((&shown["enabled"], &shown["events"][0]), (&json!(true), &json!("run.failed")));
    assert_eq!(listed.json()["webhooks"][0], shown);
    assert_eq!(place.post(PATH, wish()).await.code(), "conflict");
}

#[tokio::test]
async fn a_wish_that_cannot_be_is_refused_and_a_secret_not_repeated() {
    let place = place().await;
    for (field, value) in [
        ("url", json!("ftp://receiver.example/")),
        ("url", json!("https://user:hidden@receiver.example/")),
        ("events", json!(["run.started"])),
        ("events", json!([])),
        ("job", json!("a b")),
        ("name", json!("a b")),
        ("secret", json!("hidden")),
        ("more", json!(1)),
    ] {
        let mut wish = wish();
        wish[field] = value;
        let answer = place.post(PATH, wish).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert!(!answer.text.contains("hidden"), "{}", answer.text);
    }
    assert_eq!(place.get(PATH).await.json()["webhooks"], json!([]));
}

#[tokio::test]
async fn a_webhook_is_disabled_enabled_and_removed() {
    let place = place().await;
    made(&place).await;
    for (action, enabled) in [("disable", false), ("disable", false), ("enable", true)] {
        let answer = place.post(&format!("{PATH}/hook/{action}"), json!({})).await;
        assert_eq!(answer.json()["enabled"], enabled);
    }
    let remove = async || place.with(Method::DELETE, &format!("{PATH}/hook"), &[], None).await;
    assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
    assert_eq!(remove().await.code(), "not-found");
}

#[tokio::test]
async fn messages_are_ordered_once_more() {
    let place = place().await;
    made(&place).await;
    let run = place.greet().await;
    let replay = async |wish| place.post(&format!("{PATH}/hook/replay"), wish).await;
    assert_eq!(replay(json!({"run": run})).await.code(), "invalid", "it has not ended");
    place.end(completed()).await;
    assert_eq!(replay(json!({"run": run})).await.status, StatusCode::ACCEPTED);
    let from = json!({"from": "2026-01-01T00:00:00Z"});
    assert_eq!(replay(from).await.status, StatusCode::ACCEPTED);
    assert_eq!(replay(json!({})).await.code(), "invalid");
    let test = place.post(&format!("{PATH}/hook/test"), json!({})).await;
    assert_eq!(test.status, StatusCode::ACCEPTED, "{}", test.text);
    let deliveries = place.get(&format!("{PATH}/hook/deliveries")).await;
    assert_eq!(deliveries.json()["deliveries"], json!([]), "no host serves");
}
