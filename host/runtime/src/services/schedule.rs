//! Turns fire times of schedules into runs.
//!
//! **Invariant:** the storage moves a schedule on and stores its runs in one step, over the
//! revision that the plan was made on, so any number of hosts may try and one fires. What
//! becomes of which time is `zapjobs_model::job_schedule::plan`'s to say.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use zapjobs_model::job_schedule::run_id_at;
use zapjobs_model::submit::submit;
use zapjobs_model::{
    FirePlan, InvalidRequest, JobDefinition, JobKey, JobSchedule, NewRun, OverlapPolicy, Timestamp,
    job_schedule,
};
use zapjobs_storage::{DuePlace, FireRequest, FireResult, Result, SCHEDULES_MAX};

use super::Service;
use crate::host_core::Core;
use crate::limit_keys::{Pointers, find_limit_key};

/// Due schedules that are read in one round at most, in pages of [`SCHEDULES_MAX`]; the next
/// round goes on behind them.
const PAGES_MAX: usize = 10;
/// Schedules that fire in one call, and runs after which a call is made.
const FIRED_TOGETHER_MAX: usize = 500;
/// Longest rest: schedules may change meanwhile.
const REST_MAX: Duration = Duration::from_secs(1);
/// Shortest rest: what comes due within it fires together, in one commit.
const REST_MIN: Duration = Duration::from_millis(20);
/// Shortest rest for each schedule that fired in a round, up to [`REST_BUSY`]: the more of them
/// there are, the more fire together.
const REST_PER_FIRED: Duration = Duration::from_millis(2);
/// Shortest rest where very many fire: nobody's fire time comes later than that for their sake.
const REST_BUSY: Duration = Duration::from_millis(100);

/// Fires the schedules of the job types that this host serves.
#[derive(Default)]
pub(crate) struct FireSchedules {
    /// Where the next round goes on. Schedules that no host serves stay due, and must not stand
    /// before others for ever.
    place: Mutex<Option<DuePlace>>,
}

#[async_trait]
impl Service for FireSchedules {
    fn name(&self) -> &'static str {
        "schedule"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let mut round = Round::begin(core).await?;
        let mut place = self.place.lock().take();
        for _ in 0..PAGES_MAX {
            let page = core.storage.due_schedules(place.as_ref(), SCHEDULES_MAX).await?;
            for schedule in page.schedules {
                round.take(schedule).await?;
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        round.fire().await?;
        let goes_on = place.is_some() && round.fired > 0;
        *self.place.lock() = place;
        if goes_on || round.is_behind {
            return Ok(Duration::ZERO);
        }
        let next = core.storage.next_due_after(round.now).await?;
        let rest = next.map_or(REST_MAX, |next| next.since(round.now));
        Ok(rest.clamp(shortest_rest(round.fired), REST_MAX))
    }
}

/// After a round in which so many schedules fired.
fn shortest_rest(fired: u32) -> Duration {
    REST_PER_FIRED.saturating_mul(fired).clamp(REST_MIN, REST_BUSY)
}

/// One look at what is due.
struct Round<'a> {
    core: &'a Core,
    now: Timestamp,
    /// What was read of the job types met.
    definitions: HashMap<JobKey, Option<JobDefinition>>,
    pointers: Pointers,
    requests: Vec<FireRequest>,
    runs: usize,
    /// Schedules that fired.
    fired: u32,
    /// A schedule has more fire times than one plan takes.
    is_behind: bool,
}

impl<'a> Round<'a> {
    async fn begin(core: &'a Core) -> Result<Self> {
        let now = core.storage.now().await?;
        let pointers = core.limit_keys.pointers(&*core.storage).await?;
        let (definitions, requests) = (HashMap::new(), Vec::new());
        let (fired, is_behind) = (0, false);
        Ok(Self { core, now, definitions, pointers, requests, runs: 0, fired, is_behind })
    }

    /// Plans what becomes of a schedule, if this host serves its job.
    async fn take(&mut self, schedule: JobSchedule) -> Result<()> {
        let key = schedule.job_key();
        if !self.core.serves(&key) {
            return Ok(());
        }
        if !self.definitions.contains_key(&key) {
            let read = self.core.storage.definition(&key).await?;
            self.definitions.insert(key.clone(), read);
        }
        let active = match (schedule.overlap, schedule.last_run) {
            (OverlapPolicy::Allow, _) | (_, None) => None,
            (_, Some(run)) => self.core.storage.run(run).await?.map(|run| run.status),
        };
        let Some(Some(definition)) = self.definitions.get(&key) else { return Ok(()) };
        let calendars = self.core.calendars.of(&*self.core.storage, &schedule).await?;
        let plan = match &calendars {
            Ok(calendars) => job_schedule::plan_with(&schedule, calendars, active, self.now),
            Err(missing) => {
                tracing::error!(schedule = %schedule.key, calendar = %missing,
                    "it does not fire, for its calendar is missing or cannot be used");
                job_schedule::plan_without_calendar(&schedule, missing, self.now)
            }
        };
        // Before the schedule moves on: a host that dies in between leaves it due, and the next
        // one asks again.
        if let Some(run) = plan.cancel {
            self.core.storage.request_cancel(run).await?;
        }
        self.is_behind |= plan.after.next_fire_at.is_some_and(|next| next <= self.now);
        let request = self.request(&schedule, plan, definition);
        self.runs += request.runs.len();
        self.requests.push(request);
        if self.requests.len() >= FIRED_TOGETHER_MAX || self.runs >= FIRED_TOGETHER_MAX {
            self.fire().await?;
        }
        Ok(())
    }

    /// The runs of a plan; one of whose times no run can be made moves on without.
    fn request(
        &self,
        schedule: &JobSchedule,
        plan: FirePlan,
        definition: &JobDefinition,
    ) -> FireRequest {
        let run = |time: &Timestamp| -> std::result::Result<NewRun, InvalidRequest> {
            let mut request = schedule.request(definition, Some(*time));
            find_limit_key(&mut request, &self.pointers)?;
            let id = run_id_at(&schedule.key, *time);
            submit(request, definition, id, self.now, self.core.options.limits.input_bytes_max)
        };
        let FirePlan { times, after, .. } = plan;
        match times.iter().map(run).collect() {
            Ok(runs) => {
                tracing::debug!(schedule = %schedule.key, ?times, "schedule fires");
                FireRequest { runs, schedule: after }
            }
            Err(error) => {
                tracing::error!(schedule = %schedule.key, %error, "no run can be made of it");
                let (last_run, last_fire_at) = (schedule.last_run, schedule.last_fire_at);
                let after = after.refused(times.len() as u64, error.to_string());
                let after = JobSchedule { last_run, last_fire_at, ..after };
                FireRequest { runs: Vec::new(), schedule: after }
            }
        }
    }

    async fn fire(&mut self) -> Result<()> {
        if self.requests.is_empty() {
            return Ok(());
        }
        let fired = self.core.storage.fire(&self.requests).await?;
        let fired = fired.iter().filter(|it| **it == FireResult::Fired).count();
        self.fired = self.fired.saturating_add(u32::try_from(fired).unwrap_or(u32::MAX));
        self.requests.clear();
        self.runs = 0;
        Ok(())
    }
}
