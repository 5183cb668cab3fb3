//! Runs to try a driver with outside the suite: for a driver's own tests and benchmarks.

use uuid::Uuid;
use zapjobs_model::{
    Json, NewRun, Outcome, RetryPolicy, Run, RunId, Timestamp, Transition, Usage, settle,
};
use zapjobs_storage::{ClaimRequest, QueueSelection, RunPageRequest, RunQueries, TenantSelection};

use crate::builders::{self, LEASE, worker};

/// A run in this queue: due now, with three attempts, of the job `mail`. Its id is a new UUID
/// v7, so that runs which several processes make differ.
///
/// # Panics
///
/// If the name is no queue's.
pub fn a_run(queue: &str) -> NewRun {
    let run = builders::a_run("mail").queue(queue).input(r#"{"to":"someone"}"#).build();
    NewRun { id: RunId(Uuid::now_v7()), ..run }
}

/// A wish for so many runs of any queue, for 30 seconds; always of the same worker.
pub fn a_claim(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: worker(1),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit,
        lease: LEASE,
    }
}

/// The run's attempt ends well, with the output `1`.
pub fn completion(run: &Run, now: Timestamp) -> Transition {
    let outcome = Outcome::Completed(Json::trusted("1"));
    settle(run, outcome, Usage::default(), now, &RetryPolicy::default(), 0.5)
}

/// The runs that a listing shows, asked for one by one.
///
/// # Panics
///
/// If a page is not answered.
pub async fn listed_one_by_one(storage: &dyn RunQueries) -> Vec<RunId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let request = RunPageRequest { after, limit: 1, ..RunPageRequest::default() };
        let page = storage.runs(request).await.expect("a page");
        seen.extend(page.runs.iter().map(|run| run.id));
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}
