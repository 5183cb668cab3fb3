//! A file that tells other programs that the host is ready.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zapjobs_runtime::{PluginReport, PluginState};

use super::report::job_names;
use crate::config::Config;
use crate::errors::{Done, Failure};
use crate::output::json_text;

/// The file. It is there, whole, exactly while the host is ready.
pub(super) struct ReadyFile(Option<PathBuf>);

impl ReadyFile {
    /// Takes away what an earlier host left.
    pub(super) fn at(path: Option<PathBuf>) -> Done<Self> {
        let file = Self(path);
        if let Some(path) = file.0.as_deref().filter(|path| path.exists()) {
            std::fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
        }
        Ok(file)
    }

    /// Writes what is served.
    pub(super) fn write(&self, config: &Config, place: &Path, reports: &[PluginReport]) -> Done {
        let Some(path) = &self.0 else { return Ok(()) };
        let text = json_text(&json!({
            "pid": std::process::id(),
            "storage": config.storage.to_string(),
            "plugins_dir": place,
            "plugins": reports.iter().filter_map(served).collect::<Vec<_>>(),
            "refused": reports.iter().filter_map(refused).collect::<Vec<_>>(),
        }));
        // Under another name first, so that whoever waits for the file never reads half of it.
        let mut draft = path.clone().into_os_string();
        draft.push(".part");
        std::fs::write(&draft, text)
            .and_then(|()| std::fs::rename(&draft, path))
            .map_err(|error| unwritable(path, &error))
    }

    /// Takes the file away.
    pub(super) fn remove(&self) {
        if let Some(path) = &self.0 {
            // Someone else may have removed it; then there is nothing to do.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the ready file {} cannot be written: {error}", path.display()))
}

fn served(report: &PluginReport) -> Option<Value> {
    match &report.state {
        PluginState::Serving { digest, jobs, .. } => {
            Some(json!({ "name": report.name, "digest": digest, "jobs": job_names(jobs) }))
        }
        _ => None,
    }
}

fn refused(report: &PluginReport) -> Option<Value> {
    let reason = match &report.state {
        PluginState::Refused { reason, .. } => reason.clone(),
        PluginState::Held { reason, .. } => format!("held back: {reason}"),
        _ => return None,
    };
    Some(json!({ "name": report.name, "reason": reason }))
}
