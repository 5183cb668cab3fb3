//! What this host has done, as numbers: for whoever shows them, such as `/metrics`.
//!
//! **Invariant:** counting is a few additions under a lock that is held for no longer, once for each
//! result; the number of series is bounded by [`JOBS_MAX`].

mod histogram;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zapjobs_model::{Blame, Run, RunStatus, Transition};

use crate::plugins::PluginState;
pub use histogram::Histogram;

/// Job types that have series of their own at most, those seen first; the others are summed.
pub const JOBS_MAX: usize = 50;
/// The word for the sum of the other job types: none can be called so.
pub const OTHER_JOBS: &str = "~others";

/// Upper ends of the buckets for times, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
    1_800.0,
];
/// Upper ends of the buckets for memory, in bytes: from 256 KiB to 1 GiB.
const BYTES: &[f64] = &[
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
    1_073_741_824.0,
];

/// How attempts end, in the order of the counters.
const OUTCOMES: [&str; 5] = ["completed", "failed", "cancelled", "retried", "put-back"];
/// Whose fault failures are, in the order of the counters.
const BLAMES: [&str; 3] = ["guest", "host", "operator"];
/// What became of plugins, in the order of the counters.
const PLUGIN_CHANGES: [&str; 4] = ["serving", "refused", "held", "retired"];

/// What a host asks of its storage, as far as it is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// For runs to execute.
    Claim = 0,
    /// To write what attempts came to.
    Apply = 1,
    /// To note a sign of life.
    Heartbeat = 2,
}

const ASKED: [&str; 3] = ["claim", "apply", "heartbeat"];

/// What this host has done since it started.
#[derive(Debug)]
pub struct HostMetrics {
    jobs: Mutex<BTreeMap<String, JobSeries>>,
    failures: [AtomicU64; BLAMES.len()],
    cpu_seconds: Mutex<Histogram>,
    memory_bytes: Mutex<Histogram>,
    log_lines_dropped: AtomicU64,
    http_requests: AtomicU64,
    plugin_changes: [AtomicU64; PLUGIN_CHANGES.len()],
    storage: [StorageSeries; ASKED.len()],
}

#[derive(Debug)]
struct JobSeries {
    outcomes: [u64; OUTCOMES.len()],
    seconds: Histogram,
    wait_seconds: Histogram,
}

#[derive(Debug)]
struct StorageSeries {
    seconds: Mutex<Histogram>,
    errors: AtomicU64,
}

/// Numbers of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The name, without what all begin with.
    pub name: &'static str,
    /// What they say, as one sentence.
    pub help: &'static str,
    /// The numbers.
    pub series: Series,
}

/// The numbers of a family, each with its labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// Sums that only grow.
    Counters(Vec<(Labels, u64)>),
    /// How many were how large.
    Histograms(Vec<(Labels, Histogram)>),
}

