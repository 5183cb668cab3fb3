//! All routes, and the document that describes them.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json as Answer, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::access::SCHEME;
use crate::http::guard::guard;
use crate::http::problem::{Code, Problem};
use crate::state::Api;
use crate::{
    audit, batches, calendars, endpoints, explorer, health, jobs, limits, live, overview, plugins,
    queues, runs, schedules, templates, tokens, webhooks, workflows,
};

const ABOUT: &str = "Background jobs that are WebAssembly components. Every answer that is not a \
    success is a problem document with a stable `code`. A request works for the tenant that its \
    token is bound to, or else for the one that `?tenant=NAME` names, `default` where it names \
    none; `?tenant=*` looks at all.";

/// The API as a service: routes, checks, and answers for what is not there.
pub fn router(api: &Api) -> Router {
    let (routes, document) = all(api).split_for_parts();
    let document = Answer(document);
    routes
        .route("/api/v1/openapi.json", get(move || async move { document }))
        .merge(explorer::routes())
        .merge(endpoints::routes())
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(api.clone(), guard))
        .with_state(api.clone())
}

/// The OpenAPI document.
pub fn openapi(api: &Api) -> OpenApi {
    all(api).into_openapi()
}

fn all(api: &Api) -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(document())
        .merge(runs::routes(api))
        .merge(jobs::routes(api))
        .merge(schedules::routes(api))
        .merge(limits::routes(api))
        .merge(queues::routes(api))
        .merge(workflows::routes(api))
        .merge(batches::routes(api))
        .merge(calendars::routes(api))
        .merge(templates::routes(api))
        .merge(overview::routes(api))
        .merge(plugins::routes(api))
        .merge(tokens::routes(api))
        .merge(audit::routes(api))
        .merge(live::routes(api))
        .merge(webhooks::routes(api))
        .merge(health::routes(api))
}

/// A document of nothing, for groups to add to.
pub(crate) fn skeleton() -> OpenApi {
    OpenApiBuilder::new().build()
}

fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("ZapJobs")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("zj_ID_SECRET")
        .description(Some("A token that `zapjobs tokens create` makes, with one of the scopes"))
        .build();
    let mut components = Components::new();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

async fn unknown_route(State(_): State<Api>, request: Request) -> Response {
    let path: String = request.uri().path().chars().take(80).collect();
    let detail = format!("there is no route {path}: /api/v1/openapi.json lists them");
    Problem::new(Code::UnknownRoute, detail).into_response()
}

async fn unknown_method(method: Method, request: Request) -> Response {
    let path: String = request.uri().path().chars().take(80).collect();
    let shown: String = method.as_str().chars().take(20).collect();
    let detail = format!("{path} does not have {shown}: the header Allow names what it has");
    Problem::new(Code::Method, detail).into_response()
}
