//! What is done to many runs: those that are named, or that a filter takes.

use serde_json::json;
use zapjobs_model::RunId;
use zapjobs_runtime::{BulkReport, Selection};
use zapjobs_storage::{Alteration, RunFilter};

use super::find::find;
use super::list::since;
use crate::args::{SelectArgs, WaitArgs};
use crate::commands::App;
use crate::errors::{Code, Done, Failure};
use crate::output::runs_are;
use crate::site::Site;

/// Does one thing to runs. `done` is the word for what became of them, such as `cancelled`.
pub(in crate::commands) async fn alter(
    select: SelectArgs,
    alteration: Alteration,
    done: &str,
    app: App,
) -> Done {
    if select.runs.is_empty() && !select.has_filter() && !select.all {
        return Err(Failure::usage("which runs? Name them, give a filter, or say --all"));
    }
    let site = app.site().await?;
    let report = if select.runs.is_empty() {
        by_filter(&*site, &select, &alteration, &app).await?
    } else {
        let mut ids: Vec<RunId> = Vec::with_capacity(select.runs.len());
        for text in &select.runs {
            let run = find(&*site, text).await?;
            if !select.status.is_empty() && !select.status.contains(&run.status) {
                let message = format!("run {} is {}: nothing was done", run.id, run.status);
                return Err(Failure::new(Code::Failed, message));
            }
            ids.push(run.id);
        }
        if select.dry_run {
            told_only(&app, ids.len(), false);
            None
        } else {
            Some(site.alter(&ids, &alteration).await?)
        }
    };
    site.close().await?;
    let Some(report) = report else { return Ok(()) };
    tell(&app, &report, done);
    if report.done + report.asked == 0 && !report.refused.is_empty() {
        return Err(Failure::new(Code::Failed, format!("no run could be {done}")));
    }
    Ok(())
}

/// The same for a command that can wait for one run.
pub(super) async fn alter_many(
    select: SelectArgs,
    wait: WaitArgs,
    alteration: Alteration,
    done: &str,
    app: App,
) -> Done {
    if wait.wait {
        return Err(Failure::usage("--wait: name the one run to wait for"));
    }
    alter(select, alteration, done, app).await
}

/// `None` where only their number was told.
async fn by_filter(
    site: &dyn Site,
    select: &SelectArgs,
    alteration: &Alteration,
    app: &App,
) -> Done<Option<BulkReport>> {
    let now = site.now().await?;
    let filter = RunFilter {
        statuses: select.status.clone(),
        job_type: select.job.clone(),
        queue: select.queue.clone(),
        tag: select.tag.clone(),
        created_from: select.since.map(|of| since(of, now)),
        ..RunFilter::default()
    };
    let selection = Selection { filter, error_type: select.error.clone(), up_to: None };
    if select.yes {
        return Ok(Some(site.alter_all(&selection, alteration).await?));
    }
    let (count, has_more) = site.count_matching(&selection, alteration).await?;
    told_only(app, count, has_more);
    if select.dry_run {
        return Ok(None);
    }
    Err(Failure::usage("nothing was done: say --yes to do it to all of them"))
}

fn told_only(app: &App, count: usize, has_more: bool) {
    if app.output.json {
        app.output.document(&json!({ "matching": count, "has-more": has_more }));
    } else {
        let more = if has_more { " or more" } else { "" };
        let runs = if count == 1 && !has_more { "run matches" } else { "runs match" };
        app.output.line(format_args!("{count}{more} {runs}"));
    }
}

fn tell(app: &App, report: &BulkReport, done: &str) {
    if app.output.json {
        app.output.document(report);
        return;
    }
    app.output.line(runs_are(report.done as u64, done));
    if report.asked > 0 {
        app.output.line(runs_are(report.asked as u64, "asked to stop"));
    }
    for (status, count) in &report.refused {
        let what = format_args!("{status}: nothing was changed there");
        app.output.line(runs_are(*count as u64, what));
    }
    if report.gone > 0 {
        app.output.line(runs_are(report.gone as u64, "not there any more"));
    }
    if report.has_more {
        app.output.note("there are more: ask again");
    }
}