/// At most two labels, each a name and a value.
pub type Labels = Vec<(&'static str, String)>;

impl Default for HostMetrics {
    fn default() -> Self {
        let storage =
            || StorageSeries { seconds: Histogram::new(SECONDS).into(), errors: AtomicU64::new(0) };
        Self {
            jobs: Mutex::default(),
            failures: Default::default(),
            cpu_seconds: Histogram::new(SECONDS).into(),
            memory_bytes: Histogram::new(BYTES).into(),
            log_lines_dropped: AtomicU64::new(0),
            http_requests: AtomicU64::new(0),
            plugin_changes: Default::default(),
            storage: std::array::from_fn(|_| storage()),
        }
    }
}

impl Default for JobSeries {
    fn default() -> Self {
        Self {
            outcomes: [0; OUTCOMES.len()],
            seconds: Histogram::new(SECONDS),
            wait_seconds: Histogram::new(SECONDS),
        }
    }
}

impl HostMetrics {
    /// Counts an attempt that ended and was recorded. The run is as it was claimed.
    pub(crate) fn note(&self, run: &Run, transition: &Transition) {
        let usage = &transition.usage;
        {
            let mut jobs = self.jobs.lock();
            let has_room = jobs.len() < JOBS_MAX || jobs.contains_key(run.job_type.as_str());
            let name = if has_room { run.job_type.as_str() } else { OTHER_JOBS };
            if !jobs.contains_key(name) {
                jobs.insert(name.to_owned(), JobSeries::default());
            }
            let Some(series) = jobs.get_mut(name) else { return };
            series.outcomes[outcome(transition.status)] += 1;
            // One that was handed back without having run says nothing of the job.
            if usage.wall_us > 0 || transition.status.is_final() {
                series.seconds.note(seconds(usage.wall_us));
            }
            if let Some(started_at) = run.started_at {
                series.wait_seconds.note(started_at.since(run.due_at).as_secs_f64());
            }
        }
        if let Some(error) = &transition.error {
            let blame = match error.blame {
                Blame::Guest => 0,
                Blame::Host => 1,
                Blame::Operator => 2,
            };
            self.failures[blame].fetch_add(1, Ordering::Relaxed);
        }
        if usage.wall_us > 0 {
            self.cpu_seconds.lock().note(seconds(usage.cpu_us));
            self.memory_bytes.lock().note(usage.memory_bytes_peak as f64);
        }
        self.log_lines_dropped.fetch_add(usage.log_lines_dropped, Ordering::Relaxed);
        self.http_requests.fetch_add(usage.http_requests, Ordering::Relaxed);
    }

    /// Counts what became of a plugin.
    pub fn note_plugin(&self, state: &PluginState) {
        let change = match state {
            PluginState::Serving { .. } => 0,
            PluginState::Refused { .. } => 1,
            PluginState::Held { .. } => 2,
            PluginState::Retired { .. } => 3,
        };
        self.plugin_changes[change].fetch_add(1, Ordering::Relaxed);
    }

    /// Asks the storage, and counts how long that took and whether it failed.
    pub(crate) async fn timed<T>(
        &self,
        asked: Asked,
        work: impl Future<Output = zapjobs_storage::Result<T>>,
    ) -> zapjobs_storage::Result<T> {
        let began = Instant::now();
        let answer = work.await;
        let series = &self.storage[asked as usize];
        series.seconds.lock().note(began.elapsed().as_secs_f64());
        if answer.is_err() {
            series.errors.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// All numbers as they stand now.
    pub fn families(&self) -> Vec<Family> {
        let mut families = self.of_jobs();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by = |label: &'static str, words: &[&str], counters: &[AtomicU64]| {
            let labelled = words.iter().zip(counters);
            let series = labelled.map(|(word, it)| (vec![(label, (*word).to_owned())], read(it)));
            Series::Counters(series.collect())
        };
        let one = |counter: &AtomicU64| Series::Counters(vec![(Vec::new(), read(counter))]);
        let alone = |histogram: &Mutex<Histogram>| {
            Series::Histograms(vec![(Vec::new(), histogram.lock().clone())])
        };
        let mut add = |name, help, series| families.push(Family { name, help, series });
        add(
            "host_failures_total",
            "Attempts of this host that ended with an error, by whose fault it was.",
            by("blame", &BLAMES, &self.failures),
        );
        add(
            "host_attempt_cpu_seconds",
            "CPU time of attempts of this host.",
            alone(&self.cpu_seconds),
        );
        add(
            "host_attempt_memory_bytes",
            "Memory of attempts of this host at its largest.",
            alone(&self.memory_bytes),
        );
        add(
            "host_log_lines_dropped_total",
            "Log lines of jobs that a limit dropped.",
            one(&self.log_lines_dropped),
        );
        add(
            "host_http_requests_total",
            "Requests that jobs on this host sent.",
            one(&self.http_requests),
        );
        add(
            "host_plugin_changes_total",
            "Versions of plugins that were taken, refused, held back or retired.",
            by("change", &PLUGIN_CHANGES, &self.plugin_changes),
        );
        let asked = || ASKED.iter().zip(&self.storage);
        let label = |word: &str| vec![("operation", word.to_owned())];
        add(
            "host_storage_seconds",
            "How long the storage took to answer this host.",
            Series::Histograms(
                asked().map(|(word, it)| (label(word), it.seconds.lock().clone())).collect(),
            ),
        );
        add(
            "host_storage_errors_total",
            "Answers of the storage that were errors.",
            Series::Counters(asked().map(|(word, it)| (label(word), read(&it.errors))).collect()),
        );
        families
    }

    fn of_jobs(&self) -> Vec<Family> {
        let jobs = self.jobs.lock();
        let label = |job: &str| ("job_type", job.to_owned());
        let attempts = jobs.iter().flat_map(|(job, series)| {
            OUTCOMES.iter().zip(series.outcomes).map(move |(outcome, count)| {
                (vec![label(job), ("outcome", (*outcome).to_owned())], count)
            })
        });
        let seconds = jobs.iter().map(|(job, it)| (vec![label(job)], it.seconds.clone()));
        let waits = jobs.iter().map(|(job, it)| (vec![label(job)], it.wait_seconds.clone()));
        vec![
            Family {
                name: "host_attempts_total",
                help: "Attempts of this host that ended, by job type and how.",
                series: Series::Counters(attempts.collect()),
            },
            Family {
                name: "host_attempt_seconds",
                help: "How long attempts of this host took, by job type.",
                series: Series::Histograms(seconds.collect()),
            },
            Family {
                name: "host_wait_seconds",
                help: "How long runs were ready before this host began them, by job type.",
                series: Series::Histograms(waits.collect()),
            },
        ]
    }
}

const fn outcome(status: RunStatus) -> usize {
    match status {
        RunStatus::Completed => 0,
        RunStatus::Failed => 1,
        RunStatus::Cancelled => 2,
        RunStatus::AwaitingRetry => 3,
        _ => 4,
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}
