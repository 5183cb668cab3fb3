//! Rounds of a plugins directory, and what they report.

use zapjobs_runtime::{PluginDirectory, PluginReport, PluginState};

pub(crate) async fn rescan(directory: &mut PluginDirectory) -> Vec<PluginReport> {
    directory.rescan().await.expect("a round")
}

pub(crate) fn reason(report: &PluginReport) -> &str {
    match &report.state {
        PluginState::Refused { reason, .. } => reason,
        other => panic!("{other:?} is no refusal"),
    }
}
