//! Lets runs go on that wait for others.
//!
//! **Invariant:** what is decided here can be decided again: the storage writes a decision once,
//! and takes a noted end away only when nobody waits for it any more. Any number of hosts may do
//! the same at the same time, and one that dies loses nothing.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::workflow::{Step, decide, outputs};
use zapjobs_model::{Blame, EventKind, JobEvent, Json, Run, RunError, RunId, RunStatus, Timestamp};
use zapjobs_storage::{AdvanceRequest, AdvanceResult, EndedParent, Result};

use super::Service;
use crate::host_core::Core;
use crate::schema::SchemaCache;

/// Ends, and runs that wait for them, looked at in one round.
const BATCH: usize = 500;
/// Longest rest: a hint may have been lost.
const REST_MAX: Duration = Duration::from_secs(1);
/// Rest after a round in which other hosts were quicker.
const REST_AFTER_CHANGE: Duration = Duration::from_millis(5);

/// The error type of a run whose input could not be put together.
const INPUT: &str = "input";

#[derive(Default)]
pub(crate) struct Advance {
    schemas: SchemaCache,
}

#[async_trait]
impl Service for Advance {
    fn name(&self) -> &'static str {
        "advance"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let ends = core.storage.ended_parents(BATCH).await?;
        if ends.is_empty() {
            return Ok(REST_MAX);
        }
        let mut has_changed = false;
        for end in ends {
            has_changed |= self.advance(core, end).await?;
        }
        Ok(if has_changed { REST_AFTER_CHANGE } else { Duration::ZERO })
    }

    async fn woken(&self, core: &Core) {
        core.ended.notified().await;
    }
}

impl Advance {
    /// Decides about those that wait for one run. Answers whether some of it was out of date.
    async fn advance(&self, core: &Core, end: EndedParent) -> Result<bool> {
        let mut steps = Vec::with_capacity(end.children.len());
        let mut ended = Vec::new();
        for child in end.children {
            let step = match decide(end.run, end.status, child.on, child.others) {
                Step::Release { .. } => self.release(core, child.run).await?,
                step => step,
            };
            if let Step::End { status, .. } = step {
                ended.push((child.run, status));
            }
            steps.push((child.run, step));
        }
        let ids: Vec<RunId> = steps.iter().map(|(id, _)| *id).collect();
        let request = AdvanceRequest { parent: end.run, status: end.status, steps };
        let results = core.storage.advance(request).await?;
        let done: HashMap<RunId, AdvanceResult> = ids.into_iter().zip(results).collect();
        ended.retain(|(id, _)| done.get(id) == Some(&AdvanceResult::Done));
        tell(core, &ended).await?;
        Ok(done.values().any(|result| *result == AdvanceResult::Changed))
    }

    /// Lets a run go, with what others returned in its input.
    async fn release(&self, core: &Core, id: RunId) -> Result<Step> {
        let as_it_is = Step::Release { input: None };
        let Some(run) = core.storage.run(id).await? else { return Ok(as_it_is) };
        if outputs::names(&run.input).next().is_none() {
            return Ok(as_it_is);
        }
        Ok(match self.input(core, &run).await? {
            Ok(input) => Step::Release { input: Some(input) },
            Err(problem) => {
                let error = RunError::new(Blame::Guest, INPUT, problem);
                Step::End { status: RunStatus::Failed, error }
            }
        })
    }

    /// The run's input with what others returned in it; or what is wrong with it.
    async fn input(&self, core: &Core, run: &Run) -> Result<std::result::Result<Json, String>> {
        let mut returned = HashMap::new();
        for name in outputs::names(&run.input) {
            if returned.contains_key(name) {
                continue;
            }
            let Ok(id) = name.parse::<RunId>() else {
                return Ok(Err(format!(
                    "its input asks for the output of {name:?}, which is no run"
                )));
            };
            let parent = core.storage.run(id).await?.filter(|parent| parent.tenant == run.tenant);
            let Some(output) = parent.and_then(|parent| parent.output) else {
                return Ok(Err(format!(
                    "its input asks for the output of run {id}, which returned none"
                )));
            };
            returned.insert(name.to_owned(), output);
        }
        let bytes_max = core.options.limits.input_bytes_max;
        let value = |name: &str| returned.get(name).map(|output| output.as_str().to_owned());
        let Ok(text) = outputs::substitute(&run.input, value) else {
            return Ok(Err("its input asks for an output that was not read".to_owned()));
        };
        if text.len() as u64 > bytes_max {
            return Ok(Err(format!(
                "with the outputs of others its input is {} bytes long, {bytes_max} are allowed: \
                 return a reference instead",
                text.len()
            )));
        }
        let input = match Json::parse(&text) {
            Ok(input) => input,
            Err(error) => {
                return Ok(Err(format!("with the outputs of others its input is {error}")));
            }
        };
        self.checked(core, run, input).await
    }

    async fn checked(
        &self,
        core: &Core,
        run: &Run,
        input: Json,
    ) -> Result<std::result::Result<Json, String>> {
        let definition = core.storage.definition(&run.job_key()).await?;
        let Some(schema) = definition.and_then(|definition| definition.input_schema) else {
            return Ok(Ok(input));
        };
        let checked = self.schemas.get(&schema);
        Ok(match checked.map(|schema| schema.check(&run.job_type, &input)) {
            Ok(Ok(())) => Ok(input),
            Ok(Err(error)) => Err(error.to_string()),
            Err(problem) => {
                Err(format!("the input schema of {} cannot be used: {problem}", run.job_type))
            }
        })
    }
}

/// Tells those who wait for runs that ended without having run.
async fn tell(core: &Core, ended: &[(RunId, RunStatus)]) -> Result<()> {
    let at: Timestamp = core.clock.now();
    let mut events = Vec::with_capacity(ended.len());
    for (id, status) in ended {
        if let Some(run) = core.storage.run(*id).await? {
            events.push(JobEvent::of(&run, at, EventKind::Settled(*status)));
        }
    }
    if !events.is_empty() {
        core.storage.publish(events);
    }
    Ok(())
}
