//! An innocent job on the same sandbox, and how long it usually takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use zapjobs_model::port::{
    Cancellation, Invocation, Plugin, PluginSource, RunContext, Sandbox, Services,
};
use zapjobs_model::{Grants, Json, Limits, Outcome, RunId, TenantId, Trigger};

use crate::heard::Heard;

/// Runs of which the usual time is the median.
const USUAL_RUNS: usize = 20;
/// Runs of which the time after an attack is the median.
const LATER_RUNS: usize = 5;
/// How many times longer than usual a run may take.
const SLOWER_MAX: u32 = 10;
/// What a run may take in any case: a busy machine, not an attack.
const TIME_SPARE: Duration = Duration::from_millis(20);

/// An innocent job.
#[derive(Clone)]
pub(crate) struct Neighbour {
    plugin: Arc<dyn Plugin>,
    limits: Limits,
    usual: Duration,
}

impl Neighbour {
    /// Takes up its work.
    pub(crate) async fn settle(sandbox: &dyn Sandbox, limits: Limits) -> Result<Self, String> {
        let source = PluginSource {
            name: "neighbour".to_owned(),
            bytes: crate::innocent().into(),
            grants: Grants::default(),
        };
        let plugin = sandbox.load(source).await.map_err(|error| error.to_string())?;
        let mut neighbour = Self { plugin, limits, usual: Duration::ZERO };
        // The first runs fill caches that later ones find filled.
        neighbour.median(USUAL_RUNS).await?;
        neighbour.usual = neighbour.median(USUAL_RUNS).await?;
        Ok(neighbour)
    }

    /// Whether it still works, and about as quickly as before.
    pub(crate) async fn is_well(&self) -> Result<(), String> {
        let allowed = (self.usual * SLOWER_MAX).max(TIME_SPARE);
        let took = self.median(LATER_RUNS).await?;
        if took > allowed {
            return Err(format!("an innocent job takes {took:?}, usually {:?}", self.usual));
        }
        Ok(())
    }

    async fn median(&self, runs: usize) -> Result<Duration, String> {
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            times.push(self.run().await?);
        }
        times.sort_unstable();
        Ok(times[times.len() / 2])
    }

    async fn run(&self) -> Result<Duration, String> {
        let invocation = invocation(&*self.plugin, Json::null(), self.limits)?;
        let started = Instant::now();
        let report =
            self.plugin.run(invocation, Arc::<Heard>::default(), Arc::<Cancellation>::default());
        let report =
            report.await.map_err(|error| format!("an innocent job cannot run: {error}"))?;
        match report.outcome {
            Outcome::Completed(output) if output.as_str() == "null" => Ok(started.elapsed()),
            other => Err(format!("an innocent job ended otherwise: {other:?}")),
        }
    }
}

/// An attempt at the first job of a plugin: the second attempt at a run, so that a component
/// can tell it from being asked to describe itself.
pub(crate) fn invocation(
    plugin: &dyn Plugin,
    input: Json,
    limits: Limits,
) -> Result<Invocation, String> {
    let job = plugin.jobs().first().ok_or("it was taken without any job")?;
    let context = RunContext {
        run: RunId(Uuid::now_v7()),
        tenant: TenantId::standard(),
        job_type: job.job_type.clone(),
        attempt: 2,
        max_attempts: 3,
        trigger: Trigger::Manual,
        correlation_id: None,
        deadline: None,
        metadata: BTreeMap::from([("key".to_owned(), "value".to_owned())]),
    };
    Ok(Invocation { context, input, limits, services: Services::default() })
}
