//! The dashboard: one page that asks the HTTP API of the server that it comes from.
//!
//! **Invariant:** what is served was built from `web/` and is part of this program: no file is
//! read, and no path of a request ever reaches a file system. The page runs only its own script,
//! talks only to its own server and cannot be put into another page.
//!
//! Look next: `web/src/main.tsx`, where the page begins; `docs/dashboard.md`.

mod files;
mod headers;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower::ServiceExt as _;

use files::File;

/// Where a server answers itself, and not the dashboard: these paths and what is below them.
const OTHERS: [&str; 3] = ["/api", "/health", "/metrics"];

/// The dashboard at `/`. Paths that are no file of it answer its page, which looks at the path
/// itself.
pub fn router() -> Router {
    Router::new().fallback(get(serve))
}

/// The same beside an API, which answers `/api`, `/health` and `/metrics`, and what is below them.
pub fn beside(api: Router) -> Router {
    let pages = router();
    Router::new().fallback(move |request: Request| {
        let to = if is_others(request.uri().path()) { api.clone() } else { pages.clone() };
        to.oneshot(request)
    })
}

fn is_others(path: &str) -> bool {
    let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    OTHERS.iter().any(|other| path.strip_prefix(other).is_some_and(is_below))
}

async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let mut response = match File::find(path) {
        Some(file) => answer(file, &request),
        // What is hashed is there or it is of another version: no page can stand in for it.
        None if path.starts_with(files::HASHED) => StatusCode::NOT_FOUND.into_response(),
        None => answer(File::index(), &request),
    };
    headers::secure(response.headers_mut());
    response
}

fn answer(file: &'static File, request: &Request) -> Response {
    let tag = HeaderValue::from_static(file.etag);
    let caching = HeaderValue::from_static(file.caching());
    let known = request.headers().get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| is_among(known, file.etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::CACHE_CONTROL, caching)])
            .into_response();
    }
    let kind = HeaderValue::from_static(file.kind);
    let headers =
        [(header::CONTENT_TYPE, kind), (header::ETAG, tag), (header::CACHE_CONTROL, caching)];
    (headers, file.bytes).into_response()
}

fn is_among(known: &HeaderValue, etag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == etag
    })
}
