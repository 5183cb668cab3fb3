//! The contract for those who look at runs.
//!
//! A listing goes through ids, newest first ([`crate::walk`]), reads the runs and keeps those
//! that the filter takes. It is no snapshot: a run that moves between two statuses meanwhile is
//! listed as it stands when it is read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{QueueName, Run, RunId, RunStatus, TenantId};
use zapjobs_storage::{
    Counts, Cursor, Page, QueueCounts, QueueSelection, Result, RunFilter, RunPageRequest,
    RunQueries, TENANT_SHARES_MAX, check_page,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, describe};
use crate::keys::lane_parts;
use crate::read::{Detail, read_runs};
use crate::record::Unreadable;
use crate::script::{Call, SCRIPTS};
use crate::walk::Walk;

/// Bytes of inputs and outputs on one page, about; the run that crosses it is the last.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// Ids that are looked up at once at most.
const IDS_MAX: usize = 1_000;
/// Runs whose inputs and outputs are read at once at most.
const WHOLE_RUNS_MAX: usize = 200;

#[async_trait]
impl RunQueries for RedisStorage {
    async fn run(&self, id: RunId) -> Result<Option<Run>> {
        const OPERATION: &str = "read the run";
        let mut runs = read_runs(self, OPERATION, &[id], Detail::Whole).await?;
        let run = runs.pop().flatten().transpose();
        run.map_err(|Unreadable(why)| corrupt(OPERATION, format!("run {id} is unreadable: {why}")))
    }

    async fn runs(&self, request: RunPageRequest) -> Result<Page> {
        const OPERATION: &str = "list runs";
        self.check_open(OPERATION)?;
        check_page(OPERATION, request.limit)?;
        let mut walk = Walk::new(self, OPERATION, &request.filter, request.after).await?;
        let mut page = Page { runs: Vec::new(), next: None };
        let mut bytes = 0;
        // One more than asked for tells whether there is another page.
        while let Some(ids) = walk.next((request.limit + 1).min(WHOLE_RUNS_MAX)).await? {
            for run in readable(&ids, read_runs(self, OPERATION, &ids, Detail::Whole).await?) {
                if !request.filter.matches(&run) {
                    continue;
                }
                if page.runs.len() == request.limit || bytes > PAGE_BYTES_MAX {
                    page.next = page.runs.last().map(|run| Cursor(run.id));
                    return Ok(page);
                }
                bytes += run.input.as_str().len();
                bytes += run.output.as_ref().map_or(0, |output| output.as_str().len());
                page.runs.push(run);
            }
        }
        Ok(page)
    }

    async fn counts(&self, filter: &RunFilter) -> Result<Counts> {
        const OPERATION: &str = "count runs";
        self.check_open(OPERATION)?;
        let mut counts = Counts::default();
        if is_by_lane(filter) {
            for LaneCount { lane, status, count } in lane_counts(self, OPERATION).await? {
                let is_wanted = filter.statuses.is_empty() || filter.statuses.contains(&status);
                if is_wanted && lane.is_taken(filter) {
                    *counts.of_mut(status) += count;
                }
            }
            return Ok(counts);
        }
        let mut walk = Walk::new(self, OPERATION, filter, None).await?;
        while let Some(ids) = walk.next(IDS_MAX).await? {
            let runs = read_runs(self, OPERATION, &ids, Detail::WithoutTexts).await?;
            for run in readable(&ids, runs).filter(|run| filter.matches(run)) {
                *counts.of_mut(run.status) += 1;
            }
        }
        Ok(counts)
    }

    async fn queue_counts(&self) -> Result<Vec<QueueCounts>> {
        let mut by_queue = BTreeMap::<QueueName, Counts>::new();
        for LaneCount { lane, status, count } in lane_counts(self, "count queues").await? {
            *by_queue.entry(lane.queue).or_default().of_mut(status) += count;
        }
        let counts = by_queue.into_iter();
        Ok(counts.map(|(queue, counts)| QueueCounts { queue, counts }).collect())
    }

