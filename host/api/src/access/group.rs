//! Operations that need the same scope.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use uuid::Uuid;
use zapjobs_model::Timestamp;

use super::{Caller, Scope};
use crate::audit::Entry;
use crate::http::problem::{Code, Problem};
use crate::options::AuthMode;
use crate::state::Api;

/// The name of the security scheme in the OpenAPI document.
pub(crate) const SCHEME: &str = "token";

/// Whose things an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One tenant's: whoever asks sees their own.
    Tenant,
    /// The whole installation's: for tokens that are bound to no tenant.
    Everything,
}

/// Operations that need the same scope.
pub(crate) struct Group {
    api: Api,
    access: Access,
    routes: OpenApiRouter<Api>,
}

#[derive(Debug, Clone, Copy)]
struct Access {
    scope: Scope,
    reach: Reach,
}

impl Group {
    pub(crate) fn new(api: &Api, scope: Scope, reach: Reach) -> Self {
        let routes = OpenApiRouter::with_openapi(crate::router::skeleton());
        Self { api: api.clone(), access: Access { scope, reach }, routes }
    }

    /// Adds operations.
    #[must_use]
    pub(crate) fn with(mut self, routes: UtoipaMethodRouter<Api>) -> Self {
        self.routes = self.routes.routes(routes);
        self
    }

    /// The operations, each checked and each described.
    pub(crate) fn build(self) -> OpenApiRouter<Api> {
        let check = from_fn_with_state((self.api, self.access), authorise);
        let mut routes = self.routes.route_layer(check);
        for item in routes.get_openapi_mut().paths.paths.values_mut() {
            operations(item).for_each(|operation| describe(operation, self.access));
        }
        routes
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
    all.into_iter().filter_map(Option::as_mut)
}

fn describe(operation: &mut Operation, access: Access) {
    let needs = SecurityRequirement::new(SCHEME, [access.scope.name()]);
    operation.security = Some(vec![needs]);
    let reach = match access.reach {
        Reach::Tenant => "tenant",
        Reach::Everything => "everything",
    };
    let said =
        ExtensionsBuilder::new().add("x-scope", access.scope.name()).add("x-reach", reach).build();
    operation.extensions = Some(said);
    for status in ["4XX", "5XX"] {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| problem().into());
    }
}

/// Any answer that is not a success.
fn problem() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description("a problem: its code says which")
        .content("application/problem+json", content)
        .build()
}

async fn authorise(
    State((api, access)): State<(Api, Access)>,
    request: Request,
    next: Next,
) -> Response {
    // A body cannot be looked at by two threads; the rest can.
    let (mut parts, body) = request.into_parts();
    let caller = match admit(&api, access, &parts).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let is_change = !parts.method.is_safe() && access.scope >= Scope::Operate;
    let entry = is_change.then(|| entry(&parts, &caller, access.reach));
    parts.extensions.insert(caller);
    let request = Request::from_parts(parts, body);
    let Some(entry) = entry else { return next.run(request).await };
    // A task of its own, so that a change that has begun is done and recorded to its end.
    let recorded = tokio::spawn(recorded(api, entry, request, next)).await;
    recorded.unwrap_or_else(|error| panicked(&error).into_response())
}

async fn recorded(api: Api, entry: Entry, request: Request, next: Next) -> Response {
    let worked = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let answer = worked.unwrap_or_else(|_| panicked(&"see above").into_response());
    let status = answer.status().as_u16();
    let at = api.storage().now().await.unwrap_or(entry.at);
    api.audit().record(Entry { at, status, ..entry }).await;
    answer
}

fn panicked(error: &dyn Display) -> Problem {
    tracing::error!("a change over the HTTP API panicked: {error}");
    Problem::new(Code::Internal, "the server has a fault here: its log tells more")
}

fn entry(request: &Parts, caller: &Caller, reach: Reach) -> Entry {
    let query = request.uri.query().unwrap_or_default();
    let route = request.extensions.get::<MatchedPath>().map_or("", |it| it.as_str());
    let target = match query {
        "" => request.uri.path().to_owned(),
        query => format!("{}?{query}", request.uri.path()),
    };
    Entry {
        id: Uuid::now_v7(),
        at: Timestamp::from_micros(0),
        token: caller.id.clone(),
        token_name: caller.name.clone(),
        tenant: caller.view().filter(|_| reach == Reach::Tenant).cloned(),
        action: format!("{} {route}", request.method),
        target,
        status: 0,
    }
}

async fn admit(api: &Api, access: Access, request: &Parts) -> Result<Caller, Problem> {
    let caller = match api.options().auth {
        AuthMode::Off => Caller::anyone(),
        AuthMode::Tokens => api.authenticate(request).await?,
    };
    caller.require(access.scope)?;
    if access.reach == Reach::Everything && caller.bound.is_some() {
        let detail = "this is about the whole installation: use a token that is bound to no tenant";
        return Err(Problem::new(Code::Scope, detail));
    }
    let query = request.uri.query().unwrap_or_default();
    caller.choosing(query, &api.options().tenant)
}
