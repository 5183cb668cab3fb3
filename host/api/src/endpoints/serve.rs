//! Requests for endpoints are taken, and told what became of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use zapjobs_model::{Digest, IdempotencyKey, JobRequest, Run, RunId, RunStatus, TenantId, Trigger};

use super::config::{Endpoint, EndpointAuth};
use super::reply::reply;
use super::request::input;
use super::ticket::{Secret, Ticket};
use super::{PREFIX, RESULTS};
use crate::access::{Caller, Scope};
use crate::http::problem::{Code, Problem, RETRY_AFTER_SECONDS};
use crate::http::{body, prefer, trace};
use crate::options::AuthMode;
use crate::runs::request_name;
use crate::state::Api;

/// Metadata of a run: the method and pattern of the endpoint that it was made by.
const ENDPOINT_KEY: &str = "endpoint";
/// Metadata of a run: the digest of the secret that lets one see its result.
const SECRET_KEY: &str = "endpoint.secret";

/// What a caller is told while a run goes on.
#[derive(Serialize)]
struct Accepted {
    id: String,
    status: RunStatus,
}

/// Makes a run of a request.
pub(super) async fn submit(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (endpoint, params) = match find(&api, &parts, path) {
        Ok(found) => found,
        Err(allowed) => return Ok(not_found(&parts, path, &allowed)),
    };
    let wait = prefer::wait(&parts.headers)?;
    let caller = admit(&api, endpoint.auth, &endpoint.tenant, &parts).await?;
    let body = body::read(body, endpoint.body_bytes_max).await?;
    let name = format!("{} {}", parts.method, endpoint.path.as_str());
    let secret = caller.is_none().then(Secret::new);
    let mut metadata = BTreeMap::from([(ENDPOINT_KEY.to_owned(), name.clone())]);
    metadata.extend(secret.as_ref().map(|it| (SECRET_KEY.to_owned(), it.digest())));
    trace::keep(&parts.headers, &mut metadata);
    let input = input(endpoint, &parts, path, params, &body)?;
    let request = JobRequest {
        queue: endpoint.queue.clone(),
        trigger: Trigger::Api,
        metadata,
        idempotency_key: idempotency(&parts, caller.as_ref(), &name)?,
        ..JobRequest::new(endpoint.tenant.clone(), endpoint.job_type.clone(), input)
    };
    let id = api.client().submit_all(vec![request]).await?[0].id;
    let ticket = Ticket::new(id, secret);
    if let Some(wait) = wait
        && let Some((run, applied)) = ended(&api, endpoint, id, wait).await?
    {
        return answer(&run, endpoint, &ticket, Some(applied));
    }
    Ok(accepted(&ticket, RunStatus::Pending))
}

/// Tells what became of a request.
pub(super) async fn result(
    State(api): State<Api>,
    Path(text): Path<String>,
    parts: Parts,
) -> Result<Response, Problem> {
    let wait = prefer::wait(&parts.headers)?;
    let ticket: Ticket = text.parse().map_err(|()| unknown())?;
    let (mut run, endpoint) = match ticket.has_secret() {
        true => {
            limit_public(&api, &parts)?;
            let opens = |run: &Run| run.metadata.get(SECRET_KEY).is_some_and(|it| ticket.opens(it));
            made_by_endpoint(&api, &ticket, opens).await?
        }
        // One who shows no good token learns nothing of whether it is there.
        false => {
            let caller = admit_with(&api, Scope::Read, &parts).await?;
            let found = made_by_endpoint(&api, &ticket, |run| caller.sees(&run.tenant)).await?;
            caller.require(found.1.scope())?;
            found
        }
    };
    let mut applied = None;
    if let Some(wait) = wait
        && let Some((ended, header)) = ended(&api, endpoint, run.id, wait).await?
    {
        run = ended;
        applied = Some(header);
    }
    answer(&run, endpoint, &ticket, applied)
}

/// The endpoint that a request is for, and what the parts of its path stand for; else the methods
/// of those that are for its path.
fn find<'a>(
    api: &'a Api,
    parts: &Parts,
    path: &str,
) -> Result<(&'a Endpoint, BTreeMap<String, String>), Vec<&'a str>> {
    let mut allowed = Vec::new();
    for endpoint in api.options().endpoints.iter() {
        let Some(params) = endpoint.path.matches(path) else { continue };
        if endpoint.methods.contains(&parts.method) {
            return Ok((endpoint, params));
        }
        allowed.extend(endpoint.methods.iter().map(|method| method.as_str()));
    }
    Err(allowed)
}

fn not_found(parts: &Parts, path: &str, allowed: &[&str]) -> Response {
    let shown: String = path.chars().take(80).collect();
    if allowed.is_empty() {
        let detail = format!("there is no endpoint {shown}");
        return Problem::new(Code::UnknownRoute, detail).into_response();
    }
    let detail = format!("the endpoint {shown} does not have {}", parts.method);
    let mut answer = Problem::new(Code::Method, detail).into_response();
    let allowed = HeaderValue::from_str(&allowed.join(", ")).expect("methods are plain");
    answer.headers_mut().insert(header::ALLOW, allowed);
    answer
}

/// The run of a ticket, if the caller may see it, and the endpoint that it was made by.
async fn made_by_endpoint<'a>(
    api: &'a Api,
    ticket: &Ticket,
    may_be_seen: impl Fn(&Run) -> bool,
) -> Result<(Run, &'a Endpoint), Problem> {
    let run = api.storage().run(ticket.run).await?.filter(may_be_seen).ok_or_else(unknown)?;
    let endpoint = endpoint_of(api, &run).ok_or_else(unknown)?;
    Ok((run, endpoint))
}

