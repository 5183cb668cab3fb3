//! Templates as they are kept.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use zapjobs_model::{Template, TemplateName, Timestamp};
use zapjobs_runtime::{KeptTemplate, UseTemplateError};

use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::etag;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::schemas::TemplateDocument;
use crate::state::Api;

/// A template.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptTemplate)]
pub(crate) struct ShownTemplate {
    /// Its name.
    #[schema(value_type = String)]
    name: TemplateName,
    /// What it says.
    #[schema(value_type = TemplateDocument)]
    template: Template,
    /// Rises with each change.
    revision: u64,
    /// When it was changed last.
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl From<KeptTemplate> for ShownTemplate {
    fn from(kept: KeptTemplate) -> Self {
        let KeptTemplate { name, template, revision, updated_at } = kept;
        Self { name, template, revision, updated_at }
    }
}

/// Templates.
#[derive(Serialize, ToSchema)]
pub(crate) struct TemplateList {
    /// In the order of their names.
    templates: Vec<ShownTemplate>,
}

/// A template that is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct StoredTemplate {
    /// Its name.
    #[schema(value_type = String)]
    name: TemplateName,
    /// Its revision now.
    revision: u64,
}

/// List templates
#[utoipa::path(
    get, path = "/api/v1/templates", tag = "templates",
    responses((status = 200, body = TemplateList)),
)]
pub(super) async fn list_templates(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Answer<TemplateList>, Problem> {
    let kept = api.client().templates(caller.tenant()?).await?;
    Ok(Answer(TemplateList { templates: kept.into_iter().map(Into::into).collect() }))
}

/// Show a template
#[utoipa::path(
    get, path = "/api/v1/templates/{name}", tag = "templates",
    params(("name" = String, Path, description = "the template")),
    responses((status = 200, body = ShownTemplate), (status = 304, description = "it is as it was")),
)]
pub(super) async fn show_template(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<TemplateName>,
) -> Result<Response, Problem> {
    let kept = api.client().template(caller.tenant()?, &name).await?;
    etag::revised(&headers, kept.revision, &ShownTemplate::from(kept))
}

/// Store a template
///
/// Over one of that name. It is tried with its defaults and examples first. With `If-Match` or
/// `If-None-Match: *` it is looked at first whether what is stored is as was thought.
#[utoipa::path(
    put, path = "/api/v1/templates/{name}", tag = "templates", request_body = TemplateDocument,
    params(
        ("name" = String, Path, description = "the template"),
        ("If-Match" = Option<String>, Header, description = "the ETag that the change is based on"),
        ("If-None-Match" = Option<String>, Header, description = "* to make it"),
    ),
    responses((status = 200, body = StoredTemplate)),
)]
pub(super) async fn put_template(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<TemplateName>,
    StrictJson(template): StrictJson<Template>,
) -> Result<Answer<StoredTemplate>, Problem> {
    if etag::is_conditional(&headers) {
        let stored = match api.client().template(caller.tenant()?, &name).await {
            Err(UseTemplateError::NotFound(_)) => None,
            stored => Some(stored?.revision),
        };
        etag::check(&headers, stored, format_args!("template {name}"))?;
    }
    let revision = api.client().put_template(caller.tenant()?, &name, template).await?;
    Ok(Answer(StoredTemplate { name, revision }))
}

/// Delete a template
///
/// Runs that were made of it stay.
#[utoipa::path(
    delete, path = "/api/v1/templates/{name}", tag = "templates",
    params(("name" = String, Path, description = "the template")),
    responses((status = 204, description = "it is gone")),
)]
pub(super) async fn delete_template(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<TemplateName>,
) -> Result<StatusCode, Problem> {
    api.client().remove_template(caller.tenant()?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
