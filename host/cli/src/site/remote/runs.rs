//! Runs, through the API.

use std::time::Duration;

use async_trait::async_trait;
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};
use zapjobs_model::{JobRequest, Json, LogEntry, LogLine, Run, RunId, RunStatus, Step};
use zapjobs_runtime::{BulkReport, DeadLetterGroups, Selection, Submitted, WaitError};
use zapjobs_storage::{
    Alteration, CancelResult, EnqueueResult, PAGE_MAX, RequeueResult, RunFilter,
};

use super::answers::{
    self, Beside, Changed, CutPage, LogLines, LogPlace, Matching, RunPage, StepList, SubmittedRuns,
};
use super::events::hints;
use super::orders::{filter, order};
use super::wish::wish;
use super::{Problem, Query, Remote, good, read, refused};
use crate::errors::Done;
use crate::site::{Hints, LogPart, RunDetails, Runs, RunsPage, RunsRequest};

const RUNS: &str = "/api/v1/runs";
/// An answer waits for the end of a run so long at most; the server allows 60 s.
const WAIT_MAX: Duration = Duration::from_secs(50);
/// Where the server does not wait, it is asked again after so long at the earliest.
const WAIT_MIN: Duration = Duration::from_millis(250);

impl Remote {
    fn page(&self, filter: &RunFilter) -> Query {
        let mut query = self.query();
        if !filter.statuses.is_empty() {
            let names: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
            query.put("status", &names.join(","));
        }
        query.maybe("job_type", filter.job_type.as_ref());
        query.maybe("queue", filter.queue.as_ref());
        query.maybe("tag", filter.tag.as_ref());
        query.maybe("created_from", filter.created_from);
        query.maybe("created_before", filter.created_before);
        query.maybe("search", filter.search.as_ref());
        query.maybe("batch", filter.batch);
        query
    }

    /// Does something to one run; `None` where it stands so that this cannot be done.
    async fn change(&self, id: RunId, what: &str) -> Done<Result<Option<RunStatus>, StatusCode>> {
        let path = format!("{RUNS}/{id}/{what}");
        let answer = self.ask(Method::POST, &path, self.query(), None, None).await?;
        let is_about_its_status = |body: &[u8]| {
            serde_json::from_slice::<Problem>(body).is_ok_and(|it| it.code == "wrong-status")
        };
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Err(answer.status)),
            StatusCode::CONFLICT if is_about_its_status(&answer.body) => Ok(Err(answer.status)),
            _ => Ok(Ok(read::<Changed>(&good(answer)?)?.status)),
        }
    }

    /// How a run stands that could not be changed; `None` where it is not there.
    async fn stands(&self, id: RunId) -> Done<Option<RunStatus>> {
        Ok(self.run(id).await?.map(|run| run.status))
    }
}

#[async_trait]
impl Runs for Remote {
    async fn submit(&self, requests: Vec<JobRequest>) -> Done<Vec<Submitted>> {
        let wishes = requests.iter().map(wish).collect::<Done<Vec<_>>>()?;
        #[derive(Serialize)]
        struct Body<T> {
            runs: T,
        }
        let body = serde_json::to_vec(&Body { runs: wishes }).expect("wishes serialise");
        let answer: SubmittedRuns = self.post(&format!("{RUNS}/batch"), Some(body)).await?;
        let submitted = answer.ids.into_iter().zip(answer.results).map(|(id, result)| {
            let result = match result.as_str() {
                "existing" => EnqueueResult::Existing(id),
                "replaced" => EnqueueResult::Replaced(id),
                _ => EnqueueResult::Stored,
            };
            Submitted { id, result }
        });
        Ok(submitted.collect())
    }

    async fn run(&self, id: RunId) -> Done<Option<Run>> {
        let found = self.find(&format!("{RUNS}/{id}"), self.query()).await?;
        let run = found.map(|body| read::<Run>(&body)).transpose()?;
        Ok(run.filter(|run| run.tenant == self.tenant))
    }

    async fn details(&self, id: RunId) -> Done<Option<RunDetails>> {
        let Some(body) = self.find(&format!("{RUNS}/{id}"), self.query()).await? else {
            return Ok(None);
        };
        let Beside { after, wait, signals } = read(&body)?;
        Ok(Some(RunDetails { run: read(&body)?, after, wait, signals }))
    }

    async fn runs(&self, request: &RunsRequest) -> Done<RunsPage> {
        let mut query = self.page(&request.filter);
        query.put("limit", &request.limit);
        query.maybe("cursor", request.after.as_ref());
        let body = self.bytes(RUNS, query).await?;
        let RunPage { runs, next } = read(&body)?;
        let CutPage { runs: cut } = read(&body)?;
        let cut = cut.into_iter().filter(|run| !run.cut.is_empty()).map(|run| run.id);
        Ok(RunsPage { runs, cut: cut.collect(), next })
    }

