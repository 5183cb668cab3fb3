//! What a browser is answered.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use axum::routing::get;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

async fn ask(method: Method, path: &str, known: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(known) = known {
        request = request.header(header::IF_NONE_MATCH, known);
    }
    let request = request.body(Body::empty()).expect("a request");
    zapjobs_dashboard::router().oneshot(request).await.expect("it never fails")
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn header_of(response: &Response<Body>, name: header::HeaderName) -> &str {
    response.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

/// The paths that the page names.
fn assets(page: &str) -> Vec<String> {
    page.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_place_of_the_page_answers_the_page() {
    let page = text(ask(Method::GET, "/", None).await).await;
    assert!(page.contains("<title>ZapJobs</title>"), "{page}");
    for path in ["/index.html", "/runs", "/runs/0192-ab", "/a/b/c", "/..%2f..%2fetc/passwd"] {
        let response = ask(Method::GET, path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(text(response).await, page, "{path}");
    }
}

#[tokio::test]
async fn what_the_page_names_is_there_and_kept_for_good() {
    let names = assets(&text(ask(Method::GET, "/", None).await).await);
    assert!(names.len() >= 2, "a script and a style: {names:?}");
    for name in names {
        let response = ask(Method::GET, &name, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        let caching = header_of(&response, header::CACHE_CONTROL);
        assert!(caching.contains("immutable"), "{name}: {caching}");
    }
    let page = ask(Method::GET, "/", None).await;
    assert_eq!(header_of(&page, header::CACHE_CONTROL), "no-cache");
}

#[tokio::test]
async fn a_script_of_another_version_is_not_the_page() {
    let response = ask(Method::GET, "/assets/index-00000000.js", None).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_browser_knows_is_not_sent_again() {
    let first = ask(Method::GET, "/", None).await;
    let tag = header_of(&first, header::ETAG).to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = ask(Method::GET, "/", Some(&known)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(text(again).await, "");
    }
    assert_eq!(ask(Method::GET, "/", Some("\"x\"")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn nothing_inline_runs_and_nothing_frames_the_page() {
    for path in ["/", "/assets/missing.js"] {
        let response = ask(Method::GET, path, None).await;
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY);
        for part in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    let page = text(ask(Method::GET, "/", None).await).await;
    assert!(!page.contains("<style") && !page.contains(" style="), "{page}");
    assert!(page.split("<script").skip(1).all(|script| script.contains(" src=")), "{page}");
}

#[tokio::test]
async fn the_page_is_only_looked_at() {
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let response = ask(method.clone(), "/runs", None).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(text(ask(Method::HEAD, "/", None).await).await, "");
}

#[tokio::test]
async fn an_api_beside_it_answers_what_is_its_own() {
    let api = axum::Router::new()
        .route(
            "/api/v1/runs/{id}",
            get(|Path(id): Path<String>| async move { format!("run {id}") }),
        )
        .fallback(|uri: Uri| async move { uri.to_string() });
    let all = zapjobs_dashboard::beside(api);
    let answer = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        text(all.clone().oneshot(request).await.expect("it never fails")).await
    };
    for path in ["/api/v1/runs?limit=1", "/api", "/health/live", "/metrics"] {
        assert_eq!(answer(path).await, path);
    }
    assert_eq!(answer("/api/v1/runs/7").await, "run 7", "its routes have their own parameters");
    for path in ["/runs", "/apis", "/metrics-of-mine"] {
        let page = answer(path).await;
        assert!(page.contains("<title>ZapJobs</title>"), "{path}: {page}");
    }
}
