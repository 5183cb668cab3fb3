//! A snapshot as lines.

use std::time::Duration;

use zapjobs_model::{Progress, RunId, Timestamp};
use zapjobs_storage::{Activity, Counts, WorkerRecord};

use super::layout::{Cell, Line, Size, columns, shares};
use super::rates::Rates;
use super::snapshot::{FailedRun, RunningRun, Snapshot};
use crate::output::Tone;
use crate::values::rounded_span;

/// A host whose last sign of life is older than this is taken for dead.
const HOST_SILENT: Duration = Duration::from_secs(60);
/// With fewer rows than this, parts stand without empty lines between them.
const AIRY_ROWS_MIN: usize = 24;
/// With fewer columns than this, bars are short.
const WIDE_COLUMNS_MIN: usize = 100;

/// The snapshot as lines within a size. What does not fit is counted.
pub(super) fn view(snapshot: &Snapshot, rates: Option<Rates>, size: Size) -> Vec<Line> {
    let parts =
        [hosts(snapshot), queues(snapshot), running(snapshot, size.columns), failures(snapshot)];
    let mut lines = vec![title(snapshot), happened(snapshot, rates)];
    let gap = usize::from(size.rows >= AIRY_ROWS_MIN);
    let frame = lines.len() + parts.len() * (1 + gap);
    let wanted = parts.each_ref().map(Part::wanted);
    let given = shares(wanted, size.rows.saturating_sub(frame));
    for (part, rows) in parts.into_iter().zip(given) {
        lines.extend(std::iter::repeat_n(Line::default(), gap));
        lines.extend(part.lines(rows));
    }
    lines.truncate(size.rows);
    lines.into_iter().map(|line| line.cut(size.columns)).collect()
}

/// One line for a log of looks.
pub(super) fn summary(snapshot: &Snapshot) -> String {
    let Counts { pending, running, completed, failed, .. } = snapshot.counts;
    let hosts = snapshot
        .workers
        .as_ref()
        .map(|all| format!("; {} of {} hosts alive", alive(snapshot).count(), all.len()));
    format!(
        "{} pending {pending}, waiting {}, running {running}, completed {completed}, failed \
         {failed}{}",
        clock(snapshot.now),
        waiting(&snapshot.counts),
        hosts.unwrap_or_default(),
    )
}

/// A heading and its rows.
struct Part {
    heading: Line,
    rows: Vec<Line>,
    /// Rows that there are beside those.
    more: u64,
}

impl Part {
    fn new(name: &str, about: &str, rows: Vec<Vec<Cell>>, more: u64) -> Self {
        let heading = [(name.to_owned(), Some(Tone::Strong)), (format!(" {about}"), None)];
        Self { heading: Line::new(heading), rows: columns(rows), more }
    }

    fn wanted(&self) -> usize {
        self.rows.len() + usize::from(self.more > 0)
    }

    /// The heading and so many lines; the last says how many are left out.
    fn lines(mut self, count: usize) -> Vec<Line> {
        if count < self.wanted() && count > 0 {
            let left_out = self.rows.len() - (count - 1);
            self.more += left_out as u64;
        }
        let shown = if self.more > 0 { count.saturating_sub(1) } else { count };
        self.rows.truncate(shown);
        if self.more > 0 && count > 0 {
            let text = format!("  … {} more", self.more);
            self.rows.push(Line::new([(text, Some(Tone::Quiet))]));
        }
        std::iter::once(self.heading).chain(self.rows).collect()
    }
}

fn title(snapshot: &Snapshot) -> Line {
    Line::new([
        ("zapjobs".to_owned(), Some(Tone::Strong)),
        (format!("  {}  ", clock(snapshot.now)), None),
        (format!("tenant {}, {}", snapshot.tenant, snapshot.place), Some(Tone::Quiet)),
    ])
}

/// What happened in the latest hours, and how fast it happens now.
fn happened(snapshot: &Snapshot, rates: Option<Rates>) -> Line {
    if let Some(rates) = rates {
        let text = format!(
            "now {:.1}/s enqueued, {:.1}/s completed, {:.1}/s failed",
            rates.enqueued, rates.completed, rates.failed
        );
        return Line::new([(text, None)]);
    }
    let begin = zapjobs_storage::Span::Hour.begin(snapshot.now);
    let (mut present, mut before) = (Activity::default(), Activity::default());
    for hour in &snapshot.hours {
        let sum = if hour.from == begin { &mut present } else { &mut before };
        sum.add(&hour.activity);
    }
    let told = |of: &Activity| {
        format!("{} enqueued, {} completed, {} failed", of.enqueued, of.completed, of.failed)
    };
    let text = format!("this hour {}; the hour before {}", told(&present), told(&before));
    Line::new([(text, None)])
}

fn alive(snapshot: &Snapshot) -> impl Iterator<Item = &WorkerRecord> {
    snapshot.workers.iter().flatten().filter(|it| is_alive(it, snapshot.now))
}

fn is_alive(worker: &WorkerRecord, now: Timestamp) -> bool {
    now.since(worker.seen_at) < HOST_SILENT
}

