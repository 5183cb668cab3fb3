//! Entity tags: whether what a client has is what there is.

use std::fmt::Display;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::problem::{Code, Problem};
use crate::hex::hex;

/// A document with its tag; `304` where the client has it already.
pub(crate) fn tagged(headers: &HeaderMap, document: &impl Serialize) -> Result<Response, Problem> {
    let text = json_text(document)?;
    let digest = Sha256::digest(&text);
    let tag = hex(&digest[..16]);
    Ok(with_tag(headers, &format!("\"{tag}\""), text))
}

/// A document that carries a revision.
pub(crate) fn revised(
    headers: &HeaderMap,
    revision: u64,
    document: &impl Serialize,
) -> Result<Response, Problem> {
    Ok(with_tag(headers, &format!("\"{revision}\""), json_text(document)?))
}

/// The revision that a change is based on: `If-Match: "7"`; `None` for `If-Match: *`.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(
            Code::NeedsIfMatch,
            "a change needs If-Match with the ETag that it is based on, or * for whatever there is",
        ));
    };
    let text = given.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    revision.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Problem::new(Code::BadHeader, "If-Match: pass the ETag of an earlier answer as it is, or *")
    })
}

/// Whether a change says what it is based on.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_NONE_MATCH)
}

/// Whether what is stored is what a change is based on.
pub(crate) fn check(
    headers: &HeaderMap,
    stored: Option<u64>,
    what: impl Display,
) -> Result<(), Problem> {
    if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == b"*") {
        return match stored {
            None => Ok(()),
            Some(_) => Err(Problem::new(Code::Conflict, format!("there is a {what} already"))),
        };
    }
    let based_on = if_match(headers)?;
    let stored = stored.ok_or_else(|| Problem::not_found(&what))?;
    match based_on {
        Some(wanted) if wanted != stored => {
            let detail = format!("the {what} has revision {stored} now: look at it again");
            Err(Problem::new(Code::Changed, detail))
        }
        _ => Ok(()),
    }
}

fn json_text(document: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(document).map_err(|error| {
        Problem::new(Code::Internal, format!("what is stored cannot be written as JSON: {error}"))
    })
}

fn with_tag(headers: &HeaderMap, tag: &str, text: Vec<u8>) -> Response {
    let value = HeaderValue::from_str(tag).expect("a tag is plain ASCII");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known.split(',').any(|it| it.trim() == "*" || it.trim().trim_start_matches("W/") == tag)
    });
    if is_known {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, value)]).into_response();
    }
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind), (header::ETAG, value)], text).into_response()
}
