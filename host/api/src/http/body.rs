//! JSON bodies, read strictly: what a route does not know is refused, with its place.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::problem::{Code, PlacedError, Problem};
use crate::options::REQUEST_TIME_MAX;
use crate::state::Api;

/// A body that is one JSON value of this shape.
pub(crate) struct StrictJson<T>(pub(crate) T);

/// The same where the body may be left out.
pub(crate) struct MaybeJson<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest<Api> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request.into_body(), api.options().body_bytes_max).await?;
        if !is_json {
            return Err(Problem::new(
                Code::MediaType,
                "the body is not sent as JSON: set Content-Type to application/json",
            ));
        }
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request.into_body(), api.options().body_bytes_max).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !is_json {
            return Err(Problem::new(
                Code::MediaType,
                "the body is not sent as JSON: set Content-Type to application/json, or send none",
            ));
        }
        parse::<Option<T>>(&bytes).map(Self)
    }
}

/// Reads JSON of this shape; the problem names line, column and place.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = match error.path().to_string() {
            place if place == "." => String::new(),
            place => format!("at {place}: "),
        };
        let refused = refused(&place, error.inner());
        match refused.code() {
            Code::BadBody => {
                let (pointer, detail) = (pointer(error.path()), error.inner().to_string());
                refused.at(vec![PlacedError { pointer, detail }])
            }
            _ => refused,
        }
    })?;
    json.end().map_err(|error| refused("", &error))?;
    Ok(value)
}

fn pointer(path: &Path) -> String {
    let escaped = |text: &str| format!("/{}", text.replace('~', "~0").replace('/', "~1"));
    let parts = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => escaped(key),
        Segment::Enum { variant } => escaped(variant),
        Segment::Unknown => String::new(),
    });
    parts.collect()
}

fn refused(place: &str, error: &serde_json::Error) -> Problem {
    let code = match error.classify() {
        serde_json::error::Category::Data => Code::BadBody,
        _ => Code::BadJson,
    };
    Problem::new(code, format!("{place}{error}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return false };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || (kind.len() > 5 && kind[kind.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// Reads a body, so long at most.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, bytes_max).collect();
    let Ok(collected) = tokio::time::timeout(REQUEST_TIME_MAX, collected).await else {
        let detail = "the body did not come in time: nothing was done";
        return Err(Problem::new(Code::TimedOut, detail));
    };
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            Code::TooLarge,
            format!("the body is longer than {bytes_max} bytes: send less at a time"),
        )),
        Err(error) => {
            Err(Problem::new(Code::BadJson, format!("the body broke off: {error}: send it again")))
        }
    }
}
