//! Turns fire times of schedules into runs.
//!
//! **Invariant:** the storage moves a schedule on and stores its run in one step, so any number
//! of hosts may try. A fire time that passed while no host ran fires once, late.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;
use zapjobs_model::submit::submit;
use zapjobs_model::{JobDefinition, JobKey, JobRequest, RunId, Schedule, Timestamp, Trigger};
use zapjobs_storage::{FireRequest, FireResult, Result};

use super::Service;
use crate::host_core::Core;
use crate::limit_keys::find_limit_key;

const BATCH: usize = 1_000;
/// Longest rest: schedules may change meanwhile.
const REST_MAX: Duration = Duration::from_secs(1);

/// Fires the schedules of the job types that this host serves.
#[derive(Default)]
pub(crate) struct FireSchedules {
    /// Definitions whose runs were refused, so that each is told once.
    refused: Mutex<HashSet<JobKey>>,
}

#[async_trait]
impl Service for FireSchedules {
    fn name(&self) -> &'static str {
        "schedule"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let now = core.storage.now().await?;
        let due = core.storage.due_definitions(BATCH).await?;
        for definition in &due {
            let (Some(time), true) = (definition.next_run_at, core.serves(&definition.key)) else {
                continue;
            };
            self.fire(core, definition, time, now).await?;
        }
        let next = core.storage.next_fire_time().await?;
        // A schedule that another host serves may stay due: never spin on it.
        let rest = next.map_or(REST_MAX, |next| next.since(now));
        Ok(rest.clamp(Duration::from_millis(20), REST_MAX))
    }
}

impl FireSchedules {
    async fn fire(
        &self,
        core: &Core,
        definition: &JobDefinition,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let mut request = JobRequest {
            trigger: match definition.schedule {
                Schedule::Cron(_) => Trigger::Cron,
                _ => Trigger::Scheduled,
            },
            ..JobRequest::new(
                definition.key.tenant.clone(),
                definition.key.job_type.clone(),
                definition.default_input.clone(),
            )
        };
        let id = RunId(Uuid::now_v7());
        let bytes_max = core.options.limits.input_bytes_max;
        let pointers = core.limit_keys.pointers(&*core.storage).await?;
        let found = find_limit_key(&mut request, &pointers);
        let run = match found.and_then(|()| submit(request, definition, id, now, bytes_max)) {
            Ok(run) => run,
            Err(error) => {
                if self.refused.lock().insert(definition.key.clone()) {
                    tracing::error!(job = %definition.key, %error, "its schedule cannot fire");
                }
                return Ok(());
            }
        };
        let next = definition.schedule.next_after(due.max(now));
        let request = FireRequest { key: definition.key.clone(), due, next, run };
        if core.storage.fire(request).await? == FireResult::Fired {
            tracing::debug!(job = %definition.key, %due, "schedule fired");
        }
        Ok(())
    }
}