fn hosts(snapshot: &Snapshot) -> Part {
    let running: u64 = alive(snapshot).map(|it| u64::from(it.running)).sum();
    let slots: u64 = alive(snapshot).map(|it| u64::from(it.concurrency)).sum();
    let about = match snapshot.workers.as_ref().map(Vec::len) {
        None => "are not told to a token of one tenant".to_owned(),
        Some(0) => "none: nothing runs until `zapjobs serve` does".to_owned(),
        Some(count) => {
            format!(
                "{} of {count} alive, {running} of {slots} slots in use",
                alive(snapshot).count()
            )
        }
    };
    let row = |it: &WorkerRecord| {
        let seen = format!("seen {} ago", rounded_span(snapshot.now.since(it.seen_at)));
        let tone = if is_alive(it, snapshot.now) { Tone::Quiet } else { Tone::Bad };
        let names: Vec<&str> = it.queues.iter().map(|queue| queue.as_str()).collect();
        let queues = if names.is_empty() { "all queues".to_owned() } else { names.join(",") };
        vec![
            (format!("{}:{}", it.hostname, it.pid), None),
            (format!("{}/{} running", it.running, it.concurrency), None),
            (seen, Some(tone)),
            (queues, Some(Tone::Quiet)),
        ]
    };
    Part::new("HOSTS", &about, snapshot.workers.iter().flatten().map(row).collect(), 0)
}

/// Runs that wait for their time or for something else.
fn waiting(counts: &Counts) -> u64 {
    counts.scheduled + counts.awaiting_retry + counts.held
}

fn queues(snapshot: &Snapshot) -> Part {
    let about = match snapshot.queues.len() {
        0 => "none holds a run".to_owned(),
        _ => format!(
            "{} pending, {} waiting for something",
            snapshot.counts.pending,
            waiting(&snapshot.counts)
        ),
    };
    let rows = snapshot.queues.iter().map(|it| {
        let oldest = it
            .oldest_pending_at
            .map(|at| format!("oldest {}", rounded_span(snapshot.now.since(at))));
        let counts = &it.counts;
        let some = |count: u64, word: &str| {
            let text = if count > 0 { format!("{word} {count}") } else { String::new() };
            (text, Some(Tone::Quiet))
        };
        vec![
            (it.queue.to_string(), None),
            (format!("pending {}", counts.pending), None),
            (oldest.unwrap_or_default(), None),
            (format!("running {}", counts.running), None),
            some(counts.scheduled, "scheduled"),
            some(counts.awaiting_retry, "to retry"),
            some(counts.held, "held"),
        ]
    });
    Part::new("QUEUES", &about, rows.collect(), 0)
}

fn running(snapshot: &Snapshot, columns: usize) -> Part {
    let count = snapshot.counts.running.max(snapshot.running.len() as u64);
    let about = if count == 0 { "none".to_owned() } else { count.to_string() };
    let width = if columns < WIDE_COLUMNS_MIN { 10 } else { 20 };
    let row = |it: &RunningRun| {
        let took = it.started_at.map(|at| rounded_span(snapshot.now.since(at)));
        let stopping = if it.cancel_requested { "stopping" } else { "" };
        vec![
            (short(it.id), None),
            (it.job_type.to_string(), None),
            (bar(&it.progress, width), Some(Tone::Good)),
            (took.unwrap_or_default(), None),
            (format!("{}/{}", it.attempt, it.max_attempts), Some(Tone::Quiet)),
            (stopping.to_owned(), Some(Tone::Warning)),
            (it.progress.message.clone(), Some(Tone::Quiet)),
        ]
    };
    let rows: Vec<_> = snapshot.running.iter().map(row).collect();
    let more = count - rows.len() as u64;
    Part::new("RUNNING", &about, rows, more)
}

fn failures(snapshot: &Snapshot) -> Part {
    let count = snapshot.counts.failed.max(snapshot.failures.len() as u64);
    let about = if count == 0 { "none".to_owned() } else { format!("{count}, the latest:") };
    let row = |it: &FailedRun| {
        let ago = it.finished_at.map(|at| format!("{} ago", rounded_span(snapshot.now.since(at))));
        vec![
            (short(it.id), None),
            (it.job_type.to_string(), None),
            (ago.unwrap_or_default(), Some(Tone::Quiet)),
            (it.error_type.clone(), Some(Tone::Bad)),
            (it.message.clone(), None),
        ]
    };
    Part::new("FAILED", &about, snapshot.failures.iter().map(row).collect(), 0)
}

/// How far a run has come: a bar where its whole is known, else a number.
fn bar(progress: &Progress, width: usize) -> String {
    match progress.total.filter(|total| *total > 0) {
        Some(total) => {
            let part = progress.done.min(total) as f64 / total as f64;
            let filled = (part * width as f64) as usize;
            let head = if filled < width { ">" } else { "" };
            let bar = format!("{}{head}", "=".repeat(filled));
            format!("[{bar:<width$}] {:>3.0}%", (part * 100.0).floor())
        }
        None if progress.done > 0 => progress.done.to_string(),
        None => String::new(),
    }
}

/// The last group of an id: its random end, by which every command finds the run.
fn short(id: RunId) -> String {
    let id = id.to_string();
    id.rsplit('-').next().unwrap_or(&id).to_owned()
}

/// The time of day.
fn clock(at: Timestamp) -> String {
    at.to_utc().format("%H:%M:%SZ").to_string()
}

#[cfg(test)]
#[path = "view_tests.rs"]
pub(super) mod tests;
