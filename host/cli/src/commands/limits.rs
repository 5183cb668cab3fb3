//! `zapjobs limits`, `zapjobs pause` and `zapjobs resume`.

use serde_json::json;
use zapjobs_model::{FlowLimit, LimitChange, LimitScope, Rate, RateAlgorithm};
use zapjobs_storage::{ErrorKind, LimitUse};

use super::App;
use crate::args::{LimitsCommand, ScopeArgs, SetLimitArgs};
use crate::errors::{Done, Failure};
use crate::output::{Tone, table};
use crate::storage::open_existing;
use crate::values::format_span;

pub(super) async fn limits(command: LimitsCommand, app: App) -> Done {
    let tenant = &app.config.tenant;
    match command {
        LimitsCommand::List => list(app).await,
        LimitsCommand::Set(args) => {
            change(&args.scope.scope(tenant), LimitChange::set(limit(&args)), &app).await
        }
        LimitsCommand::Remove(scope) => {
            change(&scope.scope(tenant), LimitChange::Remove, &app).await
        }
    }
}

pub(super) async fn pause(scope: ScopeArgs, app: App) -> Done {
    change(&scope.scope(&app.config.tenant), LimitChange::Pause, &app).await
}

pub(super) async fn resume(scope: ScopeArgs, app: App) -> Done {
    change(&scope.scope(&app.config.tenant), LimitChange::Resume, &app).await
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

async fn change(scope: &LimitScope, change: LimitChange, app: &App) -> Done {
    let storage = open_existing(&app.config).await?;
    let limit = storage.change_limit(scope, change).await.map_err(|error| match error.kind() {
        ErrorKind::InvalidRequest => Failure::usage(error.to_string()),
        _ => error.into(),
    })?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "scope": scope, "limit": limit }));
        return Ok(());
    }
    let allows = limit.as_ref().map_or_else(|| "no limit".to_owned(), allows);
    app.output.line(format_args!("{scope}: {allows}"));
    Ok(())
}

async fn list(app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let limits = storage.limits().await?;
    storage.close().await?;
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
