//! Endpoints: requests of an operator's choice become runs, and their outputs answers.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use zapjobs_api::{ApiOptions, AuthMode, EndpointFile, Endpoints, Scope};
use zapjobs_model::{Blame, Json, Outcome, RunError, TenantId};

use crate::support::{Answer, Place, place_with, text};

const ORDER: &str = "/endpoints/orders/7?x=1";

async fn serving(auth: AuthMode) -> Place {
    let file: EndpointFile = serde_json::from_value(json!({"endpoint": [
        {"path": "/orders/{id}", "job_type": "sleep", "queue": "web", "methods": ["POST", "PUT"]},
        {"path": "/pages/{*rest}", "job_type": "sleep", "methods": ["GET"], "answer": "response"},
        {"path": "/hooks", "job_type": "sleep", "auth": "public", "body_bytes_max": 10},
        {"path": "/strict", "job_type": "greet", "auth": "public"},
    ]}))
    .expect("a file");
    let endpoints = Endpoints::new(file, &TenantId::standard()).expect("good ones");
    place_with(ApiOptions { auth, endpoints, ..ApiOptions::default() }).await
}

fn output(value: &Value) -> Outcome {
    Outcome::Completed(Json::of(value).expect("JSON"))
}

async fn came_to(place: &Place, accepted: &Answer) -> Answer {
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    place.get(accepted.header("location")).await
}

#[tokio::test]
async fn a_request_becomes_a_run_and_its_output_the_answer() {
    let place = serving(AuthMode::Off).await;
    let accepted = place.post(ORDER, json!({"n": 2})).await;
    assert_eq!((accepted.status, accepted.header("retry-after")), (StatusCode::ACCEPTED, "1"));
    let runs = place.claim().await;
    assert_eq!((runs[0].job_type.as_str(), runs[0].queue.as_str()), ("sleep", "web"));
    let input = runs[0].input.to_value().expect("JSON");
    let wanted = json!({
        "method": "POST", "path": "/orders/7", "params": {"id": "7"}, "query": {"x": ["1"]},
        "headers": {"content-type": "application/json"}, "body": {"n": 2},
    });
    assert_eq!(input, wanted);
    assert_eq!(came_to(&place, &accepted).await.json()["status"], "running");
}

#[tokio::test]
async fn an_output_is_the_answer_and_an_error_keeps_its_type() {
    let place = serving(AuthMode::Off).await;
    let accepted = place.post(ORDER, json!({})).await;
    place.end(output(&json!({"sum": 3}))).await;
    let answer = came_to(&place, &accepted).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"sum": 3})));

    let accepted = place.post(ORDER, json!({})).await;
    place.end(Outcome::Failed(RunError::new(Blame::Guest, "no-stock", "none is left"))).await;
    let answer = came_to(&place, &accepted).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(
        (&problem["code"], &problem["detail"]),
        (&json!("no-stock"), &json!("none is left"))
    );
}

