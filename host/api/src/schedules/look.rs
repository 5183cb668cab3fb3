//! Schedules are looked at.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{JobSchedule, RunStatus, ScheduleKey, ScheduleName, TenantId, Timestamp};
use zapjobs_storage::{SCHEDULES_MAX, SchedulePageRequest};

use super::rule::RuleWish;
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::http::query::{StrictQuery, count};
use crate::http::{cursor, etag};
use crate::schemas::ScheduleDocument;
use crate::state::Api;

const LISTING: char = 's';
/// Schedules on one page unless said.
const PAGE_DEFAULT: u16 = 100;
/// Fire times in one preview at most.
const PREVIEW_MAX: u16 = 1_000;
/// Fire times in one preview unless said.
const PREVIEW_DEFAULT: u16 = 10;

/// A schedule, and what it says in plain English.
#[derive(Serialize)]
pub(super) struct ShownSchedule {
    #[serde(flatten)]
    pub(super) schedule: JobSchedule,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<RunStatus>,
}

impl From<JobSchedule> for ShownSchedule {
    fn from(schedule: JobSchedule) -> Self {
        let description = schedule.rule.describe();
        Self { schedule, description, last_status: None }
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Go on behind this place: `next` of the page before.
    cursor: Option<String>,
    /// Schedules on one page, 1 to 1,000; 100 where absent.
    limit: Option<u16>,
}

/// A page of schedules.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    /// In the order of their tenants and names.
    #[schema(value_type = Vec<ScheduleDocument>)]
    schedules: Vec<ShownSchedule>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// List schedules
#[utoipa::path(
    get, path = "/api/v1/schedules", tag = "schedules", params(PageQuery),
    responses((status = 200, body = ScheduleList)),
)]
pub(super) async fn list_schedules(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Answer<ScheduleList>, Problem> {
    let limit = count("limit", query.limit, PAGE_DEFAULT, SCHEDULES_MAX)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let request = SchedulePageRequest { tenant: caller.view().cloned(), after, limit };
    let page = api.storage().schedules(&request).await?;
    let next = page.next.map(|key| cursor::write(LISTING, &key.to_string()));
    Ok(Answer(ScheduleList {
        schedules: page.schedules.into_iter().map(Into::into).collect(),
        next,
    }))
}

fn place(text: &str) -> Result<ScheduleKey, Problem> {
    let place = cursor::read(LISTING, text)?;
    let (tenant, name) = place.split_once('/').ok_or_else(cursor::refused)?;
    let (tenant, name) = (TenantId::new(tenant), ScheduleName::new(name));
    match (tenant, name) {
        (Ok(tenant), Ok(name)) => Ok(ScheduleKey { tenant, name }),
        _ => Err(cursor::refused()),
    }
}

/// Show a schedule
///
/// Its `ETag` is its revision, for `If-Match` on changes. `last_status` tells how its latest run
/// stands.
#[utoipa::path(
    get, path = "/api/v1/schedules/{name}", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, body = ScheduleDocument)),
)]
pub(super) async fn show_schedule(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<ScheduleName>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    let schedule = api.client().schedule(&key).await?;
    let last = match schedule.last_run {
        Some(run) => api.storage().run(run).await?.map(|run| run.status),
        None => None,
    };
    let revision = schedule.revision;
    let shown = ShownSchedule { last_status: last, ..schedule.into() };
    etag::revised(&headers, revision, &shown)
}

/// Which fire times.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PreviewQuery {
    /// A cron expression.
    cron: Option<String>,
    /// With `cron`: its time zone; UTC where absent.
    time_zone: Option<String>,
    /// Again and again, so many milliseconds apart.
    every_ms: Option<u64>,
    /// With `every_ms`: the first time.
    #[param(value_type = Option<String>)]
    start: Option<Timestamp>,
    /// Once, at this instant.
    #[param(value_type = Option<String>)]
    at: Option<Timestamp>,
    /// Fire times after this instant; now where absent.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// How many, 1 to 1,000; 10 where absent.
    count: Option<u16>,
}

/// What a schedule says.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preview {
    /// In plain English.
    description: String,
    /// When it fires next.
    times: Vec<PreviewTime>,
}

/// A fire time.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewTime {
    /// The instant.
    at: String,
    /// As people near it write it.
    local: String,
}

/// Preview a schedule
///
/// When it would fire, and what it says in plain English. Nothing is stored.
#[utoipa::path(
    get, path = "/api/v1/schedules/preview", tag = "schedules", params(PreviewQuery),
    responses((status = 200, body = Preview)),
)]
pub(super) async fn preview_schedule(
    State(api): State<Api>,
    StrictQuery(query): StrictQuery<PreviewQuery>,
) -> Result<Answer<Preview>, Problem> {
    let count = query.count.unwrap_or(PREVIEW_DEFAULT);
    if !(1..=PREVIEW_MAX).contains(&count) {
        let detail = format!("count={count}: use 1 to {PREVIEW_MAX}");
        return Err(Problem::new(Code::BadQuery, detail));
    }
    let PreviewQuery { cron, time_zone, every_ms, start, at, from, .. } = query;
    let rule = RuleWish { cron, time_zone, every_ms, start, at }.rule()?;
    let from = match from {
        Some(from) => from,
        None => api.storage().now().await?,
    };
    let times = std::iter::successors(rule.next_after(from), |time| rule.next_after(*time));
    let times = times
        .take(count.into())
        .map(|time| PreviewTime { at: time.to_text_short(), local: rule.local_text(time) });
    Ok(Answer(Preview { description: rule.describe(), times: times.collect() }))
}
