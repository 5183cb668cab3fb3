//! Runs that have been ready for long.

use async_trait::async_trait;
use zapjobs_model::RunId;
use zapjobs_storage::{AGED_MAX, AgedRequest, Aging, QueueSelection, Result};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::script::{Call, SCRIPTS};

/// Looks into lanes that one script takes at most.
const LOOKS_PER_SCRIPT: usize = 1_000;

#[async_trait]
impl Aging for RedisStorage {
    async fn aged(&self, request: &AgedRequest) -> Result<Vec<RunId>> {
        const OPERATION: &str = "list runs that have been ready for long";
        self.check_open(OPERATION)?;
        let limit = request.limit.min(AGED_MAX);
        let (mut found, mut place) = (Vec::new(), (String::new(), 0));
        while found.len() < limit {
            let mut call = Call::new(&SCRIPTS.aged, 1);
            call.arg(self.keys.named("lanes")).arg(self.keys.named("pending:"));
            call.arg(request.ready_before.as_micros()).arg(request.below.get());
            call.arg(limit - found.len()).arg(LOOKS_PER_SCRIPT);
            call.arg(place.0.as_str()).arg(place.1);
            if let QueueSelection::Only(names) = &request.queues {
                if names.is_empty() {
                    break;
                }
                names.iter().for_each(|name| {
                    call.arg(name.as_str());
                });
            }
            let answer = self.call(OPERATION, &call).await?;
            let answer = Answer::of(OPERATION, &answer);
            for id in answer.at(0)?.items()? {
                found.push(id.ending_run_id()?);
            }
            // Where the next script goes on; nowhere at the end.
            place = (answer.at(1)?.text()?.to_owned(), answer.at(2)?.number()?);
            if place.0.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}
