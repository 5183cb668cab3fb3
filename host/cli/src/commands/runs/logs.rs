//! `zapjobs runs logs`.

use zapjobs_model::LogEntry;

use super::find::find;
use crate::args::LogsArgs;
use crate::commands::App;
use crate::commands::follow::{Seen, follow, log_after};
use crate::errors::Done;
use crate::output::log_text;

pub(in crate::commands) async fn logs(args: LogsArgs, app: App) -> Done {
    let site = app.site().await?;
    let run = find(&*site, &args.id.run).await?;
    let output = app.output;
    let show = |entry: &LogEntry| {
        if entry.line.level < args.level {
        } else if output.json {
            output.json_line(entry);
        } else {
            output.line(log_text(&entry.line, output.in_color()));
        }
    };
    if !args.follow {
        log_after(&*site, run.id, None, show).await?;
        return site.close().await;
    }
    let run = follow(&*site, run.id, None, |seen| {
        if let Seen::Log(entry) = seen {
            show(entry);
        }
    })
    .await?;
    output.note(format_args!("{} after attempt {}", run.status, run.attempt));
    site.close().await
}
