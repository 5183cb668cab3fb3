//! What every request goes through.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;
use zapjobs_api::{ApiOptions, AuthMode};

use crate::support::{place, place_with, text};

fn post(kind: &str, body: &str) -> Request<Body> {
    Request::post("/api/v1/runs")
        .header("host", "localhost:7878")
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let place = place().await;
    let answer = place.get("/api/v1/nothing").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "unknown-route"));
    let answer = place.with(Method::DELETE, "/api/v1/runs", &[], None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "method-not-allowed");
    assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
}

#[tokio::test]
async fn json_that_is_none_is_refused_with_its_place() {
    let place = place().await;
    let answer = place.send(post("application/json", "{\"job_type\":\n  oops}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "bad-json"));
    assert!(answer.text.contains("line 2 column"), "{}", answer.text);
    let answer = place.send(post("application/json", "{\"job_type\":\"greet\"} and more")).await;
    assert_eq!(answer.code(), "bad-json");
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_with_its_place() {
    let place = place().await;
    let answer = place.post("/api/v1/runs", json!({"job_type": "greet", "prioritty": 1})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "bad-body");
    assert!(answer.text.contains("unknown field `prioritty`"), "{}", answer.text);
    let runs = json!({"runs": [{"job_type": "greet"}, {"job_type": "greet", "priority": 2000}]});
    let answer = place.post("/api/v1/runs/batch", runs).await;
    assert_eq!(answer.code(), "bad-body");
    assert!(answer.text.contains("runs[1].priority"), "{}", answer.text);
    assert!(answer.text.contains("use -1000 to 1000"), "{}", answer.text);
    assert_eq!(place.get("/api/v1/runs").await.json()["runs"], json!([]), "nothing is stored");
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_is_refused() {
    let place = place().await;
    for query in ["stat=failed", "status=odd", "limit=x", "limit=0", "limit=1001", "tag=%00"] {
        let answer = place.get(&format!("/api/v1/runs?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
        assert_eq!(answer.code(), "bad-query", "{query}");
    }
    for cursor in ["x", "r", "r00", "l312d32"] {
        let answer = place.get(&format!("/api/v1/runs?cursor={cursor}")).await;
        assert_eq!(answer.code(), "bad-cursor", "{cursor}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_sent_as_json_is_refused() {
    let place = place().await;
    let answer = place.send(post("text/plain", "{}")).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.code(), "unsupported-media-type");
    let greet = r#"{"job_type":"greet"}"#;
    let answer = place.send(post("Application/JSON; charset=utf-8", greet)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let options = ApiOptions { auth: AuthMode::Off, body_bytes_max: 100, ..ApiOptions::default() };
    let place = place_with(options).await;
    let answer = place.send(post("application/json", &" ".repeat(101))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.code(), "too-large");
}

#[tokio::test]
async fn a_host_of_another_name_is_not_this_one() {
    let options = ApiOptions {
        auth: AuthMode::Off,
        hosts: vec!["jobs.example".to_owned()],
        ..ApiOptions::default()
    };
    let place = place_with(options).await;
    let asked = async |host: &str| {
        let request = Request::get("/api/v1/runs").header("host", host);
        place.send(request.body(Body::empty()).expect("a request")).await
    };
    for own in
        ["localhost", "localhost:7878", "127.0.0.1:1", "[::1]:7878", "[::1]", "Jobs.Example:80"]
    {
        assert_eq!(asked(own).await.status, StatusCode::OK, "{own}");
    }
    for other in ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example:7878"] {
        let answer = asked(other).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{other}");
        assert_eq!(answer.code(), "wrong-host");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let place = place().await;
    let asked = async |headers: &[(&str, &str)]| {
        let wish = json!({"job_type": "greet"});
        place.with(Method::POST, "/api/v1/runs", headers, Some(wish)).await
    };
    for headers in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = asked(&[headers]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(answer.code(), "wrong-origin");
    }
    let own = [("origin", "http://localhost"), ("sec-fetch-site", "same-origin")];
    assert_eq!(asked(&own).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn every_answer_has_an_id_and_keeps_browsers_from_harm() {
    let place = place().await;
    for path in ["/api/v1/runs", "/nothing"] {
        let answer = place.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
    let given = [("x-request-id", "abc-1")];
    let answer = place.with(Method::GET, "/api/v1/runs", &given, None).await;
    assert_eq!(answer.header("x-request-id"), "abc-1");
    let odd = [("x-request-id", "a b<script>")];
    let answer = place.with(Method::GET, "/api/v1/runs", &odd, None).await;
    assert_eq!(answer.header("x-request-id").len(), 36, "not repeated");
}

#[tokio::test]
async fn the_document_describes_every_operation_with_its_scope() {
    let place = place().await;
    let document = place.get("/api/v1/openapi.json").await.json();
    assert_eq!(&text(&document["openapi"])[..3], "3.1");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let needs = &operation["security"][0]["token"][0];
            let scopes = ["read", "enqueue", "operate", "admin"];
            assert!(scopes.contains(&text(needs)), "{method} {path}: {needs}");
            assert_eq!(operation["x-scope"], *needs);
            assert!(!text(&operation["summary"]).is_empty(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_explorer_loads_nothing_from_elsewhere() {
    let place = place().await;
    for (path, kind) in [
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/page.js", "text/javascript"),
        ("/api/docs/page.css", "text/css"),
    ] {
        let answer = place.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, kind));
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!answer.text.contains("//cdn") && !answer.text.contains("https://"), "{path}");
        assert!(!answer.text.contains("innerHTML"), "{path}");
    }
}
