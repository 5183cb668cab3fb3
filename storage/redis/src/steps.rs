//! Steps of runs: each run's a hash.

use async_trait::async_trait;
use zapjobs_model::step::{STEPS_BYTES_MAX, STEPS_MAX};
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName, Timestamp};
use zapjobs_storage::{RecordStepResult, Result, Steps, check_step};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{describe, unexpected};
use crate::script::SCRIPTS;

/// Bytes before a result: the step's place and its instant.
const PLACE_BYTES: usize = 2;
const INSTANT_BYTES: usize = 8;

#[async_trait]
impl Steps for RedisStorage {
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult> {
        const OPERATION: &str = "record the step";
        self.check_open(OPERATION)?;
        check_step(OPERATION, result)?;
        let mut call = self.run_call(&SCRIPTS.step, [key.run].into_iter(), &[]);
        call.arg(&key.lease.0.to_be_bytes()).arg(name.as_str()).arg(result.as_str());
        call.arg(STEPS_MAX).arg(STEPS_BYTES_MAX);
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        Ok(match answer.at(0)?.number()? {
            0 => RecordStepResult::Stale,
            1 => match answer.at(1)?.text()? {
                earlier if earlier == result.as_str() => RecordStepResult::Recorded,
                earlier => RecordStepResult::Earlier(Json::trusted(earlier)),
            },
            2 => RecordStepResult::Full,
            3 => RecordStepResult::Recorded,
            _ => return Err(unexpected(OPERATION)),
        })
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        const OPERATION: &str = "read the steps";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.steps(run));
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        let mut steps = Vec::new();
        for (name, packed) in Answer::of(OPERATION, &answer).fields()? {
            // The field of the sum.
            if name.is_empty() {
                continue;
            }
            steps.push(read_step(name, packed).ok_or_else(|| unexpected(OPERATION))?);
        }
        steps.sort_by_key(|(place, _)| *place);
        Ok(steps.into_iter().map(|(_, step)| step).collect())
    }
}

/// A step and its place.
fn read_step(name: &[u8], packed: &[u8]) -> Option<(u16, Step)> {
    let (place, packed) = packed.split_first_chunk::<PLACE_BYTES>()?;
    let (at, result) = packed.split_first_chunk::<INSTANT_BYTES>()?;
    let name = StepName::new(std::str::from_utf8(name).ok()?).ok()?;
    let result = Json::trusted(std::str::from_utf8(result).ok()?);
    let at = Timestamp::from_micros(i64::from_be_bytes(*at));
    Some((u16::from_be_bytes(*place), Step { name, result, at }))
}
