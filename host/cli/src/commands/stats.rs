//! `zapjobs stats`: what happened, as sums.

use std::time::Duration;

use serde_json::json;
use zapjobs_storage::{Activity, Span};

use super::App;
use crate::args::{By, StatsArgs};
use crate::errors::Done;
use crate::output::table;
use crate::site::{SumsRequest, Whose};
use crate::values::format_span;

pub(super) async fn stats(args: StatsArgs, app: App) -> Done {
    let span = match args.by {
        By::Hour => Span::Hour,
        By::Day => Span::Day,
        By::Total => Span::Total,
    };
    let site = app.site().await?;
    let whose = if args.all_tenants { Whose::Everyones } else { Whose::Own };
    let request = SumsRequest { span, latest: args.latest.into(), queue: args.queue, whose };
    let spans = site.statistics(&request).await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&json!({ "by": span, "spans": spans }));
        return Ok(());
    }
    if spans.is_empty() {
        app.output.note("nothing happened in that time");
        return Ok(());
    }
    let header = [
        "FROM",
        "ENQUEUED",
        "STARTED",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "RETRIED",
        "PUT BACK",
        "CPU",
        "WALL",
    ];
    let rows = spans.iter().map(|one| {
        let from = match span {
            Span::Total => "the beginning".to_owned(),
            Span::Hour | Span::Day => one.from.to_utc().format("%Y-%m-%d %H:%MZ").to_string(),
        };
        let sums = columns(&one.activity).into_iter();
        std::iter::once(from).chain(sums).map(|text| (text, None)).collect()
    });
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

fn columns(activity: &Activity) -> [String; 9] {
    let time = |micros: u64| format_span(Duration::from_millis(micros / 1_000));
    [
        activity.enqueued.to_string(),
        activity.started.to_string(),
        activity.completed.to_string(),
        activity.failed.to_string(),
        activity.cancelled.to_string(),
        activity.retried.to_string(),
        activity.put_back.to_string(),
        time(activity.cpu_us),
        time(activity.wall_us),
    ]
}
