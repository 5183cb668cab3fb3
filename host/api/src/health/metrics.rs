//! `/metrics`: numbers in the text format of Prometheus, made when they are asked for.
//!
//! **Invariant:** the number of lines is bounded: labels are statuses, outcomes and the names of
//! [`QUEUES_MAX`] queues at most.

use std::fmt::Write;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::RunStatus;
use zapjobs_runtime::webhook_totals;
use zapjobs_storage::{Activity, Counts, RunFilter, Span, StatisticsRequest, StorageError};

use super::counters::{BUCKETS, Counters};
use super::families;
use crate::access::{Group, Reach, Scope};
use crate::http::problem::Problem;
use crate::queues::oldest_pending;
use crate::state::Api;

/// Queues that have lines of their own at most, the first by name; the others are summed.
const QUEUES_MAX: usize = 100;
/// The word for the sum of the other queues: no queue can be called so.
const OTHERS: &str = "~others";

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Read, Reach::Everything).with(routes!(show_metrics)).build()
}

/// Show metrics
///
/// In the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "server",
    responses((status = 200, content_type = "text/plain", body = String)),
)]
async fn show_metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let mut text = Text(String::new());
    runs(&api, &mut text).await?;
    queues(&api, &mut text).await?;
    pauses(&api, &mut text).await?;
    webhooks(&api, &mut text).await?;
    requests(api.counters(), &mut text);
    if let Some(metrics) = &api.options().metrics {
        families::host(metrics, &mut text);
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    Ok(([(header::CONTENT_TYPE, kind)], text.0).into_response())
}

pub(super) struct Text(String);

impl Text {
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP zapjobs_{name} {help}\n# TYPE zapjobs_{name} {kind}\n"));
    }

    pub(super) fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        writeln!(self.0, "zapjobs_{name}{labels} {value}").expect("a text grows");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }
}

async fn runs(api: &Api, text: &mut Text) -> Result<(), StorageError> {
    let begin = Instant::now();
    let now = api.storage().now().await?;
    let took = begin.elapsed().as_secs_f64();
    text.one(
        "storage_answer_seconds",
        "gauge",
        "How long the storage took to tell the time.",
        took,
    );
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let total = api.storage().statistics(request).await?;
    let all = total.first().map(|span| span.activity).unwrap_or_default();
    activity(&all, text);
    let workers = api.storage().workers().await?;
    text.one("workers", "gauge", "Host processes that are known.", workers.len());
    let seen = workers.iter().map(|it| now.since(it.seen_at).as_secs_f64());
    let silent = seen.fold(0.0, f64::max);
    text.one(
        "workers_silent_seconds",
        "gauge",
        "Time since the sign of life that is longest ago.",
        silent,
    );
    let running: u64 = workers.iter().map(|it| u64::from(it.running)).sum();
    text.one("workers_running", "gauge", "Attempts under way, as workers told last.", running);
    let room: u64 = workers.iter().map(|it| u64::from(it.concurrency)).sum();
    text.one("workers_concurrency", "gauge", "Attempts that workers make at once at most.", room);
    Ok(())
}

fn activity(all: &Activity, text: &mut Text) {
    text.one("runs_enqueued_total", "counter", "Runs that were stored.", all.enqueued);
    text.one("attempts_started_total", "counter", "Attempts that began.", all.started);
    text.head("runs_ended_total", "counter", "Runs that ended, by how.");
    for (outcome, count) in
        [("completed", all.completed), ("failed", all.failed), ("cancelled", all.cancelled)]
    {
        text.line("runs_ended_total", &format!("outcome=\"{outcome}\""), count);
    }
    text.one(
        "attempts_retried_total",
        "counter",
        "Attempts that failed and are tried again.",
        all.retried,
    );
    text.one(
        "attempts_put_back_total",
        "counter",
        "Attempts that ended without a result: snoozed, handed back or lost.",
        all.put_back,
    );
    let seconds = |micros: u64| micros as f64 / 1e6;
    text.one(
        "attempts_cpu_seconds_total",
        "counter",
        "CPU time of attempts that ended.",
        seconds(all.cpu_us),
    );
    text.one(
        "attempts_wall_seconds_total",
        "counter",
        "Time of attempts that ended.",
        seconds(all.wall_us),
    );
}

