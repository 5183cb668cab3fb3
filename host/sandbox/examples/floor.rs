//! What one attempt costs: runs a component's first job again and again through the port.
//!
//! `cargo run --release -p zapjobs-sandbox --example floor -- COMPONENT [RUNS] [THREADS]`
#![allow(clippy::print_stdout, reason = "an example reports on standard output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use zapjobs_model::port::{
    Cancellation, Invocation, Plugin, PluginSource, RunContext, RunSink, Sandbox, Services,
};
use zapjobs_model::{
    Grants, ItemCounts, Json, Limits, LogLine, Outcome, Progress, RunId, TenantId, Trigger,
};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};

struct NoSink;

impl RunSink for NoSink {
    fn log(&self, _line: LogLine) {}
    fn progress(&self, _progress: Progress) {}
    fn counts(&self, _counts: ItemCounts) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("give the path of a component")?;
    let runs: u32 = args.next().map_or(Ok(100_000), |runs| runs.parse())?;
    let threads: usize = args.next().map_or(Ok(1), |threads| threads.parse())?;
    let bytes = std::fs::read(&path)?;

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let options = SandboxOptions::default();
    println!("{path}: {} bytes, {runs} runs on {threads} threads, {options:?}", bytes.len());
    let plugin = runtime.block_on(async {
        let start = Instant::now();
        let sandbox = WasmSandbox::new(options)?;
        let made = start.elapsed();
        let source =
            PluginSource { name: "floor".into(), bytes: bytes.into(), grants: Grants::default() };
        let plugin = sandbox.load(source).await?;
        println!("sandbox made in {made:.1?}, plugin loaded in {:.1?}", start.elapsed() - made);
        Ok::<_, Box<dyn Error>>(plugin)
    })?;

    runtime.block_on(spread(&plugin, threads, runs / 20))?;
    let (start, cpu) = (Instant::now(), process_cpu());
    runtime.block_on(spread(&plugin, threads, runs))?;
    let (wall, cpu) = (start.elapsed(), process_cpu() - cpu);
    let per_run = |span: Duration| span.as_secs_f64() * 1e6 / f64::from(runs);
    println!(
        "{:.2} us of CPU per run, {:.0} runs/s",
        per_run(cpu),
        f64::from(runs) / wall.as_secs_f64()
    );
    Ok(())
}

/// Makes `runs` runs, one after the other on each of `threads` tasks.
async fn spread(plugin: &Arc<dyn Plugin>, threads: usize, runs: u32) -> Result<(), Box<dyn Error>> {
    let share = runs as usize / threads;
    let tasks: Vec<_> = (0..threads)
        .map(|_| {
            let plugin = Arc::clone(plugin);
            tokio::spawn(async move {
                let sink: Arc<dyn RunSink> = Arc::new(NoSink);
                let template = invocation(&*plugin);
                for _ in 0..share {
                    let cancellation = Arc::new(Cancellation::new());
                    let report = plugin
                        .run(template.clone(), Arc::clone(&sink), cancellation)
                        .await
                        .map_err(|error| error.to_string())?;
                    if !matches!(report.outcome, Outcome::Completed(_)) {
                        return Err(format!("the job did not complete: {:?}", report.outcome));
                    }
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn invocation(plugin: &dyn Plugin) -> Invocation {
    Invocation {
        context: RunContext {
            run: RunId(Default::default()),
            tenant: TenantId::standard(),
            job_type: plugin.jobs()[0].job_type.clone(),
            attempt: 1,
            max_attempts: 1,
            trigger: Trigger::Api,
            correlation_id: None,
            deadline: None,
            metadata: BTreeMap::new(),
        },
        input: Json::null(),
        limits: Limits::default(),
        services: Services::default(),
    }
}

fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
