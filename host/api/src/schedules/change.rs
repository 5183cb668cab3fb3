//! Schedules are made and changed.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{
    CalendarName, JobSchedule, JobType, Json, MissedPolicy, OnExcluded, OverlapPolicy, Priority,
    QueueName, RunId, ScheduleKey, ScheduleName, Tag, TenantId, Timestamp,
};
use zapjobs_runtime::ScheduleError;

use super::look::ShownSchedule;
use super::rule::RuleWish;
use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::etag;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::schemas::ScheduleDocument;
use crate::state::Api;

/// A schedule as it is to be. What is left out has its default.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleWish {
    /// Which job it runs.
    #[schema(value_type = String, example = "send-mail")]
    job_type: JobType,
    /// When.
    rule: RuleWish,
    /// What its runs are given; the job's default input where absent or null.
    #[schema(value_type = Option<Object>)]
    input: Option<Json>,
    /// Where its runs wait; the job's queue where absent.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// The place of its runs in that queue, -1000 to 1000.
    #[serde(default)]
    #[schema(value_type = i16)]
    priority: Priority,
    /// Labels of its runs.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    tags: Vec<Tag>,
    /// Whether it fires; yes where absent.
    enabled: Option<bool>,
    /// Times missed: `{"kind": "skip"}`, `{"kind": "fire-once"}` or `{"kind": "fire-all", "max": 10}`.
    #[schema(value_type = Option<Object>)]
    missed: Option<MissedPolicy>,
    /// A fire time later than this is missed; 60,000 where absent.
    tolerance_ms: Option<u64>,
    /// Times that come while its latest run goes on: `allow`, `skip`, `queue-one` or
    /// `cancel-running`.
    #[schema(value_type = Option<String>)]
    overlap: Option<OverlapPolicy>,
    /// Calendars that exclude fire times, up to 8.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    calendars: Vec<CalendarName>,
    /// Times that a calendar excludes: `skip` or `next-open-time`; `skip` where absent.
    #[schema(value_type = Option<String>)]
    on_excluded: Option<OnExcluded>,
}

/// Make or change a schedule
///
/// With `If-None-Match: *` it is made; with `If-Match: "REVISION"` the one of that revision is
/// changed, with `If-Match: *` whatever there is. What is left out gets its default. Changes to
/// one that a plugin declares outlive its reloads; its job stays.
#[utoipa::path(
    put, path = "/api/v1/schedules/{name}", tag = "schedules", request_body = ScheduleWish,
    params(
        ("name" = String, Path, description = "the schedule"),
        ("If-Match" = Option<String>, Header, description = "the ETag that the change is based on"),
        ("If-None-Match" = Option<String>, Header, description = "* to make it"),
    ),
    responses((status = 200, body = ScheduleDocument), (status = 201, body = ScheduleDocument)),
)]
pub(super) async fn put_schedule(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<ScheduleName>,
    StrictJson(wish): StrictJson<ScheduleWish>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    let rule = wish.rule.rule()?;
    if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == b"*") {
        let now = api.storage().now().await?;
        let new = JobSchedule::new(key, wish.job_type.clone(), rule, now);
        let enabled = wish.enabled.unwrap_or(true);
        let stored =
            api.client().add_schedule(wish.applied(new).with_enabled(enabled, now)).await?;
        return answer(StatusCode::CREATED, stored);
    }
    let revision = etag::if_match(&headers)?;
    let stored = changed(&api, &key, revision, |schedule, now| {
        let enabled = wish.enabled.unwrap_or(true);
        wish.applied(schedule.with_rule(rule.clone(), now)).with_enabled(enabled, now)
    });
    answer(StatusCode::OK, stored.await?)
}

