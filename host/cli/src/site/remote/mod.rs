//! On a server: the routes of its HTTP API.
//!
//! **Invariant:** what a server refuses, it says itself: its words are passed on. What it answers
//! is read into the model's own types, as they are written there.

mod answers;
mod connection;
mod events;
mod installation;
mod orders;
mod runs;
mod schedules;
mod url;
mod wish;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zapjobs_model::{TenantId, Timestamp};

use crate::errors::{Code, Done, Failure};
use connection::{Answer, Ask, Connection};

pub(crate) use connection::Secret;
pub(crate) use url::ServerUrl;

/// The word for all tenants.
const ALL_TENANTS: &str = "*";

/// A server, as one tenant sees it.
pub(crate) struct Remote {
    connection: Arc<Connection>,
    tenant: TenantId,
    /// Whether the token is for this tenant alone.
    is_bound: bool,
}

/// What a server says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Server {
    now: Timestamp,
    caller: Caller,
}

#[derive(Deserialize)]
struct Caller {
    bound_to: Option<TenantId>,
    tenant: Option<TenantId>,
}

/// Why a request was refused.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Remote {
    /// Asks the server who it takes us for: for the tenant that is named, or else the token's.
    pub(crate) async fn connect(
        url: ServerUrl,
        token: Option<&Secret>,
        tenant: Option<&TenantId>,
    ) -> Done<Self> {
        let connection = Arc::new(Connection::new(url, token)?);
        let mut query = Query::default();
        query.maybe("tenant", tenant);
        let path = query.on("/api/v1/server");
        let answer =
            connection.ask(Ask { method: Method::GET, path, body: None, wait: None }).await?;
        let server: Server = read(&good(answer)?)?;
        let tenant = server.caller.tenant.unwrap_or_else(TenantId::standard);
        Ok(Self { connection, tenant, is_bound: server.caller.bound_to.is_some() })
    }

    async fn server(&self) -> Done<Server> {
        self.get("/api/v1/server", self.query()).await
    }

    /// A query for the tenant.
    fn query(&self) -> Query {
        let mut query = Query::default();
        query.put("tenant", &self.tenant);
        query
    }

    /// A query for all tenants, as far as the token allows it.
    fn query_of_all(&self) -> Query {
        if self.is_bound {
            return self.query();
        }
        let mut query = Query::default();
        query.put("tenant", &ALL_TENANTS);
        query
    }

    /// Asks for something that is there.
    async fn get<T: DeserializeOwned>(&self, path: &str, query: Query) -> Done<T> {
        read(&self.bytes(path, query).await?)
    }

    /// The same as it is written.
    async fn bytes(&self, path: &str, query: Query) -> Done<Bytes> {
        good(self.ask(Method::GET, path, query, None, None).await?)
    }

    /// Asks for something that may not be there.
    async fn find(&self, path: &str, query: Query) -> Done<Option<Bytes>> {
        let answer = self.ask(Method::GET, path, query, None, None).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => good(answer).map(Some),
        }
    }

    /// Asks for something to be done.
    async fn post<T: DeserializeOwned>(&self, path: &str, body: Option<Vec<u8>>) -> Done<T> {
        read(&good(self.ask(Method::POST, path, self.query(), body, None).await?)?)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: Query,
        body: Option<Vec<u8>>,
        wait: Option<Duration>,
    ) -> Done<Answer> {
        self.connection.ask(Ask { method, path: query.on(path), body, wait }).await
    }
}

/// What stands behind the question mark.
#[derive(Default)]
struct Query(Vec<(&'static str, String)>);

impl Query {
    fn put(&mut self, name: &'static str, value: &dyn Display) {
        self.0.push((name, value.to_string()));
    }

    fn maybe(&mut self, name: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(name, &value);
        }
    }

    /// The path with the query behind it.
    fn on(self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(self.0).finish();
        format!("{path}?{query}")
    }
}

/// A name as one part of a path.
fn part(name: &dyn Display) -> String {
    let mut part = String::new();
    for byte in name.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                part.push(byte.into());
            }
            byte => part.push_str(&format!("%{byte:02X}")),
        }
    }
    part
}

/// The body of an answer that is a success.
fn good(answer: Answer) -> Done<Bytes> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    Err(refused(&answer))
}

/// Why a request was refused, in the server's words.
fn refused(answer: &Answer) -> Failure {
    let status = answer.status;
    let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) else {
        return Failure::unavailable(format!(
            "the server answers {status} and gives no reason: see that it is a ZapJobs host, and \
             that what stands before it passes its answers on"
        ));
    };
    let code = match status {
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Code::Failed,
        StatusCode::TOO_MANY_REQUESTS if problem.code == "quota-exceeded" => Code::Usage,
        StatusCode::TOO_MANY_REQUESTS => Code::Unavailable,
        status if status.is_client_error() => Code::Usage,
        _ => Code::Unavailable,
    };
    let advice = match status {
        StatusCode::UNAUTHORIZED => {
            " (a token is taken from ZAPJOBS_TOKEN, --token, or a context that has one)"
        }
        _ => "",
    };
    Failure::new(code, format!("the server refuses: {}{advice}", problem.detail))
}

/// Reads what a server answers.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Done<T> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::unavailable(format!(
            "the server's answer cannot be read ({error}): see that it is a ZapJobs host of this \
             version"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_path_and_queries_are_escaped() {
        assert_eq!(part(&"job:acme/greet"), "job%3Aacme%2Fgreet");
        let mut query = Query::default();
        query.put("search", &"a b&c");
        query.maybe("queue", None::<&str>);
        assert_eq!(query.on("/x"), "/x?search=a+b%26c");
        assert_eq!(Query::default().on("/x"), "/x");
    }

    #[test]
    fn a_refusal_says_what_the_server_says() {
        let refusal = |status, body: &str| {
            let failure = refused(&Answer { status, body: Bytes::from(body.to_owned()) });
            (failure.code, failure.message)
        };
        let body = r#"{"code": "wrong-status", "detail": "run 1 is done", "status": 409}"#;
        let conflict = refusal(StatusCode::CONFLICT, body);
        assert_eq!(conflict, (Code::Failed, "the server refuses: run 1 is done".to_owned()));
        assert_eq!(refusal(StatusCode::SERVICE_UNAVAILABLE, body).0, Code::Unavailable);
        assert!(refusal(StatusCode::UNAUTHORIZED, body).1.contains("ZAPJOBS_TOKEN"));
        let strange = refusal(StatusCode::BAD_GATEWAY, "<html>");
        assert_eq!(strange.0, Code::Unavailable);
        assert!(strange.1.contains("502"), "{}", strange.1);
    }
}
