//! The suite can fail: sandboxes that do not hold are told.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use zapjobs_model::port::{
    BoxFuture, Cancellation, Invocation, LoadError, Plugin, PluginSource, RunSink, Sandbox,
};
use zapjobs_model::{
    Blame, Digest, JobDescription, JobType, Json, Limits, LogLine, Outcome, Report, RetryPolicy,
    RunError, Schedule, StopReason, Timestamp, Usage,
};
use zapjobs_torture::{Attack, Suite, Verdict, all, innocent};

/// What a loose sandbox does with every component but the innocent one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Takes all, and lets all complete.
    Completes,
    /// Never answers.
    Waits,
    /// Never gives its thread back.
    Hangs,
    /// Keeps memory.
    Leaks,
    /// Keeps files open.
    LeaksFiles,
    /// Panics.
    Panics,
    /// Fails as a host.
    Fails,
    /// Tells more log lines than allowed.
    Floods,
    /// Ends attempts as it should, and makes the neighbour slow.
    Slows,
}

struct Loose {
    flaw: Flaw,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    files: Arc<Mutex<Vec<std::fs::File>>>,
}

struct LoosePlugin {
    flaw: Flaw,
    is_innocent: bool,
    jobs: Vec<JobDescription>,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    files: Arc<Mutex<Vec<std::fs::File>>>,
}

impl Sandbox for Loose {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>> {
        let job = JobDescription {
            job_type: JobType::new("attack").expect("a good name"),
            display_name: String::new(),
            description: String::new(),
            queue: None,
            retry: RetryPolicy::default(),
            timeout_ms: None,
            schedule: Schedule::Manual,
            default_input: None,
            tags: Vec::new(),
            input_schema: None,
            output_schema: None,
        };
        let plugin = LoosePlugin {
            flaw: self.flaw,
            is_innocent: *source.bytes == *innocent(),
            jobs: vec![job],
            kept: Arc::clone(&self.kept),
            files: Arc::clone(&self.files),
        };
        Box::pin(async move { Ok(Arc::new(plugin) as Arc<dyn Plugin>) })
    }
}

impl Plugin for LoosePlugin {
    fn digest(&self) -> Digest {
        Digest::of(b"loose")
    }
    fn jobs(&self) -> &[JobDescription] {
        &self.jobs
    }
    fn imports(&self) -> &[String] {
        &[]
    }
    fn run(
        &self,
        _invocation: Invocation,
        sink: Arc<dyn RunSink>,
        _cancellation: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let (kept, files) = (Arc::clone(&self.kept), Arc::clone(&self.files));
        let (flaw, is_innocent) = (self.flaw, self.is_innocent);
        Box::pin(async move {
            if is_innocent {
                if flaw == Flaw::Slows && !kept.lock().is_empty() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                return Ok(report(Outcome::Completed(Json::null())));
            }
            match flaw {
                Flaw::Completes => return Ok(report(Outcome::Completed(Json::null()))),
                Flaw::Waits => std::future::pending().await,
                Flaw::Hangs => std::thread::sleep(Duration::from_secs(3_600)),
                Flaw::Leaks => kept.lock().push(vec![1; 100 << 20]),
                Flaw::LeaksFiles => files
                    .lock()
                    .extend((0..20).map(|_| std::fs::File::open("/dev/null").expect("opens"))),
                Flaw::Panics => panic!("meant to panic"),
                Flaw::Fails => return Err(RunError::new(Blame::Host, "sandbox", "meant to fail")),
                Flaw::Floods => (0..20_000).for_each(|_| sink.log(line())),
                Flaw::Slows => kept.lock().push(vec![1]),
            }
            Ok(report(spun()))
        })
    }
}

fn report(outcome: Outcome) -> Report {
    Report { outcome, usage: Usage::default() }
}

/// How an endless loop should end.
fn spun() -> Outcome {
    let error = RunError::new(Blame::Guest, "cpu-time", "used more (limit cpu_ms_max = 40)");
    Outcome::Stopped { reason: StopReason::CpuTime, error }
}

fn line() -> LogLine {
    LogLine {
        at: Timestamp::from_micros(0),
        level: zapjobs_model::LogLevel::Info,
        category: "loose".to_owned(),
        message: "line".to_owned(),
        fields: None,
    }
}

fn endless_loop() -> Arc<Attack> {
    let attacks = all();
    Arc::clone(attacks.iter().find(|attack| attack.name() == "loop-in-run").expect("the attack"))
}

/// What the suite says of the endless loop on a loose sandbox.
async fn verdict(flaw: Flaw) -> Verdict {
    // What one of them leaves behind must not be seen by another.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let sandbox = Loose { flaw, kept: Arc::default(), files: Arc::default() };
    let suite = Suite::new(Arc::new(sandbox), Limits::default()).await.expect("a suite");
    let mut suite = suite.impatient(Duration::from_millis(500));
    suite.run(&endless_loop()).await
}

async fn is_told(flaw: Flaw, words: &str) {
    let verdict = verdict(flaw).await;
    let note = verdict.note.expect("it did not hold");
    assert!(!verdict.held);
    assert!(note.contains(words), "{note}");
}

#[tokio::test]
async fn a_sandbox_that_lets_a_loop_complete_is_told() {
    is_told(Flaw::Completes, "it ended as Completed").await;
}

#[tokio::test]
async fn a_sandbox_that_never_answers_does_not_keep_the_suite() {
    is_told(Flaw::Waits, "did not end within").await;
}

#[tokio::test]
async fn a_sandbox_that_keeps_its_thread_does_not_keep_the_suite() {
    is_told(Flaw::Hangs, "did not end within").await;
}

#[tokio::test]
async fn a_sandbox_that_keeps_memory_is_told() {
    is_told(Flaw::Leaks, "KiB of memory stayed behind").await;
}

#[tokio::test]
async fn a_sandbox_that_keeps_files_is_told() {
    is_told(Flaw::LeaksFiles, "files stayed behind").await;
}

#[tokio::test]
async fn a_sandbox_that_panics_is_told() {
    is_told(Flaw::Panics, "panicked").await;
}

#[tokio::test]
async fn a_sandbox_that_fails_as_a_host_is_told() {
    is_told(Flaw::Fails, "the host failed").await;
}

#[tokio::test]
async fn a_sandbox_that_lets_a_flood_through_is_told() {
    is_told(Flaw::Floods, "20000 log lines, and 10001 are allowed").await;
}

#[tokio::test]
async fn a_sandbox_whose_innocent_jobs_become_slow_is_told() {
    is_told(Flaw::Slows, "an innocent job takes").await;
}
