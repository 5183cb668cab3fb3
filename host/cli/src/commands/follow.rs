//! Waits for a run, and shows what it says meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use zapjobs_model::{EventKind, Lease, LogEntry, Run, RunId, RunStatus};
use zapjobs_runtime::WaitError;
use zapjobs_storage::{LogPageRequest, Notice, Notices, PAGE_MAX, Storage};

use super::App;
use super::signals::Signals;
use crate::errors::{Code, Done, Failure};
use crate::output::{Live, Output, plain};
use crate::values::rounded_span;

/// While it waits, it looks at least this often, whatever hints are lost.
const POLL: Duration = Duration::from_millis(250);

/// A place in a run's log: after this entry.
pub(crate) type LogPlace = Option<(Lease, u32)>;

/// Waits until the run has ended, shows its log and progress, then its output or error.
pub(crate) async fn follow_to_end(
    app: &App,
    storage: &Arc<dyn Storage>,
    id: RunId,
    within: Option<Duration>,
) -> Done {
    let mut live = Live::new(app.output);
    let run = follow(storage, id, within, |seen| match seen {
        Seen::Log(entry) => live.log(&entry.line),
        Seen::Run(run) => {
            live.status(run.status);
            live.progress(&run.progress);
        }
    })
    .await;
    live.clear();
    drop(live);
    show_end(app.output, &run?)
}

/// What is seen of a run while one follows it.
pub(crate) enum Seen<'a> {
    Log(&'a LogEntry),
    Run(&'a Run),
}

/// Looks at a run again and again until it has ended. What it says is seen before its end.
pub(crate) async fn follow(
    storage: &Arc<dyn Storage>,
    id: RunId,
    within: Option<Duration>,
    mut see: impl FnMut(Seen<'_>),
) -> Done<Run> {
    let end = within.map(|within| Instant::now() + within);
    let mut signals = Signals::listen()?;
    // Before the first look, so that no hint falls between.
    let mut notices = storage.subscribe();
    let mut place = None;
    loop {
        // A run's log is written before its end: looking in this order misses no line.
        let run = storage.run(id).await?.ok_or(WaitError::NotFound(id))?;
        place = log_after(storage, id, place, |entry| see(Seen::Log(entry))).await?;
        see(Seen::Run(&run));
        if run.status.is_final() {
            return Ok(run);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(WaitError::TimedOut(run.status).into());
        }
        let poll = Instant::now() + POLL;
        let until = end.map_or(poll, |end| end.min(poll));
        tokio::select! {
            () = signals.next() => return Err(interrupted(id)),
            // Either a hint came or the time is over: both mean to look again.
            _ = timeout_at(until, hint(&mut notices, id)) => {}
        }
    }
}

/// Reads a run's log to its present end; answers where that is.
pub(crate) async fn log_after(
    storage: &Arc<dyn Storage>,
    run: RunId,
    mut after: LogPlace,
    mut see: impl FnMut(&LogEntry),
) -> Done<LogPlace> {
    loop {
        let page = storage.log_page(LogPageRequest { run, after, limit: PAGE_MAX }).await?;
        page.entries.iter().for_each(&mut see);
        after = page.entries.last().map(|entry| (entry.lease, entry.index)).or(after);
        if !page.has_more {
            return Ok(after);
        }
    }
}

async fn hint(notices: &mut Notices, id: RunId) {
    loop {
        match notices.next().await {
            Some(Notice::Resync) => return,
            Some(Notice::Events(events)) => {
                let tells = |kind| !matches!(kind, EventKind::Started);
                if events.iter().any(|event| event.run == id && tells(event.kind)) {
                    return;
                }
            }
            Some(_) => {}
            // Closed: the poll finds out.
            None => std::future::pending().await,
        }
    }
}

fn interrupted(id: RunId) -> Failure {
    Failure::new(
        Code::Interrupted,
        format!("interrupted; the run goes on: `zapjobs runs cancel {id}` stops it"),
    )
}

/// Shows how a run ended: its output on stdout, or the failure.
pub(crate) fn show_end(output: Output, run: &Run) -> Done {
    if output.json {
        output.document(run);
    }
    if run.status == RunStatus::Completed {
        if !output.json {
            if let Some(result) = &run.output {
                output.result(result);
            }
            output.note(format_args!("completed {}", summary(run)));
        }
        return Ok(());
    }
    let why = run.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    Err(Failure::new(
        Code::Failed,
        format!("run {} {} {}{}", run.id, run.status, summary(run), plain(&why)),
    ))
}

fn summary(run: &Run) -> String {
    let took = match (run.started_at, run.finished_at) {
        (Some(from), Some(to)) => format!("in {}", rounded_span(to.since(from))),
        _ => "before it started".to_owned(),
    };
    match run.attempt {
        0 | 1 => took,
        attempt => format!("{took}, attempt {attempt} of {}", run.max_attempts),
    }
}
