//! An answer that goes on.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::http::problem::{Code, Problem};
use crate::state::Api;

/// A client hears something this often at least.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream lives no longer: the client comes back, and shows its token again.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);
/// What is written when nothing happened: a comment.
pub(super) const NOTHING: &str = ": nothing new\n\n";
/// What a stream begins with: a client that loses touch comes back after 2 seconds.
const BEGIN: &str = "retry: 2000\n\n";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The id of the last event that a client was told.
pub(super) fn last_event(headers: &HeaderMap) -> Option<&str> {
    headers.get(LAST_EVENT_ID).and_then(|it| it.to_str().ok())
}

/// What a stream writes next; `None` at its end.
pub(super) trait Source: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Option<String>> + Send;
}

/// Where a stream ends.
struct Stream<S> {
    source: S,
    api: Api,
    end: Instant,
    has_begun: bool,
    /// Counts the client as long as the stream lives.
    _client: OwnedSemaphorePermit,
}

/// Answers what a source has to say, until it, the server or the stream's time ends.
pub(super) fn answer(api: &Api, source: impl Source) -> Result<Response, Problem> {
    let client = api.hub().clients().clone().try_acquire_owned().map_err(|_| {
        let detail = "too many clients follow what happens: try again later, or ask now and then";
        Problem::new(Code::Busy, detail).retry_after(30)
    })?;
    let end = Instant::now() + LIFE_MAX;
    let stream = Stream { source, api: api.clone(), end, has_begun: false, _client: client };
    let body = Body::from_stream(unfold(stream, |mut stream| async move {
        if !stream.has_begun {
            stream.has_begun = true;
            return Some((Ok::<_, Infallible>(Bytes::from_static(BEGIN.as_bytes())), stream));
        }
        let text = tokio::select! {
            text = stream.source.next() => text?,
            () = tokio::time::sleep_until(stream.end) => return None,
            () = stream.api.stopping().cancelled() => return None,
        };
        Some((Ok(Bytes::from(text)), stream))
    }));
    let kind = HeaderValue::from_static("text/event-stream");
    // Proxies must not collect it first.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([(header::CONTENT_TYPE, kind), unbuffered], body).into_response())
}
