//! Which endpoints there are, as their operator says.
//!
//! **Invariant:** what was read can be served: patterns are sound, no two endpoints are for the
//! same requests, and no header that carries a secret of this API is passed on.

use std::sync::Arc;

use axum::http::{HeaderName, Method};
use serde::Deserialize;
use zapjobs_model::{JobType, QueueName, TenantId};

use super::pattern::PathPattern;
use crate::access::Scope;

/// Endpoints at most.
pub const ENDPOINTS_MAX: usize = 256;
/// Headers that one passes on at most.
const HEADERS_MAX: usize = 32;
/// Bytes of a body unless said: 1 MiB.
const BODY_BYTES_DEFAULT: usize = 1 << 20;
/// Bytes of a body at most: an input holds 16 MiB, and escapes and base64 make it longer.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Methods that can be asked for.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Headers that would bring secrets of this API into inputs, which are stored and shown.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// A file of endpoints: `[[endpoint]]` again and again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointFile {
    /// Its endpoints. Where two are for one request, the first counts.
    #[serde(default)]
    pub endpoint: Vec<EndpointWish>,
}

/// An endpoint as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointWish {
    /// Which paths below `/endpoints`: `/orders/{id}`, or `/files/{*rest}`.
    pub path: String,
    /// Which methods; `POST` where absent.
    #[serde(default = "post")]
    pub methods: Vec<String>,
    /// Which job is run.
    pub job_type: JobType,
    /// Whose job; the server's tenant where absent.
    pub tenant: Option<TenantId>,
    /// The queue to wait in; the job's own where absent.
    pub queue: Option<QueueName>,
    /// Headers of a request that the job is given.
    #[serde(default = "content_type")]
    pub headers: Vec<String>,
    /// Who may ask.
    #[serde(default)]
    pub auth: EndpointAuth,
    /// Bytes of a body at most; 1 MiB where absent, 8 MiB at most.
    pub body_bytes_max: Option<usize>,
    /// How an output becomes an answer.
    #[serde(default)]
    pub answer: AnswerShape,
}

/// Who may send requests to an endpoint: `public`, or a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum EndpointAuth {
    /// Everyone who reaches it.
    Public,
    /// Whoever shows a token with this scope that is good for the endpoint's tenant.
    Token(Scope),
}

/// How an output becomes an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerShape {
    /// It is the answer: JSON, with status 200.
    #[default]
    Output,
    /// It says the answer: `{"status", "headers", "body", "base64"}`.
    Response,
}

/// An endpoint that cannot be served. One line that says which, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

/// The endpoints of a server.
#[derive(Debug, Clone, Default)]
pub struct Endpoints(Arc<[Endpoint]>);

/// An endpoint that can be served.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) path: PathPattern,
    pub(super) methods: Vec<Method>,
    pub(super) job_type: JobType,
    pub(super) tenant: TenantId,
    pub(super) queue: Option<QueueName>,
    pub(super) headers: Vec<HeaderName>,
    pub(super) auth: EndpointAuth,
    pub(super) body_bytes_max: usize,
    pub(super) answer: AnswerShape,
}

fn post() -> Vec<String> {
    vec!["POST".to_owned()]
}

fn content_type() -> Vec<String> {
    vec!["content-type".to_owned()]
}

impl Default for EndpointAuth {
    fn default() -> Self {
        Self::Token(Scope::Enqueue)
    }
}

impl TryFrom<String> for EndpointAuth {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "public" {
            return Ok(Self::Public);
        }
        let scope = text.parse().map(Self::Token);
        scope.map_err(|error| format!("{error}, or public for everyone"))
    }
}

impl Endpoints {
    /// Checks endpoints; those that name no tenant are this one's.
    pub fn new(file: EndpointFile, tenant: &TenantId) -> Result<Self, InvalidEndpoint> {
        let count = file.endpoint.len();
        if count > ENDPOINTS_MAX {
            return Err(InvalidEndpoint(format!("{count} endpoints: use at most {ENDPOINTS_MAX}")));
        }
        let mut all: Vec<Endpoint> = Vec::with_capacity(count);
        for (at, wish) in file.endpoint.into_iter().enumerate() {
            let name = wish.path.chars().take(80).collect::<String>();
            let endpoint = Endpoint::new(wish, tenant).map_err(|problem| {
                InvalidEndpoint(format!("endpoint {} ({name}): {problem}", at + 1))
            })?;
            let is_same = |known: &&Endpoint| {
                known.path == endpoint.path
                    && known.methods.iter().any(|method| endpoint.methods.contains(method))
            };
            if all.iter().find(is_same).is_some() {
                let problem = format!(
                    "endpoint {} ({name}) is for requests of an earlier one: remove one of both",
                    at + 1
                );
                return Err(InvalidEndpoint(problem));
            }
            all.push(endpoint);
        }
        Ok(Self(all.into()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter()
    }

    /// The endpoint that a run was made by.
    pub(super) fn named(&self, name: &str) -> Option<&Endpoint> {
        let (method, path) = name.split_once(' ')?;
        self.0.iter().find(|it| {
            it.path.as_str() == path && it.methods.iter().any(|known| known.as_str() == method)
        })
    }
}

impl Endpoint {
    fn new(wish: EndpointWish, tenant: &TenantId) -> Result<Self, String> {
        if wish.methods.is_empty() {
            return Err("no methods: name some, such as POST".to_owned());
        }
        let methods = wish.methods.iter().map(|text| {
            let known = METHODS.contains(&text.as_str()).then(|| text.parse().ok()).flatten();
            known.ok_or_else(|| format!("the method {text:?}: use {}", METHODS.join(", ")))
        });
        if wish.headers.len() > HEADERS_MAX {
            return Err(format!("{} headers: use at most {HEADERS_MAX}", wish.headers.len()));
        }
        let headers = wish.headers.iter().map(|text| {
            let name: Option<HeaderName> = text.to_ascii_lowercase().parse().ok();
            let name = name.ok_or_else(|| format!("{text:?} is no name of a header"))?;
            match SECRET_HEADERS.contains(&name.as_str()) {
                true => {
                    Err(format!("the header {name} is not passed on: inputs are stored and shown"))
                }
                false => Ok(name),
            }
        });
        let body_bytes_max = wish.body_bytes_max.unwrap_or(BODY_BYTES_DEFAULT);
        if body_bytes_max > BODY_BYTES_MAX {
            return Err(format!("body_bytes_max = {body_bytes_max}: use at most {BODY_BYTES_MAX}"));
        }
        Ok(Self {
            path: PathPattern::parse(&wish.path)?,
            methods: methods.collect::<Result<_, _>>()?,
            job_type: wish.job_type,
            tenant: wish.tenant.unwrap_or_else(|| tenant.clone()),
            queue: wish.queue,
            headers: headers.collect::<Result<_, _>>()?,
            auth: wish.auth,
            body_bytes_max,
            answer: wish.answer,
        })
    }
}
