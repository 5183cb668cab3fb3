//! `zapjobs limits`, `zapjobs pause` and `zapjobs resume`.

use serde_json::json;
use zapjobs_model::{FlowLimit, LimitChange, LimitScope, Rate, RateAlgorithm};
use zapjobs_storage::LimitUse;

use super::App;
use crate::args::{LimitsCommand, ScopeArgs, SetLimitArgs};
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::site::SharedSite;
use crate::values::format_span;

pub(super) async fn limits(command: LimitsCommand, app: App) -> Done {
    let site = app.site().await?;
    match command {
        LimitsCommand::List => list(&site, &app).await,
        LimitsCommand::Set(args) => {
            let scope = args.scope.scope(site.tenant());
            change(&site, &scope, LimitChange::set(limit(&args)), &app).await
        }
        LimitsCommand::Remove(scope) => {
            let scope = scope.scope(site.tenant());
            change(&site, &scope, LimitChange::Remove, &app).await
        }
    }
}

pub(super) async fn pause(scope: ScopeArgs, app: App) -> Done {
    let site = app.site().await?;
    change(&site, &scope.scope(site.tenant()), LimitChange::Pause, &app).await
}

pub(super) async fn resume(scope: ScopeArgs, app: App) -> Done {
    let site = app.site().await?;
    change(&site, &scope.scope(site.tenant()), LimitChange::Resume, &app).await
}

fn limit(args: &SetLimitArgs) -> FlowLimit {
    let rate = args.rate.map(|(count, per)| {
        let rate = Rate::new(count, per);
        match (args.sliding_window, args.burst) {
            (true, _) => rate.kept_by(RateAlgorithm::SlidingWindow),
            (false, Some(burst)) => rate.kept_by(RateAlgorithm::TokenBucket { burst }),
            (false, None) => rate,
        }
    });
    FlowLimit { concurrency: args.concurrency, rate, key_pointer: args.key.clone(), paused: false }
}

async fn change(site: &SharedSite, scope: &LimitScope, change: LimitChange, app: &App) -> Done {
    let limit = site.change_limit(scope, change).await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&json!({ "scope": scope, "limit": limit }));
        return Ok(());
    }
    let allows = limit.as_ref().map_or_else(|| "no limit".to_owned(), allows);
    app.output.line(format_args!("{scope}: {allows}"));
    Ok(())
}

async fn list(site: &SharedSite, app: &App) -> Done {
    let limits = site.limits().await?;
    site.close().await?;
    if app.output.json {
        let limits = limits.iter().map(|it| {
            json!({ "scope": it.scope, "limit": it.limit, "in_use": it.in_use, "held": it.held })
        });
        app.output.document(&json!({ "limits": limits.collect::<Vec<_>>() }));
        return Ok(());
    }
    if limits.is_empty() {
        app.output.note("no limits");
        return Ok(());
    }
    let header = ["SCOPE", "ALLOWS", "IN USE", "HELD"];
    app.output.line(table(app.output.in_color(), &header, limits.iter().map(row)));
    Ok(())
}

fn row(it: &LimitUse) -> Vec<(String, Option<Tone>)> {
    let in_use = it.limit.concurrency.map(|_| it.in_use.to_string());
    vec![
        (it.scope.to_string(), Some(Tone::Strong)),
        (allows(&it.limit), None),
        (in_use.unwrap_or_default(), None),
        (it.held.to_string(), None),
    ]
}

/// What a limit allows, for people.
fn allows(limit: &FlowLimit) -> String {
    let paused = limit.paused.then(|| "paused".to_owned());
    let concurrency = limit.concurrency.map(|slots| format!("{slots} at a time"));
    let rate = limit.rate.map(|rate| {
        let how = match rate.algorithm {
            RateAlgorithm::TokenBucket { burst } => format!("up to {burst} at once"),
            RateAlgorithm::SlidingWindow => "in any such span".to_owned(),
        };
        format!("{} per {}, {how}", rate.count, format_span(rate.per()))
    });
    let key = limit.key_pointer.as_ref().map(|pointer| format!("key at {pointer}"));
    let parts: Vec<String> = [paused, concurrency, rate, key].into_iter().flatten().collect();
    parts.join("; ")
}