#[tokio::test]
async fn a_job_words_its_answer_but_not_what_keeps_browsers_safe() {
    let place = serving(AuthMode::Off).await;
    let said = async |said: Value| {
        let accepted = place.get("/endpoints/pages/a/b").await;
        place.end(output(&said)).await;
        came_to(&place, &accepted).await
    };
    let html = json!({
        "status": 404, "headers": {"Content-Type": "text/html", "x-a": ["1", "2"]}, "body": "<p>",
    });
    let answer = said(html).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NOT_FOUND, "<p>"));
    assert_eq!((answer.header("content-type"), answer.header("x-a")), ("text/html", "1"));
    assert_eq!(answer.headers.get_all("x-a").iter().count(), 2);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");

    let bytes = said(json!({"body": "YWJj", "base64": true})).await;
    assert_eq!((bytes.status, bytes.text.as_str()), (StatusCode::OK, "abc"));
    assert_eq!(said(json!({"body": {"a": 1}})).await.json(), json!({"a": 1}));
    for bad in [
        json!(7),
        json!({"status": 101}),
        json!({"status": 700}),
        json!({"status": 204, "body": "x"}),
        json!({"body": 1, "base64": true}),
        json!({"headers": {"Set-Cookie": "a=b"}}),
        json!({"headers": {"access-control-allow-origin": "*"}}),
        json!({"headers": {"x-a": "1\r\nx-b: 2"}}),
    ] {
        let answer = said(bad.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_GATEWAY, "bad-output".to_owned()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_public_result_takes_the_secret_that_its_request_was_answered_with() {
    let place = serving(AuthMode::Tokens).await;
    let accepted = place.post("/endpoints/hooks", json!(1)).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let ticket = text(&accepted.json()["id"]).to_owned();
    place.end(output(&json!("done"))).await;
    assert_eq!(came_to(&place, &accepted).await.json(), "done");
    let (run, _) = ticket.split_once('.').expect("a secret");
    let guessed = format!("/endpoint-runs/{run}.{}", "0".repeat(32));
    assert_eq!(place.get(&guessed).await.code(), "not-found");
    assert_eq!(place.get("/endpoint-runs/x").await.code(), "not-found");
    let bare = format!("/endpoint-runs/{run}");
    assert_eq!(place.get(&bare).await.code(), "unauthorised");
    let gone = format!("/endpoint-runs/{}.{}", uuid::Uuid::from_u128(7), "0".repeat(32));
    assert_eq!(place.get(&gone).await.code(), "not-found");
    let own = place.token(Scope::Read, Some("default")).await;
    assert_eq!(
        place.by(&own, Method::GET, &bare, None).await.json(),
        "done",
        "it reads the run too"
    );
    let other = place.token(Scope::Admin, Some("acme")).await;
    assert_eq!(place.by(&other, Method::GET, &bare, None).await.code(), "not-found");
}

#[tokio::test]
async fn an_endpoint_asks_for_its_scope_and_its_tenant() {
    let place = serving(AuthMode::Tokens).await;
    assert_eq!(place.post(ORDER, json!({})).await.code(), "unauthorised");
    let (reader, other) =
        (place.token(Scope::Read, None).await, place.token(Scope::Admin, Some("acme")).await);
    let ask = async |token: &str| place.by(token, Method::POST, ORDER, Some(json!({}))).await;
    assert_eq!(ask(&reader).await.code(), "insufficient-scope");
    assert_eq!(ask(&other).await.code(), "wrong-tenant");
    let own = place.token(Scope::Enqueue, Some("default")).await;
    let accepted = ask(&own).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let location = accepted.header("location");
    assert_eq!(place.by(&own, Method::GET, location, None).await.status, StatusCode::ACCEPTED);
    assert_eq!(place.by(&other, Method::GET, location, None).await.code(), "not-found");
    assert_eq!(place.by(&reader, Method::GET, location, None).await.code(), "insufficient-scope");
    assert_eq!(place.get(location).await.code(), "unauthorised");
}

#[tokio::test]
async fn a_request_that_is_repeated_by_name_is_one_run() {
    let place = serving(AuthMode::Off).await;
    let headers = [("idempotency-key", "order-7")];
    let ask = async |path: &str| place.with(Method::POST, path, &headers, Some(json!(1))).await;
    let (first, again) = (ask(ORDER).await, ask(ORDER).await);
    assert_eq!(first.header("location"), again.header("location"));
    let (one, other) = (ask("/endpoints/hooks").await, ask("/endpoints/hooks").await);
    assert_ne!(one.header("location"), other.header("location"), "nobody is asked who they are");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_stored() {
    let place = serving(AuthMode::Off).await;
    assert_eq!(place.get("/endpoints/nothing").await.code(), "unknown-route");
    let answer = place.get(ORDER).await;
    assert_eq!(
        (answer.code().as_str(), answer.header("allow")),
        ("method-not-allowed", "POST, PUT")
    );
    assert_eq!(place.post("/endpoints/hooks", json!("longer than ten")).await.code(), "too-large");
    assert_eq!(place.post("/endpoints/strict", json!({})).await.code(), "input-breaks-schema");
    let broken = Request::post(ORDER)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from("{"));
    assert_eq!(place.send(broken.expect("a request")).await.code(), "bad-json");
    assert_eq!(place.get("/api/v1/runs").await.json()["runs"], json!([]));
}

#[tokio::test]
async fn whoever_prefers_to_wait_gets_the_answer_at_once() {
    let place = serving(AuthMode::Off).await;
    let accepted = place.with(Method::POST, ORDER, &[("prefer", "wait=0")], Some(json!({}))).await;
    assert_eq!(
        (accepted.status, accepted.header("preference-applied")),
        (StatusCode::ACCEPTED, "wait=0")
    );
    place.end(output(&json!(1))).await;
    let location = accepted.header("location");
    let answer = place.with(Method::GET, location, &[("prefer", "wait=5")], None).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (StatusCode::OK, "wait=5"));
}

#[test]
fn the_example_of_the_documentation_is_a_good_file() {
    let documentation = include_str!("../../../../docs/http-api.md");
    let (_, rest) = documentation.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let file: EndpointFile = toml::from_str(example).expect("TOML of this shape");
    assert_eq!(file.endpoint.len(), 2);
    Endpoints::new(file, &TenantId::standard()).expect("good ones");

    let typo = "[[endpoint]]\npath = \"/a\"\njob_type = \"x\"\nquue = \"y\"\n";
    let error = toml::from_str::<EndpointFile>(typo).expect_err("no such field");
    let span = error.span().expect("a place");
    assert_eq!(typo[..span.start].matches('\n').count() + 1, 4, "{error}");
}
