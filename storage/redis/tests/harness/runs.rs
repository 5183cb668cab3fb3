//! Runs to try things with.

use std::time::Duration;

use uuid::Uuid;
use zapjobs_model::{
    Due, JobType, Json, NewRun, Outcome, Priority, QueueName, RetryPolicy, Run, RunId, TenantId,
    Timestamp, Transition, Trigger, Usage, WorkerId, settle,
};
use zapjobs_storage::{ClaimRequest, QueueSelection};

pub(crate) fn a_run(queue: &str) -> NewRun {
    NewRun {
        id: RunId(Uuid::now_v7()),
        tenant: TenantId::standard(),
        job_type: JobType::new("mail").expect("a valid name"),
        queue: QueueName::new(queue).expect("a valid name"),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::trusted(r#"{"to":"someone"}"#),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: Default::default(),
    }
}

pub(crate) fn a_claim(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId(Uuid::from_u128(1)),
        queues: QueueSelection::All,
        limit,
        lease: Duration::from_secs(30),
    }
}

/// The run's attempt ends well.
pub(crate) fn completion(run: &Run, now: Timestamp) -> Transition {
    let outcome = Outcome::Completed(Json::trusted("1"));
    settle(run, outcome, Usage::default(), now, &RetryPolicy::default(), 0.5)
}
