//! Builds the guests and runs their jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
pub(crate) use zapjobs_components::guest;
use zapjobs_model::port::{
    Cancellation, Invocation, LoadError, Plugin, PluginSource, RunContext, RunSink, Sandbox,
    Services,
};
use zapjobs_model::{
    Grants, ItemCounts, JobType, Json, Limits, LogLine, Outcome, Progress, Report, RunError, RunId,
    StopReason, TenantId, Trigger,
};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};

/// A small sandbox.
pub(crate) fn sandbox() -> WasmSandbox {
    sandbox_with(SandboxOptions::default())
}

/// A small sandbox with options of one's own.
pub(crate) fn sandbox_with(options: SandboxOptions) -> WasmSandbox {
    WasmSandbox::new(SandboxOptions { instances_max: 16, ..options }).expect("a sandbox")
}

/// Loads a component that nothing is granted.
pub(crate) async fn load(bytes: impl Into<Arc<[u8]>>) -> Result<Arc<dyn Plugin>, LoadError> {
    load_with(&sandbox(), bytes, Grants::default()).await
}

pub(crate) async fn load_with(
    sandbox: &WasmSandbox,
    bytes: impl Into<Arc<[u8]>>,
    grants: Grants,
) -> Result<Arc<dyn Plugin>, LoadError> {
    sandbox.load(PluginSource { name: "test".into(), bytes: bytes.into(), grants }).await
}

/// The plugin whose jobs misbehave.
pub(crate) async fn hostile() -> Arc<dyn Plugin> {
    load(guest("hostile")).await.expect("the hostile plugin loads")
}

/// Keeps what an attempt says.
#[derive(Default)]
pub(crate) struct Heard {
    lines: Mutex<Vec<LogLine>>,
    progress: Mutex<Vec<Progress>>,
    counts: Mutex<Option<ItemCounts>>,
    /// Notified at each report of progress.
    pub(crate) progressed: Notify,
}

impl RunSink for Heard {
    fn log(&self, line: LogLine) {
        self.lines.lock().expect("no panic").push(line);
    }
    fn progress(&self, progress: Progress) {
        self.progress.lock().expect("no panic").push(progress);
        self.progressed.notify_one();
    }
    fn counts(&self, counts: ItemCounts) {
        *self.counts.lock().expect("no panic") = Some(counts);
    }
}

impl Heard {
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().expect("no panic").clone()
    }
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress.lock().expect("no panic").last().cloned()
    }
    /// How many reports of progress there were.
    pub(crate) fn reports(&self) -> usize {
        self.progress.lock().expect("no panic").len()
    }
    pub(crate) fn counts(&self) -> Option<ItemCounts> {
        *self.counts.lock().expect("no panic")
    }
}

/// One attempt to be made.
pub(crate) struct Try {
    pub(crate) invocation: Invocation,
    pub(crate) heard: Arc<Heard>,
    pub(crate) cancellation: Arc<Cancellation>,
}

impl Try {
    pub(crate) fn of(job: &str, input: &str) -> Self {
        let context = RunContext {
            run: RunId(uuid::Uuid::from_u128(7)),
            tenant: TenantId::standard(),
            job_type: JobType::new(job).expect("a good name"),
            attempt: 2,
            max_attempts: 3,
            trigger: Trigger::Api,
            correlation_id: None,
            deadline: None,
            metadata: BTreeMap::new(),
        };
        let input = Json::parse(input).expect("JSON");
        Self {
            invocation: Invocation {
                context,
                input,
                limits: Limits::default(),
                services: Services::default(),
            },
            heard: Arc::default(),
            cancellation: Arc::default(),
        }
    }

    pub(crate) fn limited(mut self, limit: impl FnOnce(&mut Limits)) -> Self {
        limit(&mut self.invocation.limits);
        self
    }

    pub(crate) async fn run(&self, plugin: &Arc<dyn Plugin>) -> Result<Report, RunError> {
        let sink: Arc<dyn RunSink> = self.heard.clone();
        plugin.run(self.invocation.clone(), sink, Arc::clone(&self.cancellation)).await
    }

    /// Runs, and measures from outside how long it took.
    pub(crate) async fn timed(&self, plugin: &Arc<dyn Plugin>) -> (Report, Duration) {
        let start = Instant::now();
        let report = self.run(plugin).await.expect("the host can run it");
        (report, start.elapsed())
    }

    pub(crate) async fn report(&self, plugin: &Arc<dyn Plugin>) -> Report {
        self.run(plugin).await.expect("the host can run it")
    }
}

/// The output of a run that completed.
pub(crate) fn output(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Completed(output) => output.as_str(),
        other => panic!("expected an output, got {other:?}"),
    }
}

/// The error of a run that was stopped for this reason.
pub(crate) fn stopped(report: &Report, expected: StopReason) -> &RunError {
    match &report.outcome {
        Outcome::Stopped { reason, error } if *reason == expected => {
            assert_eq!(error.error_type, expected.name());
            error
        }
        other => panic!("expected a stop for {expected:?}, got {other:?}"),
    }
}

/// A run's details as a tree.
pub(crate) fn details(error: &RunError) -> serde_json::Value {
    error.details.as_ref().expect("details").to_value().expect("JSON")
}
