//! What stands around every request: its id, its time, its origin, and headers that keep browsers
//! from doing harm.
//!
//! **Invariant:** a page of another origin gets nothing done and nothing told, also where no token
//! is asked for: it must neither name this host by another name (DNS rebinding) nor come from
//! another origin.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use uuid::Uuid;

use super::prefer;
use super::problem::{Code, Problem};
use crate::options::{ApiOptions, REQUEST_TIME_MAX};
use crate::state::Api;

/// The header of a request's id. A client's own is kept where it is plain.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a client's own request id at most.
const REQUEST_ID_BYTES_MAX: usize = 100;
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Stands around every route.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (id, begin) = (request_id(request.headers()), Instant::now());
    let answer = match check_names(api.options(), request.uri(), request.headers()) {
        Ok(()) => timed(request, next).await,
        Err(problem) => problem.into_response(),
    };
    api.counters().count(answer.status().as_u16(), begin.elapsed());
    secured(answer, id)
}

/// No panic ends more than its request, and none goes on for ever. What is answered in time may
/// go on as a stream.
async fn timed(request: Request, next: Next) -> Response {
    let wait = prefer::wait(request.headers()).ok().flatten().unwrap_or_default();
    let within = REQUEST_TIME_MAX + wait;
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(within, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => panicked(&*panic).into_response(),
        Err(_) => {
            let detail = format!(
                "the request took longer than {} s: it may have been done all the same",
                within.as_secs()
            );
            Problem::new(Code::TimedOut, detail).into_response()
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!("a request of the HTTP API panicked: {text}");
    Problem::new(Code::Internal, "the server has a fault here: its log tells more")
}

fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        let plain =
            id.as_bytes().iter().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(it));
        plain && !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX
    });
    given.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("an id is plain")
    })
}

fn check_names(options: &ApiOptions, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let host = uri.authority().map(|it| it.as_str()).or_else(|| text(header::HOST));
    let host = host.unwrap_or_default();
    if options.check_host && !is_known(options, host) {
        let shown: String = host.chars().take(80).collect();
        return Err(Problem::new(
            Code::WrongHost,
            format!(
                "this host is not called {shown:?}: add the name to http.hosts if it should be"
            ),
        ));
    }
    let origin = text(header::ORIGIN);
    let is_own = |origin: &str| {
        origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host))
    };
    let site = headers.get("sec-fetch-site").and_then(|it| it.to_str().ok());
    let is_cross_site = matches!(site, Some("cross-site" | "same-site"));
    if origin.is_some_and(|origin| !is_own(origin)) || is_cross_site {
        return Err(Problem::new(
            Code::WrongOrigin,
            "a page of another origin asks: this API answers pages that it serves itself, and \
             programs",
        ));
    }
    Ok(())
}

fn is_known(options: &ApiOptions, host: &str) -> bool {
    let name = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    };
    let own = options.hosts.iter().map(String::as_str);
    LOOPBACK_NAMES.into_iter().chain(own).any(|known| known.eq_ignore_ascii_case(name))
}

fn secured(mut answer: Response, id: HeaderValue) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(REQUEST_ID, id);
    answer
}
