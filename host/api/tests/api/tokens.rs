//! Who is let in, and how far.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;
use zapjobs_api::{ApiOptions, Scope};
use zapjobs_storage::Clock;

use crate::support::{Place, place_with, text};

async fn guarded() -> Place {
    place_with(ApiOptions::default()).await
}

#[tokio::test]
async fn without_a_token_nobody_is_let_in() {
    let place = guarded().await;
    for header in ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer zj_0123456789abcdef_00"] {
        let answer =
            place.with(Method::GET, "/api/v1/runs", &[("authorization", header)], None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
        assert_eq!(answer.code(), "unauthorised");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let unknown = format!("zj_0123456789abcdef_{}", "0".repeat(64));
    let answer = place.by(&unknown, Method::GET, "/api/v1/runs", None).await;
    assert_eq!(answer.code(), "unauthorised");
}

#[tokio::test]
async fn a_token_with_another_secret_is_refused() {
    let place = guarded().await;
    let token = place.token(Scope::Admin, None).await;
    let end = if token.ends_with('0') { '1' } else { '0' };
    let other = format!("{}{end}", &token[..token.len() - 1]);
    let answer = place.by(&other, Method::GET, "/api/v1/runs", None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = place.by(&token, Method::GET, "/api/v1/runs", None).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_does_what_its_scope_says() {
    let place = guarded().await;
    let read = place.token(Scope::Read, None).await;
    let enqueue = place.token(Scope::Enqueue, None).await;
    let wish = || Some(json!({"job_type": "greet"}));
    let answer = place.by(&read, Method::POST, "/api/v1/runs", wish()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::FORBIDDEN, "insufficient-scope")
    );
    assert!(answer.text.contains("has the scope read, this needs enqueue"), "{}", answer.text);
    let answer = place.by(&enqueue, Method::POST, "/api/v1/runs", wish()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let id = text(&answer.json()["id"]).to_owned();
    let cancel = format!("/api/v1/runs/{id}/cancel");
    assert_eq!(place.by(&enqueue, Method::POST, &cancel, None).await.code(), "insufficient-scope");
    let operate = place.token(Scope::Operate, None).await;
    assert_eq!(place.by(&operate, Method::POST, &cancel, None).await.status, StatusCode::OK);
    assert_eq!(
        place.by(&operate, Method::GET, "/api/v1/tokens", None).await.code(),
        "insufficient-scope"
    );
}

#[tokio::test]
async fn a_bound_token_knows_its_tenant_alone() {
    let place = guarded().await;
    let own = place.token(Scope::Admin, Some("acme")).await;
    let all = place.token(Scope::Admin, None).await;
    let wish = || Some(json!({"job_type": "greet"}));
    let made = place.by(&own, Method::POST, "/api/v1/runs", wish()).await;
    let made = text(&made.json()["id"]).to_owned();
    let foreign = place.by(&all, Method::POST, "/api/v1/runs", wish()).await;
    let foreign = text(&foreign.json()["id"]).to_owned();
    let listed = place.by(&own, Method::GET, "/api/v1/runs", None).await;
    assert!(listed.text.contains(&made) && !listed.text.contains(&foreign), "{}", listed.text);
    let path = format!("/api/v1/runs/{foreign}");
    let answer = place.by(&own, Method::GET, &path, None).await;
    let nowhere = "/api/v1/runs/018f0000-0000-7000-8000-000000000000";
    let unknown = place.by(&own, Method::GET, nowhere, None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let plain = |text: &str, id: &str| text.replace(id, "ID");
    let same = plain(&unknown.text, "018f0000-0000-7000-8000-000000000000");
    assert_eq!(plain(&answer.text, &foreign), same, "in the same words");
    let answer = place.by(&own, Method::GET, "/api/v1/runs?tenant=default", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "wrong-tenant"));
    let answer = place.by(&own, Method::GET, "/api/v1/runs?tenant=*", None).await;
    assert_eq!(answer.code(), "wrong-tenant");
    let answer = place.by(&own, Method::GET, "/api/v1/runs?tenant=acme", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    let alter = json!({"action": "cancel", "runs": [foreign]});
    let altered = place.by(&own, Method::POST, "/api/v1/runs/alter", Some(alter)).await;
    assert_eq!((&altered.json()["done"], &altered.json()["gone"]), (&json!(0), &json!(1)));
    let after = json!({"job_type": "sleep", "after": [{"run": foreign}]});
    let refused = place.by(&own, Method::POST, "/api/v1/runs", Some(after)).await;
    assert_eq!(refused.code(), "invalid");
}

#[tokio::test]
async fn a_token_ends() {
    let place = guarded().await;
    let admin = place.token(Scope::Admin, None).await;
    let wish = json!({"name": "ci", "scope": "read", "expires_in_ms": 60_000});
    let made = place.by(&admin, Method::POST, "/api/v1/tokens", Some(wish)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let token = text(&made.json()["token"]).to_owned();
    assert_eq!(place.by(&token, Method::GET, "/api/v1/runs", None).await.status, StatusCode::OK);
    place.clock.advance(Duration::from_secs(60));
    let answer = place.by(&token, Method::GET, "/api/v1/runs", None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.text.contains("has expired"), "{}", answer.text);
}

#[tokio::test]
async fn a_token_is_revoked_at_once() {
    let place = guarded().await;
    let admin = place.token(Scope::Admin, None).await;
    let token = place.token(Scope::Read, None).await;
    let id = token.split('_').nth(1).expect("an id");
    let path = format!("/api/v1/tokens/{id}/revoke");
    let revoked = place.by(&admin, Method::POST, &path, None).await;
    assert_eq!(revoked.json()["good"], false);
    let answer = place.by(&token, Method::GET, "/api/v1/runs", None).await;
    assert!(answer.text.contains("was revoked"), "{}", answer.text);
    let listed = place.by(&admin, Method::GET, "/api/v1/tokens", None).await;
    assert_eq!(listed.json()["tokens"].as_array().map(Vec::len), Some(2));
    for secret in [&token, &admin] {
        assert!(!listed.text.contains(secret.rsplit('_').next().expect("a secret")));
    }
    let nowhere = place.by(&admin, Method::POST, "/api/v1/tokens/none/revoke", None).await;
    assert_eq!(nowhere.code(), "not-found");
}

#[tokio::test]
async fn whoever_is_bound_makes_tokens_of_their_own_tenant() {
    let place = guarded().await;
    let own = place.token(Scope::Admin, Some("acme")).await;
    let foreign = place.token(Scope::Admin, None).await;
    let make = async |wish| place.by(&own, Method::POST, "/api/v1/tokens", Some(wish)).await;
    let made = make(json!({"name": "a", "scope": "admin"})).await;
    let token = text(&made.json()["token"]).to_owned();
    let server = place.by(&token, Method::GET, "/api/v1/server", None).await.json();
    assert_eq!((&server["caller"]["bound_to"], &server["storage"]), (&json!("acme"), &json!(null)));
    let refused = make(json!({"name": "a", "scope": "read", "tenant": "default"})).await;
    assert_eq!(refused.code(), "wrong-tenant");
    assert_eq!(make(json!({"name": "", "scope": "read"})).await.code(), "invalid");
    assert_eq!(make(json!({"name": "a", "scope": "root"})).await.code(), "bad-body");
    let id = foreign.split('_').nth(1).expect("an id");
    let path = format!("/api/v1/tokens/{id}/revoke");
    assert_eq!(place.by(&own, Method::POST, &path, None).await.code(), "not-found");
    let listed = place.by(&own, Method::GET, "/api/v1/tokens", None).await;
    assert!(!listed.text.contains(id), "{}", listed.text);
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    let place = guarded().await;
    let token = place.token(Scope::Admin, None).await;
    let used = async || {
        let listed = place.by(&token, Method::GET, "/api/v1/tokens", None).await.json();
        text(&listed["tokens"][0]["last_used_at"]).to_owned()
    };
    let first = used().await;
    place.clock.advance(Duration::from_secs(59));
    assert_eq!(used().await, first);
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(used().await, place.clock.now().to_string());
}

#[tokio::test(start_paused = true)]
async fn whoever_guesses_is_slowed_down_and_nobody_else() {
    let place = guarded().await;
    let token = place.token(Scope::Read, None).await;
    let guess = async || place.by("zj_guess", Method::GET, "/api/v1/runs", None).await;
    for _ in 0..20 {
        assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
    }
    let slowed = guess().await;
    assert_eq!(
        (slowed.status, slowed.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "rate-limited")
    );
    assert_eq!(slowed.header("retry-after"), "1");
    let answer = place.by(&token, Method::GET, "/api/v1/runs", None).await;
    assert_eq!(answer.status, StatusCode::OK, "a good token is let in");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn one_token_asks_so_often_and_no_more() {
    let place = guarded().await;
    let token = place.token(Scope::Read, None).await;
    let other = place.token(Scope::Read, None).await;
    for _ in 0..1_000 {
        let answer = place.by(&token, Method::GET, "/api/v1/server", None).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let answer = place.by(&token, Method::GET, "/api/v1/server", None).await;
    assert_eq!(answer.code(), "rate-limited");
    let answer = place.by(&other, Method::GET, "/api/v1/server", None).await;
    assert_eq!(answer.status, StatusCode::OK);
}
