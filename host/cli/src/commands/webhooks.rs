//! `zapjobs webhooks`.

use serde_json::{Value, json};
use zapjobs_model::{Timestamp, WebhookName};
use zapjobs_runtime::{
    Client, Delivery, DeliveryOutcome, KeptWebhook, NewWebhook, OrderKind, WebhookError,
};

use super::App;
use crate::args::{AddWebhookArgs, DeliveriesArgs, ReplayArgs, WebhooksCommand};
use crate::errors::{Done, Failure};
use crate::output::{Tone, plain, table};
use crate::storage::open_existing;

pub(super) async fn webhooks(command: WebhooksCommand, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let client = Client::new(storage.clone());
    match command {
        WebhooksCommand::Add(args) => add(&client, args, &app).await?,
        WebhooksCommand::List => list(&client, &app).await?,
        WebhooksCommand::Show(args) => show(&client, &args.name, &app).await?,
        WebhooksCommand::Enable(args) => enable(&client, &args.name, true, &app).await?,
        WebhooksCommand::Disable(args) => enable(&client, &args.name, false, &app).await?,
        WebhooksCommand::Remove(args) => remove(&client, &args.name, &app).await?,
        WebhooksCommand::Deliveries(args) => deliveries(&client, &args, &app).await?,
        WebhooksCommand::Replay(args) => replay(&client, &args, &app).await?,
        WebhooksCommand::Test(args) => order(&client, &args.name, OrderKind::Test, &app).await?,
    }
    Ok(storage.close().await?)
}

async fn add(client: &Client, args: AddWebhookArgs, app: &App) -> Done {
    let AddWebhookArgs { webhook, url, events, job, with_output } = args;
    let new = NewWebhook { url, events, job, with_output, secret: None };
    let secret = client.create_webhook(&app.config.tenant, &webhook.name, new).await?;
    if app.output.json {
        app.output.document(&json!({ "name": webhook.name, "secret": secret.reveal() }));
        return Ok(());
    }
    app.output.line(secret.reveal());
    app.output.note("keep it now, to check signatures by: it is not shown again");
    Ok(())
}

async fn list(client: &Client, app: &App) -> Done {
    let kept = client.webhooks(&app.config.tenant).await?;
    let now = client.storage().now().await?;
    if app.output.json {
        let shown: Vec<Value> = kept.iter().map(|kept| shown(kept, now)).collect();
        app.output.document(&json!({ "webhooks": shown }));
        return Ok(());
    }
    if kept.is_empty() {
        app.output.note("no webhooks");
        return Ok(());
    }
    let rows = kept.iter().map(|kept| {
        let (state, tone) = state(kept, now);
        let totals = kept.progress.as_ref().map(|it| it.totals).unwrap_or_default();
        vec![
            (kept.name.to_string(), Some(Tone::Strong)),
            (kept.webhook.url.origin(), None),
            (events(kept), None),
            (state.to_owned(), Some(tone)),
            (totals.delivered.to_string(), None),
            (totals.failed.to_string(), None),
            (kept.progress.as_ref().map_or(0, |it| it.waiting()).to_string(), None),
        ]
    });
    let header = ["WEBHOOK", "TARGET", "EVENTS", "STATE", "DELIVERED", "FAILED", "WAITING"];
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

async fn show(client: &Client, name: &WebhookName, app: &App) -> Done {
    let kept = client.webhook(&app.config.tenant, name).await?;
    let now = client.storage().now().await?;
    if app.output.json {
        app.output.document(&shown(&kept, now));
        return Ok(());
    }
    let webhook = &kept.webhook;
    let mut facts = vec![
        ("webhook", kept.name.to_string()),
        ("target", webhook.url.to_string()),
        ("events", events(&kept)),
        ("jobs", webhook.job.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string)),
        ("state", state(&kept, now).0.to_owned()),
        ("told since", webhook.since.to_text_short()),
    ];
    if let Some(progress) = &kept.progress {
        let totals = progress.totals;
        facts.push(("delivered", totals.delivered.to_string()));
        facts.push(("failed", totals.failed.to_string()));
        facts.push(("given up", totals.given_up.to_string()));
        facts.push(("waiting", progress.waiting().to_string()));
    }
    for (name, value) in facts {
        app.output.line(format_args!("{name:<12} {}", plain(&value)));
    }
    Ok(())
}

async fn enable(client: &Client, name: &WebhookName, enabled: bool, app: &App) -> Done {
    let changed = client.enable_webhook(&app.config.tenant, name, enabled).await?;
    if app.output.json {
        app.output.document(&json!({ "name": name, "enabled": enabled, "changed": changed }));
        return Ok(());
    }
    let state = if enabled { "enabled" } else { "disabled" };
    let already = if changed { "" } else { " already" };
    app.output.line(format_args!("{name} is {state}{already}"));
    Ok(())
}

