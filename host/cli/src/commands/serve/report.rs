//! What is said of plugins while a host runs.

use serde_json::{Value, json};
use zapjobs_model::JobKey;
use zapjobs_runtime::{PluginReport, PluginState};

use crate::output::{Output, Tone, plain};

/// Says what became of a plugin.
pub(super) fn report(output: Output, report: &PluginReport) {
    if output.json {
        output.line_if_read(as_json(report));
        return;
    }
    let name = plain(&report.name);
    output.line_if_read(match &report.state {
        PluginState::Serving { digest, jobs, replaced } => {
            let word = if *replaced { "now serves" } else { "serves" };
            let digest = output.paint(Tone::Quiet, digest.short());
            let sign = output.paint(Tone::Good, "plugin");
            format!("{sign} {name} {digest} {word} {}", job_names(jobs).join(", "))
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
    match &report.state {
        PluginState::Serving { digest, jobs, replaced } => json!({
            "event": "serving", "plugin": name, "digest": digest, "jobs": job_names(jobs),
            "replaced": replaced,
        }),
        PluginState::Refused { reason, still_serving } => json!({
            "event": "refused", "plugin": name, "reason": reason, "still_serving": still_serving,
        }),
        PluginState::Retired { jobs } => json!({
            "event": "removed", "plugin": name, "jobs": job_names(jobs),
        }),
    }
}
