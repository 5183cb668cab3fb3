//! Calendars: times at which schedules that name them do not fire.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{Calendar, CalendarName, CalendarRules, Calendars, Timestamp};
use zapjobs_runtime::{CalendarError, KeptCalendar, PutCalendar};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::body::StrictJson;
use crate::http::etag;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::http::query::StrictQuery;
use crate::schemas::CalendarRulesDocument;
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(list_calendars))
        .with(routes!(show_calendar))
        .with(routes!(check_calendar));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant)
        .with(routes!(put_calendar))
        .with(routes!(delete_calendar));
    read.build().merge(operate.build())
}

/// A calendar.
#[derive(Serialize, ToSchema)]
#[schema(as = Calendar)]
pub(crate) struct ShownCalendar {
    /// Its name.
    #[schema(value_type = String)]
    name: CalendarName,
    /// What it excludes.
    #[schema(value_type = CalendarRulesDocument)]
    rules: Calendar,
    /// Rises with each change.
    revision: u64,
    /// When it was changed last.
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl From<KeptCalendar> for ShownCalendar {
    fn from(kept: KeptCalendar) -> Self {
        let KeptCalendar { name, calendar, revision, updated_at } = kept;
        Self { name, rules: calendar, revision, updated_at }
    }
}

/// Calendars.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarList {
    /// In the order of their names.
    calendars: Vec<ShownCalendar>,
}

/// What storing a calendar did.
#[derive(Serialize, ToSchema)]
pub(crate) struct StoredCalendar {
    /// Its name.
    #[schema(value_type = String)]
    name: CalendarName,
    /// Its revision now.
    revision: u64,
    /// Schedules that have another next time now.
    schedules_moved: u64,
}

/// Which instant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckQuery {
    /// The instant; now where absent.
    #[param(value_type = Option<String>)]
    at: Option<Timestamp>,
}

/// What a calendar says of an instant.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckedInstant {
    /// The instant.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Whether it is excluded.
    excluded: bool,
    /// The next instant that is not; null where none was found.
    #[schema(value_type = Option<String>)]
    next_open: Option<Timestamp>,
}

/// List calendars
#[utoipa::path(
    get, path = "/api/v1/calendars", tag = "calendars",
    responses((status = 200, body = CalendarList)),
)]
async fn list_calendars(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Answer<CalendarList>, Problem> {
    let kept = api.client().calendars(caller.tenant()?).await?;
    Ok(Answer(CalendarList { calendars: kept.into_iter().map(Into::into).collect() }))
}

/// Show a calendar
#[utoipa::path(
    get, path = "/api/v1/calendars/{name}", tag = "calendars",
    params(("name" = String, Path, description = "the calendar")),
    responses((status = 200, body = ShownCalendar), (status = 304, description = "it is as it was")),
)]
async fn show_calendar(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<CalendarName>,
) -> Result<Response, Problem> {
    let kept = api.client().calendar(caller.tenant()?, &name).await?;
    etag::revised(&headers, kept.revision, &ShownCalendar::from(kept))
}

/// Ask a calendar about an instant
#[utoipa::path(
    get, path = "/api/v1/calendars/{name}/check", tag = "calendars",
    params(("name" = String, Path, description = "the calendar"), CheckQuery),
    responses((status = 200, body = CheckedInstant)),
)]
async fn check_calendar(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<CalendarName>,
    StrictQuery(query): StrictQuery<CheckQuery>,
) -> Result<Answer<CheckedInstant>, Problem> {
    let kept = api.client().calendar(caller.tenant()?, &name).await?;
    let at = match query.at {
        Some(at) => at,
        None => api.storage().now().await?,
    };
    let calendars = Calendars::new(vec![kept.calendar]);
    let (excluded, next_open) = (calendars.excludes(at), calendars.next_open(at));
    Ok(Answer(CheckedInstant { at, excluded, next_open }))
}

/// Store a calendar
///
/// Over one of that name. Schedules that name it follow before this is answered. With `If-Match`
/// or `If-None-Match: *` it is looked at first whether what is stored is as was thought.
#[utoipa::path(
    put, path = "/api/v1/calendars/{name}", tag = "calendars",
    request_body = CalendarRulesDocument,
    params(
        ("name" = String, Path, description = "the calendar"),
        ("If-Match" = Option<String>, Header, description = "the ETag that the change is based on"),
        ("If-None-Match" = Option<String>, Header, description = "* to make it"),
    ),
    responses((status = 200, body = StoredCalendar)),
)]
async fn put_calendar(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<CalendarName>,
    StrictJson(rules): StrictJson<CalendarRules>,
) -> Result<Answer<StoredCalendar>, Problem> {
    let calendar = Calendar::new(rules).map_err(CalendarError::from)?;
    if etag::is_conditional(&headers) {
        let stored = match api.client().calendar(caller.tenant()?, &name).await {
            Err(CalendarError::NotFound(_)) => None,
            stored => Some(stored?.revision),
        };
        etag::check(&headers, stored, format_args!("calendar {name}"))?;
    }
    let put = api.client().put_calendar(caller.tenant()?, &name, calendar).await?;
    let PutCalendar { revision, schedules_moved } = put;
    Ok(Answer(StoredCalendar { name, revision, schedules_moved }))
}

/// Delete a calendar
///
/// One that no schedule names.
#[utoipa::path(
    delete, path = "/api/v1/calendars/{name}", tag = "calendars",
    params(("name" = String, Path, description = "the calendar")),
    responses((status = 204, description = "it is gone")),
)]
async fn delete_calendar(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<CalendarName>,
) -> Result<StatusCode, Problem> {
    api.client().remove_calendar(caller.tenant()?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
