//! Runs that have been ready for long.

use async_trait::async_trait;
use zapjobs_model::RunId;
use zapjobs_storage::{AGED_MAX, AgedRequest, Aging, Result};

use crate::MemoryStorage;

#[async_trait]
impl Aging for MemoryStorage {
    async fn aged(&self, request: &AgedRequest) -> Result<Vec<RunId>> {
        let limit = request.limit.min(AGED_MAX);
        self.work("list runs that have been ready for long", |work| {
            let ready = &work.state.runs.indexes().ready;
            let places = ready.places(&request.queues);
            let aged = places.filter(|(priority, due_at, _)| {
                *priority < request.below && *due_at < request.ready_before
            });
            Ok(aged.take(limit).map(|(_, _, id)| id).collect())
        })
    }
}
