//! Waits for a run, and shows what it says meanwhile.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use zapjobs_model::{LogEntry, Run, RunId, RunStatus};
use zapjobs_runtime::WaitError;

use super::App;
use super::signals::Signals;
use crate::errors::{Code, Done, Failure};
use crate::output::{Live, Output, plain};
use crate::site::Site;
use crate::values::rounded_span;

/// While it waits, it looks at least this often, whatever hints are lost.
const POLL: Duration = Duration::from_millis(250);

/// A place in a run's log: after this entry.
pub(crate) type LogPlace = Option<String>;

/// Waits until the run has ended, shows its log and progress, then its output or error.
pub(crate) async fn follow_to_end(
    app: &App,
    site: &dyn Site,
    id: RunId,
    within: Option<Duration>,
) -> Done {
    let mut live = Live::new(app.output);
    let run = follow(site, id, within, |seen| match seen {
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
    site: &dyn Site,
    id: RunId,
    within: Option<Duration>,
    mut see: impl FnMut(Seen<'_>),
) -> Done<Run> {
    let end = within.map(|within| Instant::now() + within);
    let mut signals = Signals::listen()?;
    // Before the first look, so that no hint falls between.
    let mut hints = site.hints(Some(id)).await?;
    let mut place = None;
    loop {
        // A run's log is written before its end: looking in this order misses no line.
        let run = site.run(id).await?.ok_or(WaitError::NotFound(id))?;
        place = log_after(site, id, place, |entry| see(Seen::Log(entry))).await?;
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
            _ = timeout_at(until, hints.next()) => {}
        }
    }
}

/// Reads a run's log to its present end; answers where that is.
pub(crate) async fn log_after(
    site: &dyn Site,
    run: RunId,
    mut after: LogPlace,
    mut see: impl FnMut(&LogEntry),
) -> Done<LogPlace> {
    loop {
        let page = site.log(run, after.as_deref()).await?;
        page.entries.iter().for_each(&mut see);
        after = page.next.or(after);
        if !page.has_more {
            return Ok(after);
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