async fn queues(api: &Api, text: &mut Text) -> Result<(), StorageError> {
    let storage = &**api.storage();
    let all = storage.queue_counts().await?;
    let (own, rest) = all.split_at(all.len().min(QUEUES_MAX));
    let mut others = Counts::default();
    for queue in rest {
        for status in RunStatus::ALL {
            *others.of_mut(status) += queue.counts.of(status);
        }
    }
    text.head("queue_runs", "gauge", "Runs of a queue, by how they stand.");
    let mut lines = |queue: &str, counts: &Counts| {
        for status in RunStatus::ALL {
            let labels = format!("queue=\"{queue}\",status=\"{status}\"");
            text.line("queue_runs", &labels, counts.of(status));
        }
    };
    own.iter().for_each(|queue| lines(queue.queue.as_str(), &queue.counts));
    if !rest.is_empty() {
        lines(OTHERS, &others);
    }
    let dead: u64 = all.iter().map(|queue| queue.counts.failed).sum();
    text.one("dead_letters", "gauge", "Runs that failed for good and are kept.", dead);
    let now = storage.now().await?;
    let name = "queue_oldest_pending_seconds";
    text.head(name, "gauge", "Age of a queue's oldest run that waits for a worker.");
    for queue in own.iter().filter(|queue| queue.counts.pending > 0) {
        let filter = RunFilter { queue: Some(queue.queue.clone()), ..RunFilter::default() };
        if let Some(oldest) = oldest_pending(storage, filter).await? {
            let labels = format!("queue=\"{}\"", queue.queue);
            text.line(name, &labels, now.since(oldest).as_secs_f64());
        }
    }
    Ok(())
}

async fn pauses(api: &Api, text: &mut Text) -> Result<(), StorageError> {
    let storage = &**api.storage();
    let limits = storage.limits_in_force().await?;
    let paused = limits.iter().filter(|(_, limit)| limit.paused).count();
    text.one(
        "paused_scopes",
        "gauge",
        "Queues, job types, tenants or all that are paused.",
        paused,
    );
    Ok(())
}

async fn webhooks(api: &Api, text: &mut Text) -> Result<(), StorageError> {
    let storage = &**api.storage();
    let (count, waiting, resting, totals) = webhook_totals(storage, storage.now().await?).await?;
    text.one("webhooks", "gauge", "Webhooks that there are.", count);
    text.one("webhook_messages_waiting", "gauge", "Messages that are sent again later.", waiting);
    text.one(
        "webhook_targets_resting",
        "gauge",
        "Targets that keep failing and are left alone for now.",
        resting,
    );
    let name = "webhook_attempts_total";
    text.head(name, "counter", "Attempts to deliver messages, of the webhooks that there are.");
    text.line(name, "outcome=\"delivered\"", totals.delivered);
    text.line(name, "outcome=\"failed\"", totals.failed);
    text.one(
        "webhook_messages_given_up_total",
        "counter",
        "Messages that were given up after their last attempt.",
        totals.given_up,
    );
    Ok(())
}

fn requests(counters: &Counters, text: &mut Text) {
    text.head("http_requests_total", "counter", "Requests to this process, by class of answer.");
    for (class, count) in counters.classes() {
        text.line("http_requests_total", &format!("class=\"{class}xx\""), count);
    }
    let name = "http_request_seconds";
    text.head(name, "histogram", "How long requests to this process took to be answered.");
    let (buckets, seconds) = counters.buckets();
    let mut sum = 0;
    for (at, count) in buckets.iter().enumerate() {
        sum += count;
        let end = BUCKETS.get(at).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
        text.line("http_request_seconds_bucket", &format!("le=\"{end}\""), sum);
    }
    text.line("http_request_seconds_sum", "", seconds);
    text.line("http_request_seconds_count", "", sum);
}
