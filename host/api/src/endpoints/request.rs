//! What a job is given of a request.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zapjobs_model::Json;

use super::config::Endpoint;
use crate::http::problem::{Code, Problem};

/// A request as its job reads it. `docs/http-api.md` has its schema.
#[derive(Debug, Serialize)]
struct Input<'a> {
    method: &'a str,
    /// As it was sent, below `/endpoints`.
    path: &'a str,
    params: BTreeMap<String, String>,
    query: BTreeMap<String, Vec<String>>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// The input that a request stands for.
pub(super) fn input(
    endpoint: &Endpoint,
    parts: &Parts,
    path: &str,
    params: BTreeMap<String, String>,
    body: &[u8],
) -> Result<Json, Problem> {
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    for (name, value) in pairs {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let (body, body_base64) = body_of(&parts.headers, body)?;
    let headers = headers(endpoint, &parts.headers)?;
    let method = parts.method.as_str();
    let input = Input { method, path, params, query, headers, body, body_base64 };
    Ok(Json::of(&input).expect("texts and checked JSON serialise"))
}

/// The headers that are passed on; those that came several times, with commas between.
fn headers<'a>(
    endpoint: &'a Endpoint,
    given: &HeaderMap,
) -> Result<BTreeMap<&'a str, String>, Problem> {
    let mut passed = BTreeMap::new();
    for name in &endpoint.headers {
        let texts = given.get_all(name).iter().map(|value| {
            std::str::from_utf8(value.as_bytes()).map_err(|_| {
                Problem::new(Code::BadHeader, format!("the header {name} is not UTF-8"))
            })
        });
        let texts: Vec<&str> = texts.collect::<Result<_, _>>()?;
        if !texts.is_empty() {
            passed.insert(name.as_str(), texts.join(", "));
        }
    }
    Ok(passed)
}

/// JSON as it is, text as text, all else in base64.
fn body_of(headers: &HeaderMap, body: &[u8]) -> Result<(Option<Json>, Option<String>), Problem> {
    if body.is_empty() {
        return Ok((None, None));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    let text = std::str::from_utf8(body).ok();
    if is_json {
        let text = text.ok_or_else(|| Problem::new(Code::BadJson, "the body is not UTF-8"))?;
        let json = Json::parse(text);
        let json = json.map_err(|error| Problem::new(Code::BadJson, error.to_string()))?;
        return Ok((Some(json), None));
    }
    let is_text = kind.starts_with("text/") || kind == "application/x-www-form-urlencoded";
    match text.filter(|_| is_text) {
        Some(text) => Ok((Some(Json::of(&text).expect("a text serialises")), None)),
        None => Ok((None, Some(STANDARD.encode(body)))),
    }
}
