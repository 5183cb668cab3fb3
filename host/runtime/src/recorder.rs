//! Logs and progress on their way to the storage, many runs' together.
//!
//! **Invariant:** a guest's call never waits for the storage. What does not fit into the
//! buffer is dropped and counted on its run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use zapjobs_model::port::RunSink;
use zapjobs_model::{
    EventKind, ItemCounts, JobEvent, JobType, LeaseKey, LogEntry, LogLine, Progress, QueueName,
    Run, RunId, TenantId, Timestamp,
};
use zapjobs_storage::{BATCH_MAX, ProgressUpdate, Storage};

/// Log lines that wait for the storage at most, over all runs.
const LINES_BUFFERED_MAX: usize = 100_000;
/// Bytes of log text that wait for the storage at most, over all runs.
const BYTES_BUFFERED_MAX: usize = 64 << 20;
/// What runs say reaches the storage within this time, or before their result does.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// Collects what runs say.
pub(crate) struct Recorder {
    storage: Arc<dyn Storage>,
    buffer: Mutex<Buffer>,
    /// One flush at a time, so that a caller knows everything before it is written.
    flushing: tokio::sync::Mutex<()>,
    dirty: Notify,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<LogEntry>,
    bytes: usize,
    runs: HashMap<RunId, Noted>,
}

/// What a run has said since the last flush, beside its log lines.
struct Noted {
    subject: Arc<Subject>,
    logged: bool,
    progress: Option<Progress>,
    counts: Option<ItemCounts>,
}

/// Who speaks.
struct Subject {
    key: LeaseKey,
    tenant: TenantId,
    job_type: JobType,
    queue: QueueName,
}

impl Recorder {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            buffer: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            dirty: Notify::new(),
        }
    }

    /// A sink for one attempt.
    pub(crate) fn sink(self: &Arc<Self>, run: &Run) -> Arc<AttemptSink> {
        let subject = Subject {
            key: run.lease_key(),
            tenant: run.tenant.clone(),
            job_type: run.job_type.clone(),
            queue: run.queue.clone(),
        };
        Arc::new(AttemptSink {
            recorder: Arc::clone(self),
            subject: Arc::new(subject),
            next_index: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
        })
    }

    /// Waits until there is something to flush.
    pub(crate) async fn dirty(&self) {
        self.dirty.notified().await;
    }

    /// Hands everything said so far to the storage. What a passing failure kept back is
    /// handed over next time; answers whether nothing was.
    pub(crate) async fn flush(&self, now: Timestamp) -> bool {
        let _one_at_a_time = self.flushing.lock().await;
        let Buffer { lines, runs, .. } = std::mem::take(&mut *self.buffer.lock());
        if lines.is_empty() && runs.is_empty() {
            return true;
        }
        let all_taken = self.flush_lines(lines).await;
        let updates = runs.values().filter_map(Noted::update).collect::<Vec<_>>();
        for batch in updates.chunks(BATCH_MAX) {
            if let Err(error) = self.storage.report_progress(batch).await {
                // The next word of progress replaces this one anyway.
                tracing::warn!(%error, runs = batch.len(), "progress was not recorded");
            }
        }
        self.storage.publish(runs.values().flat_map(|noted| noted.events(now)).collect());
        all_taken
    }

    async fn flush_lines(&self, mut lines: Vec<LogEntry>) -> bool {
        while !lines.is_empty() {
            let rest = lines.split_off(lines.len().min(BATCH_MAX));
            match self.storage.append_logs(&lines).await {
                Ok(()) => lines = rest,
                Err(error) => {
                    lines.extend(rest);
                    tracing::warn!(%error, lines = lines.len(), "log lines were not recorded");
                    if error.is_retryable() {
                        self.put_back(lines);
                    }
                    return false;
                }
            }
        }
        true
    }

    fn put_back(&self, mut lines: Vec<LogEntry>) {
        let mut buffer = self.buffer.lock();
        lines.append(&mut buffer.lines);
        buffer.bytes = lines.iter().map(entry_bytes).sum();
        buffer.lines = lines;
        self.dirty.notify_one();
    }

    /// Takes a line, or answers that there is no room.
    fn take_line(&self, subject: &Arc<Subject>, entry: LogEntry) -> bool {
        let bytes = entry_bytes(&entry);
        let mut buffer = self.buffer.lock();
        if buffer.lines.len() >= LINES_BUFFERED_MAX || buffer.bytes + bytes > BYTES_BUFFERED_MAX {
            return false;
        }
        buffer.bytes += bytes;
        buffer.lines.push(entry);
        buffer.noted(subject).logged = true;
        drop(buffer);
        self.dirty.notify_one();
        true
    }

    fn note(&self, subject: &Arc<Subject>, change: impl FnOnce(&mut Noted)) {
        change(self.buffer.lock().noted(subject));
        self.dirty.notify_one();
    }
}

impl Buffer {
    fn noted(&mut self, subject: &Arc<Subject>) -> &mut Noted {
        self.runs.entry(subject.key.run).or_insert_with(|| Noted {
            subject: Arc::clone(subject),
            logged: false,
            progress: None,
            counts: None,
        })
    }
}

impl Noted {
    fn update(&self) -> Option<ProgressUpdate> {
        let told = self.progress.is_some() || self.counts.is_some();
        told.then(|| ProgressUpdate {
            key: self.subject.key,
            progress: self.progress.clone(),
            counts: self.counts,
        })
    }

    fn events(&self, at: Timestamp) -> impl Iterator<Item = JobEvent> {
        let progressed = self.progress.is_some() || self.counts.is_some();
        let kinds = [(self.logged, EventKind::Logged), (progressed, EventKind::Progressed)];
        kinds.into_iter().filter(|(happened, _)| *happened).map(move |(_, kind)| JobEvent {
            at,
            tenant: self.subject.tenant.clone(),
            run: self.subject.key.run,
            job_type: self.subject.job_type.clone(),
            queue: self.subject.queue.clone(),
            kind,
        })
    }
}

fn entry_bytes(entry: &LogEntry) -> usize {
    let fields = entry.line.fields.as_ref().map_or(0, |fields| fields.as_str().len());
    entry.line.message.len() + entry.line.category.len() + fields
}

/// Takes what one attempt says.
pub(crate) struct AttemptSink {
    recorder: Arc<Recorder>,
    subject: Arc<Subject>,
    next_index: AtomicU32,
    dropped: AtomicU64,
}

impl AttemptSink {
    /// Lines that found no room in the buffer.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl RunSink for AttemptSink {
    fn log(&self, line: LogLine) {
        let LeaseKey { run, lease } = self.subject.key;
        let index = self.next_index.fetch_add(1, Ordering::Relaxed);
        let entry = LogEntry { run, lease, index, line };
        if !self.recorder.take_line(&self.subject, entry) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn progress(&self, progress: Progress) {
        self.recorder.note(&self.subject, |noted| noted.progress = Some(progress));
    }

    fn counts(&self, counts: ItemCounts) {
        self.recorder.note(&self.subject, |noted| noted.counts = Some(counts));
    }
}