/// Waits for a run to end. Those who wait for public endpoints take no room from others.
async fn ended(
    api: &Api,
    endpoint: &Endpoint,
    run: RunId,
    within: Duration,
) -> Result<Option<(Run, HeaderValue)>, Problem> {
    let room = match endpoint.auth {
        EndpointAuth::Public => api.public_waits(),
        EndpointAuth::Token(_) => api.waits(),
    };
    prefer::ended_in(api, room, run, within).await
}

/// The endpoint that a run was made by, if it is there still.
fn endpoint_of<'a>(api: &'a Api, run: &Run) -> Option<&'a Endpoint> {
    let endpoint = api.options().endpoints.named(run.metadata.get(ENDPOINT_KEY)?)?;
    (endpoint.tenant == run.tenant && endpoint.job_type == run.job_type).then_some(endpoint)
}

/// Who sent a request; `None` where nobody is asked.
async fn admit(
    api: &Api,
    auth: EndpointAuth,
    tenant: &TenantId,
    parts: &Parts,
) -> Result<Option<Caller>, Problem> {
    let EndpointAuth::Token(scope) = auth else {
        limit_public(api, parts)?;
        return Ok(None);
    };
    let caller = admit_with(api, scope, parts).await?;
    if !caller.sees(tenant) {
        let detail = "the token is another tenant's than the endpoint";
        return Err(Problem::new(Code::WrongTenant, detail));
    }
    Ok(Some(caller))
}

async fn admit_with(api: &Api, scope: Scope, parts: &Parts) -> Result<Caller, Problem> {
    let caller = match api.options().auth {
        AuthMode::Off => Caller::anyone(),
        AuthMode::Tokens => api.authenticate(parts).await?,
    };
    caller.require(scope)?;
    Ok(caller)
}

fn limit_public(api: &Api, parts: &Parts) -> Result<(), Problem> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0.ip());
    if api.throttles().lets_public(&peer) {
        return Ok(());
    }
    let detail = "too many requests for public endpoints from this address: wait";
    Err(Problem::new(Code::RateLimited, detail).retry_after(RETRY_AFTER_SECONDS))
}

/// A name for the request, of those of this caller and endpoint. Where nobody is asked who they
/// are there is none: whoever guessed it would get another's result.
fn idempotency(
    parts: &Parts,
    caller: Option<&Caller>,
    endpoint: &str,
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(caller) = caller else { return Ok(None) };
    let Some(name) = request_name(&parts.headers)? else { return Ok(None) };
    let digest = Digest::of(format!("{}\n{endpoint}\n{name}", caller.id).as_bytes());
    Ok(Some(IdempotencyKey::new(format!("endpoint {digest}"))))
}

fn answer(
    run: &Run,
    endpoint: &Endpoint,
    ticket: &Ticket,
    applied: Option<HeaderValue>,
) -> Result<Response, Problem> {
    let mut answer = match run.status.is_final() {
        true => reply(run, endpoint.answer)?,
        false => accepted(ticket, run.status),
    };
    if let Some(applied) = applied {
        answer.headers_mut().insert(prefer::APPLIED, applied);
    }
    Ok(answer)
}

fn accepted(ticket: &Ticket, status: RunStatus) -> Response {
    let place = format!("{RESULTS}/{ticket}");
    let place = HeaderValue::from_str(&place).expect("an id and digits are plain");
    let body = Accepted { id: ticket.to_string(), status };
    let mut answer = (StatusCode::ACCEPTED, Answer(body)).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::LOCATION, place);
    headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    answer
}

fn unknown() -> Problem {
    Problem::not_found("such result, or it is not for you, or it is deleted by now")
}

impl Endpoint {
    /// The scope that its results take where no secret stands for one.
    fn scope(&self) -> Scope {
        match self.auth {
            EndpointAuth::Public => Scope::Read,
            EndpointAuth::Token(scope) => scope,
        }
    }
}