    async fn ready_tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>> {
        const OPERATION: &str = "list tenants with pending runs";
        self.check_open(OPERATION)?;
        let mut call = Call::new(&SCRIPTS.ready_tenants, 1);
        call.arg(self.keys.named("lanes")).arg(after.map_or("", |after| after.as_str()));
        call.arg(limit.min(TENANT_SHARES_MAX));
        match queues {
            QueueSelection::All => {}
            QueueSelection::Only(names) if names.is_empty() => return Ok(Vec::new()),
            QueueSelection::Only(names) => names.iter().for_each(|name| {
                call.arg(name.as_str());
            }),
        }
        let answer = self.call(OPERATION, &call).await?;
        let mut tenants = Vec::new();
        for name in Answer::of(OPERATION, &answer).items()? {
            // A spoilt name is nobody's.
            tenants.extend(TenantId::new(name.text()?).ok());
        }
        Ok(tenants)
    }

    async fn waiting(&self, tenant: &TenantId, up_to: u64) -> Result<u64> {
        const OPERATION: &str = "count waiting runs";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.named("waiting")).arg(tenant.as_str());
        let answer = self.link.send(&command).await;
        let count = match answer.map_err(|error| describe(OPERATION, &error))? {
            Value::Nil => 0,
            count => Answer::of(OPERATION, &count).count()?,
        };
        Ok(u64::try_from(count).unwrap_or(u64::MAX).min(up_to))
    }
}

/// The runs that can be read; others are told of and passed over.
fn readable(ids: &[RunId], runs: Vec<Option<crate::answer::ReadRun>>) -> impl Iterator<Item = Run> {
    ids.iter().zip(runs).filter_map(|(id, run)| match run {
        Some(Ok(run)) => Some(run),
        Some(Err(Unreadable(reason))) => {
            tracing::error!(run = %id, %reason, "passed over an unreadable run in a listing");
            None
        }
        None => None,
    })
}

/// Whether the filter asks for nothing but statuses, a tenant and a queue.
fn is_by_lane(filter: &RunFilter) -> bool {
    let rest = RunFilter { statuses: Vec::new(), tenant: None, queue: None, ..filter.clone() };
    rest == RunFilter::default()
}

/// A queue of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) tenant: TenantId,
    pub(crate) queue: QueueName,
}

impl Lane {
    /// Whether a filter takes its runs, as far as this tells.
    pub(crate) fn is_taken(&self, filter: &RunFilter) -> bool {
        filter.tenant.as_ref().is_none_or(|tenant| *tenant == self.tenant)
            && filter.queue.as_ref().is_none_or(|queue| *queue == self.queue)
    }
}

/// How many runs of a lane stand so.
pub(crate) struct LaneCount {
    pub(crate) lane: Lane,
    pub(crate) status: RunStatus,
    pub(crate) count: u64,
}

pub(crate) async fn lane_counts(
    s: &RedisStorage,
    operation: &'static str,
) -> Result<Vec<LaneCount>> {
    s.check_open(operation)?;
    let mut command = redis::cmd("HGETALL");
    command.arg(s.keys.named("counts"));
    let answer = s.link.send(&command).await.map_err(|error| describe(operation, &error))?;
    let mut counts = Vec::new();
    for (field, count) in Answer::of(operation, &answer).fields()? {
        let field = std::str::from_utf8(field).ok().and_then(|field| field.split_once('/'));
        let (Some((code, lane)), Some(count)) = (field, number(count)) else { continue };
        let status = code.parse().ok().and_then(RunStatus::from_code);
        // A spoilt name or number is in nobody's way.
        if let (Some(status), Some((tenant, queue))) = (status, lane_parts(lane)) {
            counts.push(LaneCount { lane: Lane { tenant, queue }, status, count });
        }
    }
    Ok(counts)
}

fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
