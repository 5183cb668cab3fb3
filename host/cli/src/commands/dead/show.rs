//! `zapjobs dead show`.

use serde_json::json;
use zapjobs_model::{Run, RunId, RunStatus};
use zapjobs_storage::{PAGE_MAX, RunFilter};

use crate::args::DeadShowArgs;
use crate::commands::App;
use crate::commands::runs::whole;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::site::RunsRequest;
use crate::values::rounded_span;

pub(in crate::commands) async fn show(args: DeadShowArgs, app: App) -> Done {
    let site = app.site().await?;
    let now = site.now().await?;
    let filter = RunFilter {
        statuses: vec![RunStatus::Failed],
        job_type: Some(args.job),
        ..RunFilter::default()
    };
    let mut request = RunsRequest { filter, after: None, limit: PAGE_MAX };
    let limit = usize::from(args.limit);
    let (mut runs, mut cut): (Vec<Run>, Vec<RunId>) = (Vec::new(), Vec::new());
    while runs.len() < limit {
        let page = site.runs(&request).await?;
        cut.extend(page.cut);
        runs.extend(page.runs.into_iter().filter(|run| is_of(run, args.error.as_deref())));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    runs.truncate(limit);
    if app.output.json {
        let runs = whole(&*site, runs, &cut).await?;
        app.output.document(&json!({ "runs": runs }));
        return site.close().await;
    }
    site.close().await?;
    if runs.is_empty() {
        app.output.note("no failed runs");
        return Ok(());
    }
    let rows = runs.iter().map(|run| {
        let ended = run.finished_at.map(|at| format!("{} ago", rounded_span(now.since(at))));
        let error = run.error.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![
            (run.id.to_string(), None),
            (ended.unwrap_or_default(), Some(Tone::Quiet)),
            (format!("{}/{}", run.attempt, run.max_attempts), None),
            (error, Some(Tone::Bad)),
        ]
    });
    let header = ["RUN", "FAILED", "ATTEMPT", "ERROR"];
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

fn is_of(run: &Run, error_type: Option<&str>) -> bool {
    error_type
        .is_none_or(|wanted| run.error.as_ref().is_some_and(|error| error.error_type == wanted))
}
