//! The limit: the bare sandbox in a loop, with nothing around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use context::run_context;
use rustix::time::{ClockId, clock_gettime};
use zapjobs_model::port::{Cancellation, Invocation, Plugin, RunSink, Services};
use zapjobs_model::{ItemCounts, Json, Limits, LogLine, Outcome, Progress};

use crate::settings::Settings;

/// What a loop of attempts cost.
pub(crate) struct Floor {
    pub(crate) cpu_us_per_job: f64,
    pub(crate) jobs_per_s: f64,
}

/// The process's CPU time so far, all threads together.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Runs attempts back to back on as many threads as a host would use.
pub(crate) fn measure(plugin: &Arc<dyn Plugin>, settings: &Settings) -> Result<Floor> {
    let threads = settings.threads();
    let each = (settings.jobs / threads).max(1);
    let guests =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let (cpu, wall) = (cpu_time(), Instant::now());
    guests.block_on(async {
        let tasks: Vec<_> =
            (0..threads).map(|_| tokio::spawn(attempts(Arc::clone(plugin), each))).collect();
        for task in tasks {
            task.await??;
        }
        anyhow::Ok(())
    })?;
    let jobs = (each * threads) as f64;
    Ok(Floor {
        cpu_us_per_job: (cpu_time() - cpu).as_secs_f64() * 1e6 / jobs,
        jobs_per_s: jobs / wall.elapsed().as_secs_f64(),
    })
}

async fn attempts(plugin: Arc<dyn Plugin>, count: usize) -> Result<()> {
    let sink: Arc<dyn RunSink> = Arc::new(Unheard);
    for _ in 0..count {
        let (input, limits) = (Json::null(), Limits::default());
        let services = Services::default();
        let invocation = Invocation { context: run_context(), input, limits, services };
        let cancellation = Arc::new(Cancellation::new());
        let report = plugin
            .run(invocation, Arc::clone(&sink), cancellation)
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        if !matches!(report.outcome, Outcome::Completed(_)) {
            bail!("the job did not complete: {:?}", report.outcome);
        }
    }
    Ok(())
}

/// What a no-op says, nobody needs to hear.
struct Unheard;

impl RunSink for Unheard {
    fn log(&self, _line: LogLine) {}
    fn progress(&self, _progress: Progress) {}
    fn counts(&self, _counts: ItemCounts) {}
}

mod context {
    use zapjobs_model::port::RunContext;
    use zapjobs_model::{JobType, RunId, TenantId, Trigger};

    /// A context that costs what a real one does.
    pub(super) fn run_context() -> RunContext {
        RunContext {
            run: "019303a0-0000-7000-8000-000000000000".parse::<RunId>().expect("a UUID"),
            tenant: TenantId::standard(),
            job_type: JobType::new("noop").expect("a name"),
            attempt: 1,
            max_attempts: 1,
            trigger: Trigger::Api,
            correlation_id: None,
            deadline: None,
            metadata: Default::default(),
        }
    }
}
