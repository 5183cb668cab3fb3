//! Runs in the order in which they ended.
//!
//! The runs of each final status stand in an index of their own, by when they ended, then by id.
//! What is answered is merged of the three. Nothing is written, so no script is needed: a run that
//! leaves an index meanwhile is not answered, as if the look had been a moment later.

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{RunId, RunStatus, Timestamp};
use zapjobs_storage::{ENDINGS_MAX, Ending, EndingPlace, Endings, EndingsRequest, Result};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{describe, unexpected};
use crate::read::{Detail, read_runs};
use crate::record::Unreadable;

const OPERATION: &str = "list runs that ended";
/// Members that one command answers at most.
const MEMBERS_MAX: usize = 1_000;
const FINAL: [RunStatus; 3] = [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled];

#[async_trait]
impl Endings for RedisStorage {
    async fn endings(&self, request: &EndingsRequest) -> Result<Vec<Ending>> {
        self.check_open(OPERATION)?;
        let limit = request.limit.min(ENDINGS_MAX);
        let mut places = Vec::new();
        for status in FINAL {
            let index = self.keys.named(&format!("ended:{}", status.code()));
            places.extend(self.places(&index, request, limit).await?);
        }
        places.sort_unstable();
        places.truncate(limit);
        let ids: Vec<RunId> = places.iter().map(|place| place.run).collect();
        let runs = read_runs(self, OPERATION, &ids, Detail::WithoutTexts).await?;
        let mut found = Vec::with_capacity(runs.len());
        for (place, run) in places.iter().zip(runs) {
            match run {
                // One that ended anew meanwhile stands elsewhere now.
                Some(Ok(run)) => {
                    found.extend(Ending::of(&run).filter(|ending| ending.place() == *place));
                }
                Some(Err(Unreadable(reason))) => {
                    let run = place.run;
                    tracing::error!(%run, %reason, "passed over an unreadable run that ended");
                }
                None => {}
            }
        }
        Ok(found)
    }
}

impl RedisStorage {
    /// The first places of an index behind the one that is asked for.
    async fn places(
        &self,
        index: &str,
        request: &EndingsRequest,
        limit: usize,
    ) -> Result<Vec<EndingPlace>> {
        let from = request
            .after
            .map_or_else(|| "-inf".to_owned(), |place| place.ended_at.as_micros().to_string());
        let to = request
            .before
            .map_or_else(|| "+inf".to_owned(), |instant| format!("({}", instant.as_micros()));
        let (mut found, mut offset) = (Vec::new(), 0);
        // More than once only where many ended at the very instant of the place.
        while found.len() < limit {
            let mut command = redis::cmd("ZRANGEBYSCORE");
            command.arg(index).arg(&from).arg(&to).arg("WITHSCORES");
            command.arg("LIMIT").arg(offset).arg(MEMBERS_MAX);
            let answer = self.link.send(&command).await;
            let answer = answer.map_err(|error| describe(OPERATION, &error))?;
            let pairs = pairs(&answer)?;
            let count = pairs.len();
            found.extend(pairs.into_iter().filter(|place| Some(*place) > request.after));
            if count < MEMBERS_MAX {
                break;
            }
            offset += count;
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// Members and scores, whichever version of the protocol they come by.
fn pairs(answer: &Value) -> Result<Vec<EndingPlace>> {
    let mut flat = Vec::new();
    for item in Answer::of(OPERATION, answer).list()? {
        match item {
            Value::Array(pair) => flat.extend(pair),
            item => flat.push(item),
        }
    }
    flat.chunks(2).map(place).collect()
}

fn place(pair: &[&Value]) -> Result<EndingPlace> {
    let [member, score] = pair else { return Err(unexpected(OPERATION)) };
    let score = match score {
        Value::Double(score) => *score,
        score => {
            let text = Answer::of(OPERATION, score).text()?;
            text.parse().map_err(|_| unexpected(OPERATION))?
        }
    };
    // Instants are whole microseconds, which a double holds exactly.
    let ended_at = Timestamp::from_micros(score as i64);
    Ok(EndingPlace { ended_at, run: Answer::of(OPERATION, member).run_id()? })
}