    async fn log(&self, run: RunId, after: Option<&str>) -> Done<LogPart> {
        let mut query = self.query();
        query.put("limit", &PAGE_MAX);
        query.maybe("cursor", after);
        let body = self.bytes(&format!("{RUNS}/{run}/logs"), query).await?;
        let LogLines { entries, next, has_more } = read(&body)?;
        let entry = |text: &RawValue| {
            let LogPlace { run, lease, index } = read(text.get().as_bytes())?;
            let line: LogLine = read(text.get().as_bytes())?;
            Ok(LogEntry { run, lease, index, line })
        };
        let entries = entries.into_iter().map(entry).collect::<Done<Vec<_>>>()?;
        Ok(LogPart { entries, next, has_more })
    }

    async fn wait(&self, id: RunId, within: Option<Duration>) -> Done<Run> {
        let end = within.map(|within| Instant::now() + within);
        loop {
            let asked = Instant::now();
            let left = end.map_or(WAIT_MAX, |end| end - asked).min(WAIT_MAX);
            let path = format!("{RUNS}/{id}");
            let answer = self.ask(Method::GET, &path, self.query(), None, Some(left)).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Err(WaitError::NotFound(id).into());
            }
            let run: Run = read(&good(answer)?)?;
            if run.status.is_final() {
                return Ok(run);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(WaitError::TimedOut(run.status).into());
            }
            sleep(WAIT_MIN.saturating_sub(asked.elapsed())).await;
        }
    }

    async fn hints(&self, of: Option<RunId>) -> Done<Hints> {
        let path = match of {
            Some(run) => format!("{RUNS}/{run}/events"),
            None => "/api/v1/events".to_owned(),
        };
        let path = self.query().on(&path);
        Ok(Hints::Server(hints(self.connection.clone(), path)))
    }

    async fn cancel(&self, id: RunId) -> Done<CancelResult> {
        if let Ok(status) = self.change(id, "cancel").await? {
            return Ok(match status {
                Some(RunStatus::Running) => CancelResult::Requested,
                _ => CancelResult::Cancelled,
            });
        }
        Ok(self.stands(id).await?.map_or(CancelResult::NotFound, CancelResult::Finished))
    }

    async fn retry(&self, id: RunId) -> Done<RequeueResult> {
        if self.change(id, "retry").await?.is_ok() {
            return Ok(RequeueResult::Requeued);
        }
        Ok(self.stands(id).await?.map_or(RequeueResult::NotFound, RequeueResult::NotRequeuable))
    }

    async fn check_input(&self, _: &Run, _: &Json) -> Done {
        Ok(())
    }

    async fn alter(&self, ids: &[RunId], alteration: &Alteration) -> Done<BulkReport> {
        if let Alteration::Requeue { input: Some(input) } = alteration {
            return self.retry_with(ids, input).await;
        }
        let body = order(alteration, &json!({ "runs": ids }));
        Ok(self.post::<answers::Bulk>(&format!("{RUNS}/alter"), Some(body)).await?.into())
    }

    async fn alter_all(&self, selection: &Selection, alteration: &Alteration) -> Done<BulkReport> {
        let body = order(alteration, &json!({ "filter": filter(selection) }));
        Ok(self.post::<answers::Bulk>(&format!("{RUNS}/alter"), Some(body)).await?.into())
    }

    async fn count_matching(
        &self,
        selection: &Selection,
        alteration: &Alteration,
    ) -> Done<(usize, bool)> {
        let body = order(alteration, &json!({ "filter": filter(selection), "dry_run": true }));
        let Matching { matching, has_more } =
            self.post(&format!("{RUNS}/alter"), Some(body)).await?;
        Ok((matching, has_more))
    }

    async fn steps(&self, run: RunId) -> Done<Vec<Step>> {
        let list: StepList = self.get(&format!("{RUNS}/{run}/steps"), self.query()).await?;
        Ok(list.steps)
    }

    async fn dead_letters(&self) -> Done<DeadLetterGroups> {
        Ok(self.get::<answers::Groups>("/api/v1/dead", self.query()).await?.into())
    }
}

impl Remote {
    /// Runs runs again with another input.
    async fn retry_with(&self, ids: &[RunId], input: &Json) -> Done<BulkReport> {
        #[derive(Serialize)]
        struct Body<'a> {
            input: &'a Json,
        }
        let mut report = BulkReport::default();
        for id in ids {
            let body = serde_json::to_vec(&Body { input }).expect("an input serialises");
            let path = format!("{RUNS}/{id}/retry");
            let answer = self.ask(Method::POST, &path, self.query(), Some(body), None).await?;
            match answer.status {
                StatusCode::NOT_FOUND => report.gone += 1,
                StatusCode::CONFLICT => {
                    let why = refused(&answer).message;
                    *report.refused.entry(why).or_default() += 1;
                }
                _ => {
                    good(answer)?;
                    report.done += 1;
                }
            }
        }
        Ok(report)
    }
}
