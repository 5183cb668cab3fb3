//! Tokens over HTTP.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{TenantId, Timestamp};

use super::keep::{NewToken, TokenError, now};
use super::rules::TokenRecord;
use crate::access::{Caller, Group, Reach, Scope};
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Admin, Reach::Tenant)
        .with(routes!(list_tokens))
        .with(routes!(create_token))
        .with(routes!(revoke_token))
        .build()
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedToken {
    /// Its public part.
    id: String,
    /// What it is called.
    name: String,
    /// What it allows.
    scope: Scope,
    /// The tenant that it is bound to; null for all.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Whether it is good now.
    good: bool,
    /// When it was made.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When it ends to be good.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>)]
    revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>)]
    last_used_at: Option<Timestamp>,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// By id.
    tokens: Vec<ListedToken>,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenWish {
    /// What it is called.
    name: String,
    /// What it allows.
    scope: Scope,
    /// The tenant that it is bound to; all where absent. Whoever is bound to one makes tokens of
    /// that one.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// How long it is good, in milliseconds; for ever where absent.
    expires_in_ms: Option<u64>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// The token itself, shown this once.
    token: String,
    /// Its public part.
    id: String,
    /// When it ends to be good.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// List tokens
///
/// Without their secrets, which nobody has; expired and revoked ones too.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = TokenList)))]
async fn list_tokens(State(api): State<Api>, caller: Caller) -> Result<Answer<TokenList>, Problem> {
    let now = now(api.tokens()).await?;
    let tokens = api.tokens().list().await?.into_iter().filter(|it| is_seen(&caller, it));
    Ok(Answer(TokenList { tokens: tokens.map(|it| listed(it, now)).collect() }))
}

/// Make a token
///
/// The answer shows it, this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", request_body = TokenWish,
    responses((status = 201, body = CreatedToken)),
)]
async fn create_token(
    State(api): State<Api>,
    caller: Caller,
    StrictJson(wish): StrictJson<TokenWish>,
) -> Result<Response, Problem> {
    let tenant = match (&caller.bound, wish.tenant) {
        (None, tenant) => tenant,
        (Some(own), Some(other)) if *own != other => {
            let detail =
                format!("the token works for the tenant {own} alone, and makes such tokens");
            return Err(Problem::new(Code::WrongTenant, detail));
        }
        (Some(own), _) => Some(own.clone()),
    };
    let life = wish.expires_in_ms.map(Duration::from_millis);
    let new = NewToken { name: wish.name, scope: wish.scope, tenant, life };
    let (record, shown) = api.tokens().create(new).await?;
    let token = shown.reveal().to_owned();
    let answer = CreatedToken { token, id: record.id, expires_at: record.expires_at };
    Ok((StatusCode::CREATED, Answer(answer)).into_response())
}

/// Revoke a token
///
/// From the next request on it is good for nothing.
#[utoipa::path(
    post, path = "/api/v1/tokens/{id}/revoke", tag = "tokens",
    params(("id" = String, Path, description = "the token's id")),
    responses((status = 200, body = ListedToken)),
)]
async fn revoke_token(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Answer<ListedToken>, Problem> {
    let record = api.tokens().find(&id).await?;
    if !is_seen(&caller, &record) {
        return Err(TokenError::NotFound(id).into());
    }
    let revoked = api.tokens().revoke(&id).await?;
    Ok(Answer(listed(revoked, now(api.tokens()).await?)))
}

fn is_seen(caller: &Caller, record: &TokenRecord) -> bool {
    caller.bound.is_none() || caller.bound == record.tenant
}

fn listed(record: TokenRecord, now: Timestamp) -> ListedToken {
    ListedToken {
        good: record.is_good(now),
        id: record.id,
        name: record.name,
        scope: record.scope,
        tenant: record.tenant,
        created_at: record.created_at,
        expires_at: record.expires_at,
        revoked_at: record.revoked_at,
        last_used_at: record.last_used_at,
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Storage(error) => return error.into(),
            TokenError::Invalid(_) => Code::Invalid,
            TokenError::NotFound(_) => Code::NotFound,
            TokenError::Random(_) => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}
