//! Runs that wait for others.
//!
//! **Invariant:** a run that waits for others is held, and its edges go in the script that makes
//! it stand otherwise. An end is noted in the script that ends the run.

use async_trait::async_trait;
use zapjobs_model::workflow::{Condition, Dependency, Step};
use zapjobs_model::{NewRun, RunId, RunStatus};
use zapjobs_storage::{
    AdvanceRequest, AdvanceResult, Dependencies, ENDS_MAX, EndedParent, Result, WaitingChild,
    check_advance,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, describe, unexpected};
use crate::record::encoded;
use crate::runs::RUNS_PER_SCRIPT;
use crate::script::{Call, SCRIPTS};

/// Puts for whom runs wait in front of what `enqueue.lua` takes. `runs` are those of the call,
/// in its order.
pub(crate) fn put_links<'a>(call: &mut Call, runs: impl Iterator<Item = &'a NewRun> + Clone) {
    let linked = runs.enumerate().filter(|(_, run)| !run.after.is_empty());
    call.arg(linked.clone().count());
    for (place, run) in linked {
        let mut packed = Vec::with_capacity(17 * run.after.len());
        for of in &run.after {
            packed.extend(of.run.0.as_bytes());
            packed.push(b'0' + of.on.code());
        }
        call.arg(place).arg(packed);
    }
}

#[async_trait]
impl Dependencies for RedisStorage {
    async fn ended_parents(&self, limit: usize) -> Result<Vec<EndedParent>> {
        const OPERATION: &str = "list ends that runs wait for";
        self.check_open(OPERATION)?;
        let mut call = Call::new(&SCRIPTS.ended_parents, 1);
        call.arg(self.keys.named("ends")).arg(self.keys.base()).arg(limit.min(ENDS_MAX));
        let answer = self.call(OPERATION, &call).await?;
        let mut parents = Vec::new();
        for parent in Answer::of(OPERATION, &answer).list()?.chunks_exact(3) {
            let part = |at: usize| Answer::of(OPERATION, &parent[at]);
            let run = part(0).run_id()?;
            let status = digit(part(1))?.and_then(RunStatus::from_code);
            let status = status
                .ok_or_else(|| corrupt(OPERATION, format!("the end of run {run} is spoilt")))?;
            let mut children = Vec::new();
            for child in part(2).list()?.chunks_exact(3) {
                let part = |at: usize| Answer::of(OPERATION, &child[at]);
                let run = part(0).run_id()?;
                let on = digit(part(1))?.and_then(Condition::from_code);
                let on = on.ok_or_else(|| {
                    corrupt(OPERATION, format!("what run {run} waits for is spoilt"))
                })?;
                let others = part(2).count()?.saturating_sub(1) as u64;
                children.push(WaitingChild { run, on, others });
            }
            parents.push(EndedParent { run, status, children });
        }
        Ok(parents)
    }

    async fn advance(&self, request: AdvanceRequest) -> Result<Vec<AdvanceResult>> {
        const OPERATION: &str = "advance runs that wait";
        self.check_open(OPERATION)?;
        check_advance(OPERATION, &request)?;
        let mut results = Vec::with_capacity(request.steps.len());
        let mut rest = &request.steps[..];
        // Once at least: without steps, the end is taken away.
        loop {
            let (steps, after) = rest.split_at(rest.len().min(RUNS_PER_SCRIPT));
            let mut call = self.run_call(&SCRIPTS.advance, steps.iter().map(|(id, _)| *id), &[]);
            call.arg(request.parent.0.as_bytes()).arg(request.status.code());
            steps.iter().for_each(|(_, step)| put_step(&mut call, step));
            let answer = self.call(OPERATION, &call).await?;
            let answer = Answer::of(OPERATION, &answer);
            self.listeners.tell(answer.notices(1)?);
            for result in answer.at(0)?.items()? {
                results.push(match result.number()? {
                    0 => AdvanceResult::Done,
                    1 => AdvanceResult::Changed,
                    2 => AdvanceResult::Gone,
                    _ => return Err(unexpected(OPERATION)),
                });
            }
            rest = after;
            if rest.is_empty() {
                return Ok(results);
            }
        }
    }

    async fn dependencies(&self, run: RunId) -> Result<Vec<Dependency>> {
        const OPERATION: &str = "read what a run waits for";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.after(run));
        let answer = self.link.send(&command).await;
        let answer = answer.map_err(|error| describe(OPERATION, &error))?;
        let spoilt = || corrupt(OPERATION, format!("what run {run} waits for is spoilt"));
        let mut parents = Vec::new();
        for (parent, on) in Answer::of(OPERATION, &answer).fields()? {
            let parent = uuid::Uuid::from_slice(parent).map_err(|_| spoilt())?;
            let code = std::str::from_utf8(on).ok().and_then(|code| code.parse().ok());
            let on = code.and_then(Condition::from_code).ok_or_else(spoilt)?;
            parents.push(Dependency { run: RunId(parent), on });
        }
        parents.sort_unstable();
        Ok(parents)
    }
}

fn digit(answer: Answer<'_>) -> Result<Option<i64>> {
    Ok(answer.text()?.parse().ok())
}

fn put_step(call: &mut Call, step: &Step) {
    match step {
        Step::Wait => call.arg("wait").arg("").arg(""),
        Step::Release { input: None } => call.arg("release").arg("").arg(""),
        Step::Release { input: Some(input) } => call.arg("release").arg("1").arg(input.as_str()),
        Step::End { status, error } => call.arg("end").arg(status.code()).arg(encoded(error)),
    };
}
