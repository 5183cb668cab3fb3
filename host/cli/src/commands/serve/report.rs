//! What is said of plugins while a host runs.

use serde_json::{Value, json};
use zapjobs_model::JobKey;
use zapjobs_runtime::{HoldReason, HostMetrics, Origin, PluginReport, PluginState};

use crate::output::{Output, Tone, plain};

/// Says what became of a plugin, and counts it.
pub(super) fn report(output: Output, metrics: &HostMetrics, report: &PluginReport) {
    metrics.note_plugin(&report.state);
    if output.json {
        output.line_if_read(as_json(report));
        return;
    }
    let name = plain(&report.name);
    output.line_if_read(match &report.state {
        PluginState::Serving { digest, jobs, replaced, origin, warning } => {
            let word = if *replaced { "now serves" } else { "serves" };
            let digest = output.paint(Tone::Quiet, digest.short());
            let sign = output.paint(Tone::Good, "plugin");
            let origin = match origin {
                Origin::File => "",
                Origin::Kept => " (the version kept from before)",
                Origin::Pinned => " (pinned)",
            };
            let warning = warning.as_ref().map(|it| format!("; {}", plain(it)));
            let jobs = job_names(jobs).join(", ");
            format!("{sign} {name} {digest} {word} {jobs}{origin}{}", warning.unwrap_or_default())
        }
        PluginState::Held { digest, reason, still_serving } => {
            let sign = output.paint(Tone::Warning, "plugin");
            let rest = match still_serving {
                Some(digest) => format!(" (version {} goes on serving)", digest.short()),
                None => String::new(),
            };
            format!(
                "{sign} {name} {} held back: {}{rest}: `zapjobs plugins approve {name}` lets it serve",
                digest.short(),
                plain(&reason.to_string())
            )
        }
        PluginState::Refused { reason, still_serving } => {
            let sign = output.paint(Tone::Bad, "plugin");
            let rest = match still_serving {
                Some(digest) => format!(" (version {} goes on serving)", digest.short()),
                None => String::new(),
            };
            format!("{sign} {name} refused: {}{rest}", plain(reason))
        }
        PluginState::Retired { jobs } => {
            let sign = output.paint(Tone::Warning, "plugin");
            format!("{sign} {name} removed: nothing serves {} now", job_names(jobs).join(", "))
        }
    });
}

/// How many plugins serve how many job types.
pub(super) fn serving(reports: &[PluginReport]) -> (usize, usize) {
    let counts = reports.iter().filter_map(|report| match &report.state {
        PluginState::Serving { jobs, .. } => Some(jobs.len()),
        _ => None,
    });
    counts.fold((0, 0), |(plugins, all), jobs| (plugins + 1, all + jobs))
}

/// The job types' names.
pub(super) fn job_names(jobs: &[JobKey]) -> Vec<&str> {
    jobs.iter().map(|key| key.job_type.as_str()).collect()
}

fn as_json(report: &PluginReport) -> Value {
    let name = &report.name;
    let mut line = match &report.state {
        PluginState::Serving { digest, jobs, replaced, origin, warning } => json!({
            "event": "serving", "plugin": name, "digest": digest, "jobs": job_names(jobs),
            "replaced": replaced, "from": origin_name(*origin), "warning": warning,
        }),
        PluginState::Held { digest, reason, still_serving } => json!({
            "event": "held", "plugin": name, "digest": digest, "reason": reason.to_string(),
            "wants_more": wants_more(reason), "still_serving": still_serving,
        }),
        PluginState::Refused { reason, still_serving } => json!({
            "event": "refused", "plugin": name, "reason": reason, "still_serving": still_serving,
        }),
        PluginState::Retired { jobs } => json!({
            "event": "removed", "plugin": name, "jobs": job_names(jobs),
        }),
    };
    line["tenant"] = json!(report.tenant);
    line
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::File => "file",
        Origin::Kept => "kept",
        Origin::Pinned => "pinned",
    }
}

fn wants_more(reason: &HoldReason) -> Vec<String> {
    match reason {
        HoldReason::WantsMore(more) => more.iter().map(ToString::to_string).collect(),
        HoldReason::Inputs(_) => Vec::new(),
    }
}
