//! Answers that are not a success: `application/problem+json` (RFC 9457).
//!
//! **Invariant:** a code never changes its meaning, and no answer tells of what the caller may
//! not see.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use zapjobs_model::RunId;

/// Seconds after which a client may try again, where nothing better is known.
pub(crate) const RETRY_AFTER_SECONDS: u64 = 1;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// What kind of problem it is. The words are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// A title for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    BadJson = "bad-json", BAD_REQUEST, "the body is no JSON";
    /// The body is JSON of another shape.
    BadBody = "bad-body", UNPROCESSABLE_ENTITY, "the body has another shape";
    /// The query cannot be read.
    BadQuery = "bad-query", BAD_REQUEST, "the query cannot be read";
    /// A name or id in the path cannot be one.
    BadPath = "bad-path", BAD_REQUEST, "the path names nothing that can be";
    /// A header cannot be read.
    BadHeader = "bad-header", BAD_REQUEST, "a header cannot be read";
    /// The cursor is none of this listing.
    BadCursor = "bad-cursor", BAD_REQUEST, "the cursor is none of this listing";
    /// What was asked for breaks a rule.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "the request breaks a rule";
    /// The input breaks the job's schema.
    InputBreaksSchema = "input-breaks-schema", UNPROCESSABLE_ENTITY, "the input does not fit";
    /// No definition has this name.
    UnknownJobType = "unknown-job-type", UNPROCESSABLE_ENTITY, "unknown job type";
    /// The body or the input is too long.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "the body is too long";
    /// The body is not sent as JSON.
    MediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "send JSON";
    /// There is no such route.
    UnknownRoute = "unknown-route", NOT_FOUND, "there is no such route";
    /// The route does not have this method.
    Method = "method-not-allowed", METHOD_NOT_ALLOWED, "the route does not have this method";
    /// There is no such run.
    UnknownRun = "unknown-run", NOT_FOUND, "there is no such run";
    /// There is no such thing.
    NotFound = "not-found", NOT_FOUND, "there is no such thing";
    /// No token, or none that is good.
    Unauthorised = "unauthorised", UNAUTHORIZED, "show a token";
    /// The token may not do this.
    Scope = "insufficient-scope", FORBIDDEN, "the token may not do this";
    /// The token is another tenant's.
    WrongTenant = "wrong-tenant", FORBIDDEN, "the token is another tenant's";
    /// The request calls this host by a name that is not its own.
    WrongHost = "wrong-host", MISDIRECTED_REQUEST, "this host has another name";
    /// A page of another origin asks.
    WrongOrigin = "wrong-origin", FORBIDDEN, "a page of another origin asks";
    /// Where it stands does not allow it.
    WrongStatus = "wrong-status", CONFLICT, "it stands so that this cannot be done";
    /// Another run holds the key.
    KeyHeld = "key-held", CONFLICT, "another run holds the key";
    /// It contradicts what is stored.
    Conflict = "conflict", CONFLICT, "it contradicts what is stored";
    /// It was changed meanwhile.
    Changed = "changed-meanwhile", PRECONDITION_FAILED, "it was changed meanwhile";
    /// A change must say what it is based on.
    NeedsIfMatch = "needs-if-match", PRECONDITION_REQUIRED, "say what the change is based on";
    /// The tenant has too many runs that wait.
    Quota = "quota-exceeded", TOO_MANY_REQUESTS, "a quota is exceeded";
    /// Too many requests.
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "too many requests";
    /// The job returned what an endpoint cannot answer.
    BadOutput = "bad-output", BAD_GATEWAY, "the job returned what cannot be answered";
    /// The storage is away or busy.
    Unavailable = "storage-unavailable", SERVICE_UNAVAILABLE, "the storage is not there now";
    /// The request took too long.
    TimedOut = "timed-out", SERVICE_UNAVAILABLE, "the request took too long";
    /// The server is at a bound.
    Busy = "busy", SERVICE_UNAVAILABLE, "the server is at a bound";
    /// This server cannot do it.
    NotHere = "not-here", NOT_IMPLEMENTED, "this server cannot do it";
    /// The server failed.
    Internal = "internal", INTERNAL_SERVER_ERROR, "the server failed";
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    retry_after: Option<u64>,
    errors: Vec<PlacedError>,
}

/// What is wrong at one place of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PlacedError {
    /// A JSON pointer into the body; empty for the whole.
    pub(crate) pointer: String,
    /// What is wrong there.
    pub(crate) detail: String,
}

/// How it is written.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// A name for this kind of problem: `urn:zapjobs:problem:CODE`.
    #[serde(rename = "type")]
    kind: String,
    /// A title for people.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// The code: a stable word for programs.
    code: &'a str,
    /// What was wrong, where, and what to do.
    detail: &'a str,
    /// Each place of the body that is wrong, as far as places are known: up to 20.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [PlacedError],
}

impl Problem {
    /// A problem of this kind; `detail` says what was wrong, where, and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after =
            matches!(code.status(), StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), retry_after, errors: Vec::new() }
    }

    /// What kind it is.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What it says.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// With other words.
    #[must_use]
    pub(crate) fn saying(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// With the places that are wrong.
    #[must_use]
    pub(crate) fn at(self, errors: Vec<PlacedError>) -> Self {
        Self { errors, ..self }
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(crate) fn unknown_run(id: RunId) -> Self {
        Self::new(Code::UnknownRun, format!("there is no run {id}: GET /api/v1/runs lists them"))
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            kind: format!("urn:zapjobs:problem:{}", self.code.name()),
            title: self.code.title(),
            status: status.as_u16(),
            code: self.code.name(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let text = serde_json::to_vec(&body).expect("texts and a number serialise");
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], text).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"zapjobs\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