async fn remove(client: &Client, name: &WebhookName, app: &App) -> Done {
    client.remove_webhook(&app.config.tenant, name).await?;
    if app.output.json {
        app.output.document(&json!({ "removed": name }));
    } else {
        app.output.line(format_args!("{name} is removed"));
    }
    Ok(())
}

async fn deliveries(client: &Client, args: &DeliveriesArgs, app: &App) -> Done {
    let kept = client.webhook(&app.config.tenant, &args.webhook.name).await?;
    let all = kept.progress.map(|progress| progress.deliveries).unwrap_or_default();
    let latest: Vec<Delivery> = all.into_iter().rev().take(args.limit).collect();
    if app.output.json {
        app.output.document(&json!({ "deliveries": latest }));
        return Ok(());
    }
    if latest.is_empty() {
        app.output.note("no deliveries");
        return Ok(());
    }
    let rows = latest.iter().map(|it| {
        let tone = match it.outcome {
            DeliveryOutcome::Delivered => Tone::Good,
            DeliveryOutcome::Failed => Tone::Warning,
            DeliveryOutcome::GivenUp => Tone::Bad,
        };
        let answer = match (it.status, &it.error) {
            (Some(status), _) => status.to_string(),
            (None, error) => plain(error.as_deref().unwrap_or_default()).into_owned(),
        };
        vec![
            (it.at.to_text_short(), Some(Tone::Quiet)),
            (it.event.clone(), None),
            (it.id.clone(), None),
            (it.attempt.to_string(), None),
            (outcome(it.outcome).to_owned(), Some(tone)),
            (format!("{} ms", it.took_ms), Some(Tone::Quiet)),
            (answer, None),
        ]
    });
    let header = ["AT", "EVENT", "ID", "ATTEMPT", "OUTCOME", "TOOK", "ANSWER"];
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

async fn replay(client: &Client, args: &ReplayArgs, app: &App) -> Done {
    let kind = match (args.run, args.from) {
        (Some(run), _) => OrderKind::Run(run),
        (None, from) => {
            let from = from.ok_or_else(|| Failure::usage("name a run, or a time with --from"))?;
            let before = match args.to {
                Some(before) => before,
                None => client.storage().now().await?,
            };
            OrderKind::Span { from, before }
        }
    };
    order(client, &args.webhook.name, kind, app).await
}

async fn order(client: &Client, name: &WebhookName, kind: OrderKind, app: &App) -> Done {
    client.order_webhook(&app.config.tenant, name, kind).await?;
    if app.output.json {
        app.output.document(&json!({ "name": name, "ordered": true }));
        return Ok(());
    }
    app.output.line(format_args!(
        "ordered: a host that serves does it within seconds; `webhooks deliveries {name}` shows it"
    ));
    Ok(())
}

fn events(kept: &KeptWebhook) -> String {
    kept.webhook.events.iter().map(|event| event.name()).collect::<Vec<_>>().join(",")
}

fn state(kept: &KeptWebhook, now: Timestamp) -> (&'static str, Tone) {
    if !kept.webhook.enabled {
        return ("disabled", Tone::Quiet);
    }
    let failing = kept.progress.as_ref().is_some_and(|it| it.breaker.open_until.is_some());
    match kept.rests_until(now) {
        Some(_) => ("resting: its target fails", Tone::Bad),
        None if failing => ("trying its target again", Tone::Warning),
        None => ("enabled", Tone::Good),
    }
}

const fn outcome(outcome: DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Failed => "failed",
        DeliveryOutcome::GivenUp => "given up",
    }
}

/// What is told of a webhook: all but its secret.
fn shown(kept: &KeptWebhook, now: Timestamp) -> Value {
    let webhook = &kept.webhook;
    let progress = kept.progress.as_ref();
    json!({
        "name": kept.name,
        "url": webhook.url,
        "events": webhook.events,
        "job": webhook.job,
        "with_output": webhook.with_output,
        "enabled": webhook.enabled,
        "since": webhook.since,
        "created_at": webhook.created_at,
        "rests_until": kept.rests_until(now),
        "waiting": progress.map_or(0, |it| it.waiting()),
        "totals": progress.map(|it| it.totals).unwrap_or_default(),
    })
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Storage(error) => error.into(),
            WebhookError::Random(_) => Self::unavailable(error.to_string()),
            error => Self::usage(error.to_string()),
        }
    }
}
