//! What a host does with runs, in small: promote, rescue, claim, complete. And what must hold
//! afterwards, whatever went wrong meanwhile.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use zapjobs_model::{Outcome, RetryPolicy, RunId, RunStatus, Usage, WorkerId, settle};
use zapjobs_postgres::PostgresStorage;
use zapjobs_storage::{
    ApplyResult, ClaimRequest, QueueSelection, Result, RunFilter, RunQueries, RunStore, Span,
    Statistics, StatisticsRequest, Storage, TenantSelection,
};

use super::runs::completion;

/// Only waited for in full by a test that fails.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);

/// How often the completion of which run was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged(HashMap<RunId, usize>);

impl Acknowledged {
    pub(crate) fn note(&mut self, ids: impl IntoIterator<Item = RunId>) {
        for id in ids {
            *self.0.entry(id).or_default() += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (id, times) in other.0 {
            *self.0.entry(id).or_default() += times;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

pub(crate) fn a_worker_claims(limit: usize, lease: Duration) -> ClaimRequest {
    let worker = WorkerId(uuid::Uuid::now_v7());
    let tenants = TenantSelection::All;
    ClaimRequest { worker, queues: QueueSelection::All, tenants, limit, lease }
}

/// One turn: promotes what is due, settles as lost what nobody renews, claims and completes.
/// Answers whose completion was acknowledged.
pub(crate) async fn turn(storage: &PostgresStorage, claim: &ClaimRequest) -> Result<Vec<RunId>> {
    storage.promote(1_000).await?;
    let lost = storage.expired(1_000).await?;
    let now = storage.now().await?;
    let policy = RetryPolicy::default();
    let lost: Vec<_> = lost
        .iter()
        .map(|run| settle(run, Outcome::Lost, Usage::default(), now, &policy, 0.5))
        .collect();
    storage.apply(&lost).await?;
    let claimed = storage.claim(claim.clone()).await?;
    let now = storage.now().await?;
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    let answers = storage.apply(&ends).await?;
    let written = ends.iter().zip(answers).filter(|(_, answer)| *answer == ApplyResult::Applied);
    Ok(written.map(|(end, _)| end.key.run).collect())
}

/// Takes turns until every run has ended.
pub(crate) async fn drain(storage: &PostgresStorage, acknowledged: &mut Acknowledged) {
    let claim = a_worker_claims(500, Duration::from_secs(30));
    let began = Instant::now();
    loop {
        acknowledged.note(turn(storage, &claim).await.expect("nothing is wrong any more"));
        let counts = storage.counts(&RunFilter::default()).await.expect("it answers");
        if counts.completed == counts.total() {
            return;
        }
        assert!(began.elapsed() < DRAINED_WITHIN, "some runs never end: {counts:?}");
    }
}

/// What was acknowledged is there, nothing was recorded twice, and the sums say the same.
pub(crate) async fn verify(
    storage: &PostgresStorage,
    enqueued: &HashSet<RunId>,
    acknowledged: &Acknowledged,
) {
    for id in enqueued {
        let run = storage.run(*id).await.expect("it is readable");
        let run = run.unwrap_or_else(|| panic!("run {id} was acknowledged and is lost"));
        assert_eq!(run.status, RunStatus::Completed, "run {id}");
    }
    for (id, times) in &acknowledged.0 {
        assert_eq!(*times, 1, "the completion of run {id} was recorded {times} times");
    }
    let counts = storage.counts(&RunFilter::default()).await.expect("it answers");
    assert!(counts.completed >= acknowledged.len() as u64);
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let sums = storage.statistics(request).await.expect("it answers");
    let total = sums.first().expect("something happened").activity;
    assert_eq!(total.completed, counts.completed, "each end was counted once: {total:?}");
    assert_eq!(total.enqueued, counts.total(), "each run was counted once: {total:?}");
    assert!(total.started >= total.completed + total.put_back, "{total:?}");
}
