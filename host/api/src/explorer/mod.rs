//! `/api/docs`: a page that shows the OpenAPI document and tries its operations.
//!
//! **Invariant:** it loads nothing from elsewhere, and its policy forbids it to. It shows texts as
//! texts, never as markup, and keeps a token only as long as the page is open.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::state::Api;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its parts.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route(
            "/api/docs",
            get(async || file("text/html; charset=utf-8", include_str!("page.html"))),
        )
        .route("/api/docs/page.js", get(async || file("text/javascript", include_str!("page.js"))))
        .route("/api/docs/page.css", get(async || file("text/css", include_str!("page.css"))))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}
