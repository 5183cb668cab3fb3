//! `zapjobs runs show`.

use zapjobs_model::{Json, Run, Timestamp, UniqueHold, Until};
use zapjobs_runtime::WaitError;

use super::find::find;
use super::tone;
use crate::commands::App;
use crate::errors::Done;
use crate::output::{Output, Tone, plain};
use crate::site::RunDetails;
use crate::values::{rounded_size, rounded_span};

pub(in crate::commands) async fn show(id: String, app: App) -> Done {
    let site = app.site().await?;
    let id = find(&*site, &id).await?.id;
    let details = site.details(id).await?.ok_or(WaitError::NotFound(id))?;
    site.close().await?;
    let RunDetails { run, after, wait, signals } = details;
    if app.output.json {
        let mut document = serde_json::to_value(&run).unwrap_or_default();
        document["after"] = serde_json::to_value(&after).unwrap_or_default();
        document["wait"] = serde_json::to_value(&wait).unwrap_or_default();
        document["signals"] = serde_json::to_value(&signals).unwrap_or_default();
        app.output.document(&document);
        return Ok(());
    }
    for (name, value) in facts(&run).into_iter().flatten() {
        line(app.output, name, &plain(&value));
    }
    for of in &after {
        line(app.output, "waits for", &format!("{}, {}", of.run, of.on));
    }
    if let Some(wait) = &wait {
        let (name, what) = match &wait.signal {
            Some(signal) => ("waits for", format!("signal {signal} until {}", wait.until)),
            None => ("sleeps", format!("until {}", wait.until)),
        };
        line(app.output, name, &plain(&what));
    }
    if !signals.is_empty() {
        let names: Vec<_> = signals.iter().map(|signal| signal.name.to_string()).collect();
        line(app.output, "signals", &plain(&format!("{} not taken", names.join(", "))));
    }
    let status = app.output.paint(tone(run.status), run.status);
    line(app.output, "status", &status);
    json(app.output, "input", Some(&run.input));
    json(app.output, "output", run.output.as_ref());
    if let Some(error) = &run.error {
        let blame = format!("{:?}", error.blame).to_lowercase();
        line(app.output, "error", &plain(&format!("{error} (blame: {blame})")));
        json(app.output, "details", error.details.as_ref());
    }
    Ok(())
}

type Fact = Option<(&'static str, String)>;

fn facts(run: &Run) -> Vec<Fact> {
    let instant = |name, at: Option<Timestamp>| at.map(|at| (name, at.to_string()));
    let text = |name, text: Option<String>| text.map(|text| (name, text));
    let list = |name, items: Vec<String>| (!items.is_empty()).then(|| (name, items.join(", ")));
    let took = run.started_at.zip(run.finished_at).map(|(from, to)| rounded_span(to.since(from)));
    vec![
        Some(("run", run.id.to_string())),
        Some(("job", run.job_type.to_string())),
        Some(("tenant", run.tenant.to_string())),
        Some(("queue", format!("{}, priority {}", run.queue, run.priority.get()))),
        Some(("trigger", run.trigger.to_string())),
        Some(("attempt", attempts(run))),
        instant("created", Some(run.created_at)),
        instant("due", Some(run.due_at)),
        instant("started", run.started_at),
        instant("finished", run.finished_at),
        text("took", took),
        instant("deadline", run.deadline),
        text("progress", progress(run)),
        text("items", items(run)),
        run.started_at.map(|_| ("used", usage(run))),
        text("plugin", run.digest.map(|digest| digest.to_string())),
        text("worker", run.worker.map(|worker| worker.to_string())),
        text("correlation", run.correlation_id.as_ref().map(ToString::to_string)),
        text("parent", run.parent.map(|parent| parent.to_string())),
        text("unique", run.unique.map(unique)),
        list("tags", run.tags.iter().map(ToString::to_string).collect()),
        list(
            "metadata",
            run.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect(),
        ),
    ]
}

fn unique(hold: UniqueHold) -> String {
    let until = match hold.until {
        Until::Started => "started",
        Until::Finished => "finished",
    };
    format!("until {until}, key {}", hold.key.0.simple())
}

fn attempts(run: &Run) -> String {
    let faults = match run.host_faults {
        0 => String::new(),
        faults => format!(", {faults} more spoilt by hosts"),
    };
    format!("{} of {}{faults}", run.attempt, run.max_attempts)
}

fn progress(run: &Run) -> Option<String> {
    let progress = &run.progress;
    (*progress != zapjobs_model::Progress::default()).then(|| match progress.total {
        Some(total) => format!("{} of {total} {}", progress.done, progress.message),
        None => format!("{} {}", progress.done, progress.message),
    })
}

fn items(run: &Run) -> Option<String> {
    let counts = &run.counts;
    (counts.processed > 0).then(|| {
        format!(
            "{} processed, {} succeeded, {} failed",
            counts.processed, counts.succeeded, counts.failed
        )
    })
}

fn usage(run: &Run) -> String {
    let usage = &run.usage;
    format!(
        "{} on the processor, {} of memory, {} log lines, {} of output",
        rounded_span(std::time::Duration::from_micros(usage.cpu_us)),
        rounded_size(usage.memory_bytes_peak),
        usage.log_lines,
        rounded_size(usage.output_bytes)
    )
}

fn line(output: Output, name: &str, value: &str) {
    output.line(format_args!("{} {value}", output.paint(Tone::Quiet, format!("{name:<11}"))));
}

fn json(output: Output, name: &str, json: Option<&Json>) {
    let Some(json) = json else { return };
    let pretty = json.to_value().ok().and_then(|it| serde_json::to_string_pretty(&it).ok());
    let text = pretty.unwrap_or_else(|| json.to_string());
    for (at, text) in text.lines().enumerate() {
        line(output, if at == 0 { name } else { "" }, &plain(text));
    }
}
