//! What a run came to, as the answer to whoever asked.
//!
//! **Invariant:** an answer that a job words is shown as a document of no origin: it can neither
//! run scripts nor be framed, and headers that say otherwise are refused, not passed over.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zapjobs_model::{Json, Run, RunStatus};

use super::config::AnswerShape;
use crate::http::problem::{Code, Problem};

/// Headers that one answer may name at most, each value counted.
const HEADERS_MAX: usize = 64;
/// What browsers do with an answer that a job worded.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// Headers that connections, this API or browsers' safety go by.
const FORBIDDEN: [&str; 33] = [
    "alt-svc",
    "clear-site-data",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-security-policy-report-only",
    "date",
    "keep-alive",
    "link",
    "nel",
    "origin-agent-cluster",
    "permissions-policy",
    "preference-applied",
    "proxy-authenticate",
    "proxy-connection",
    "referrer-policy",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "sourcemap",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
];
/// The same by how they begin.
const FORBIDDEN_BEGINNINGS: [&str; 2] = ["access-control-", "cross-origin-"];

/// What a job says of its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    body: Value,
    /// Whether the body is a text of base64.
    #[serde(default)]
    base64: bool,
}

/// One value of a header, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

const fn ok() -> u16 {
    200
}

/// The answer that a run which has ended stands for.
pub(super) fn reply(run: &Run, shape: AnswerShape) -> Result<Response, Problem> {
    if run.status != RunStatus::Completed {
        return Ok(failed(run));
    }
    let output = run.output.clone().unwrap_or_else(Json::null);
    let mut answer = match shape {
        AnswerShape::Output => json(output.as_str().to_owned()),
        AnswerShape::Response => worded(output.as_str()).map_err(|problem| {
            Problem::new(Code::BadOutput, format!("the job's output is no answer: {problem}"))
        })?,
    };
    let policy = HeaderValue::from_static(POLICY);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn worded(output: &str) -> Result<Response, String> {
    let said: Said = serde_json::from_str(output).map_err(|error| error.to_string())?;
    let status = StatusCode::from_u16(said.status).ok().filter(|it| it.as_u16() >= 200);
    let status = status.filter(|it| it.as_u16() < 600);
    let status = status.ok_or_else(|| format!("status {}: use 200 to 599", said.status))?;
    let has_body = !matches!(status.as_u16(), 204 | 205 | 304);
    if !has_body && !said.body.is_null() {
        return Err(format!("status {status} has no body"));
    }
    let mut answer = match (said.body, said.base64) {
        (Value::Null, _) => ().into_response(),
        (Value::String(text), true) => {
            let bytes = STANDARD.decode(text).map_err(|error| format!("body: {error}"))?;
            ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
        }
        (_, true) => return Err("body is no text, and base64 is said".to_owned()),
        (Value::String(text), false) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        (value, false) => json(value.to_string()),
    };
    *answer.status_mut() = status;
    let mut count = 0;
    for (name, values) in said.headers {
        let name = allowed(&name)?;
        let values = match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values,
        };
        answer.headers_mut().remove(&name);
        count += values.len();
        if count > HEADERS_MAX {
            return Err(format!("more than {HEADERS_MAX} headers"));
        }
        for value in values {
            let value = HeaderValue::try_from(value);
            let value = value.map_err(|_| format!("the header {name} has control characters"))?;
            answer.headers_mut().append(&name, value);
        }
    }
    Ok(answer)
}

fn allowed(text: &str) -> Result<HeaderName, String> {
    let shown: String = text.chars().take(80).collect();
    let name = text.to_ascii_lowercase();
    let is_forbidden = FORBIDDEN.contains(&name.as_str())
        || FORBIDDEN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    if is_forbidden {
        return Err(format!("the header {shown} is not a job's to set"));
    }
    name.parse().map_err(|_| format!("{shown:?} is no name of a header"))
}

/// Why there is no output. The error's type is the code.
#[derive(Serialize)]
struct Failed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'a str,
    detail: &'a str,
}

fn failed(run: &Run) -> Response {
    let (status, title) = match run.status {
        RunStatus::Cancelled => (StatusCode::CONFLICT, "the run was cancelled"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the run failed"),
    };
    let error = run.error.as_ref();
    let body = Failed {
        kind: "urn:zapjobs:run-error",
        title,
        status: status.as_u16(),
        code: error.map_or("unknown", |error| &error.error_type),
        detail: error.map_or("", |error| &error.message),
    };
    let text = serde_json::to_string(&body).expect("texts and a number serialise");
    (status, [(header::CONTENT_TYPE, "application/problem+json")], text).into_response()
}
