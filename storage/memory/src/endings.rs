//! Runs in the order in which they ended.

use async_trait::async_trait;
use zapjobs_storage::{ENDINGS_MAX, Ending, Endings, EndingsRequest, Result};

use crate::MemoryStorage;

#[async_trait]
impl Endings for MemoryStorage {
    async fn endings(&self, request: &EndingsRequest) -> Result<Vec<Ending>> {
        let limit = request.limit.min(ENDINGS_MAX);
        let after = request.after.map(|place| (place.ended_at, place.run));
        self.work("list runs that ended", |work| {
            let runs = &work.state.runs;
            let ended = runs.indexes().finished.after(after);
            let wanted =
                ended.take_while(|(at, _)| request.before.is_none_or(|before| *at < before));
            let endings = wanted.filter_map(|(_, id)| runs.get(id).and_then(Ending::of));
            Ok(endings.take(limit).collect())
        })
    }
}