/// Delete a schedule
///
/// Its runs stay. One that a plugin declares would come back: disable it.
#[utoipa::path(
    delete, path = "/api/v1/schedules/{name}", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 204, description = "it is gone")),
)]
pub(super) async fn delete_schedule(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<ScheduleName>,
) -> Result<StatusCode, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    api.client().remove_schedule(&key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Turn a schedule on
///
/// It fires at times to come only.
#[utoipa::path(
    post, path = "/api/v1/schedules/{name}/enable", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, body = ScheduleDocument)),
)]
pub(super) async fn enable_schedule(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<ScheduleName>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    answer(StatusCode::OK, api.client().enable_schedule(&key, true).await?)
}

/// Turn a schedule off
#[utoipa::path(
    post, path = "/api/v1/schedules/{name}/disable", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, body = ScheduleDocument)),
)]
pub(super) async fn disable_schedule(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<ScheduleName>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    answer(StatusCode::OK, api.client().enable_schedule(&key, false).await?)
}

/// Make a schedule again what its plugin declares
#[utoipa::path(
    post, path = "/api/v1/schedules/{name}/reset", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, body = ScheduleDocument)),
)]
pub(super) async fn reset_schedule(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<ScheduleName>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    answer(StatusCode::OK, api.client().reset_schedule(&key).await?)
}

/// The run that was stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct TriggeredRun {
    /// Its id.
    #[schema(value_type = String)]
    id: RunId,
}

/// Run a schedule's job now
///
/// As the schedule would, whether or not it is on. Its fire times stay as they are.
#[utoipa::path(
    post, path = "/api/v1/schedules/{name}/trigger", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 201, body = TriggeredRun)),
)]
pub(super) async fn trigger_schedule(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<ScheduleName>,
) -> Result<Response, Problem> {
    let key = ScheduleKey { tenant: caller.tenant()?.clone(), name };
    let id = api.client().trigger_schedule(&key).await?;
    Ok((StatusCode::CREATED, Answer(TriggeredRun { id })).into_response())
}

/// Changes the schedule of this revision, or whatever there is.
async fn changed(
    api: &Api,
    key: &ScheduleKey,
    revision: Option<u64>,
    change: impl Fn(JobSchedule, Timestamp) -> JobSchedule + Send + Sync,
) -> Result<JobSchedule, Problem> {
    let meanwhile = |stored: u64| {
        let detail = format!("the schedule {key} has revision {stored} now: look at it again");
        Problem::new(Code::Changed, detail)
    };
    let refused = parking_lot::Mutex::new(None);
    let result = api.client().change_schedule(key, |schedule, now| {
        if revision.is_some_and(|wanted| wanted != schedule.revision) {
            *refused.lock() = Some(schedule.revision);
            return Err(ScheduleError::Contended(schedule.key));
        }
        Ok(change(schedule, now))
    });
    let result = result.await;
    match (result, refused.into_inner()) {
        (Err(_), Some(stored)) => Err(meanwhile(stored)),
        (result, _) => Ok(result?),
    }
}

fn answer(status: StatusCode, schedule: JobSchedule) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", schedule.revision);
    let tag = HeaderValue::from_str(&tag).expect("digits are plain");
    Ok((status, [(header::ETAG, tag)], Answer(ShownSchedule::from(schedule))).into_response())
}

impl ScheduleWish {
    fn applied(&self, schedule: JobSchedule) -> JobSchedule {
        let plain = JobSchedule::new(
            ScheduleKey { tenant: TenantId::standard(), name: schedule.key.name.clone() },
            schedule.job_type.clone(),
            schedule.rule.clone(),
            Timestamp::from_micros(0),
        );
        JobSchedule {
            input: self.input.clone(),
            queue: self.queue.clone(),
            priority: self.priority,
            tags: self.tags.clone(),
            missed: self.missed.unwrap_or(plain.missed),
            tolerance_ms: self.tolerance_ms.unwrap_or(plain.tolerance_ms),
            overlap: self.overlap.unwrap_or(plain.overlap),
            calendars: self.calendars.clone(),
            on_excluded: self.on_excluded.unwrap_or(plain.on_excluded),
            ..schedule
        }
    }
}
