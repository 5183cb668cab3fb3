//! `zapjobs plugins list`: the files of the plugins directory, and what each serves.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use zapjobs_model::{Digest, JobDefinition};

use super::component::{self, Component};
use crate::commands::App;
use crate::config::Config;
use crate::errors::{Done, Failure};
use crate::output::{Tone, table};
use crate::storage::open_existing;
use crate::values::rounded_size;

/// One file of the directory.
struct Listed {
    name: String,
    digest: Option<Digest>,
    bytes: u64,
    jobs: Vec<String>,
    /// Why it serves nothing.
    reason: Option<String>,
}

pub(in crate::commands) async fn list(app: App) -> Done {
    let files = files(&app.config.plugins)?;
    let served = served_by_digest(&app).await?;
    let mut all = Vec::with_capacity(files.len());
    for path in files {
        all.push(look_at(&app.config, &path, &served).await);
    }
    show(&app, &all);
    Ok(())
}

fn files(directory: &Path) -> Done<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).map_err(|error| {
        Failure::unavailable(format!(
            "the plugins directory {} cannot be read: {error}: name another with --plugins",
            directory.display()
        ))
    })?;
    let is_component = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'));
        path.extension().is_some_and(|ending| ending == "wasm") && !is_hidden
    };
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_component).collect();
    files.sort();
    Ok(files)
}

/// The job types that the storage says are served, by the code that serves them. Nothing
/// where no host has made a storage yet.
async fn served_by_digest(app: &App) -> Done<HashMap<Digest, Vec<String>>> {
    let storage = match open_existing(&app.config).await {
        Ok(storage) => storage,
        Err(failure) => {
            app.output.note(format_args!("note: {failure}"));
            return Ok(HashMap::new());
        }
    };
    let mut served: HashMap<Digest, Vec<String>> = HashMap::new();
    for JobDefinition { key, digest, .. } in storage.definitions(Some(&app.config.tenant)).await? {
        if let Some(digest) = digest {
            served.entry(digest).or_default().push(key.job_type.to_string());
        }
    }
    storage.close().await?;
    Ok(served)
}

async fn look_at(config: &Config, path: &Path, served: &HashMap<Digest, Vec<String>>) -> Listed {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let component = match Component::read(path) {
        Ok(component) => component,
        Err(failure) => {
            let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
            let reason = Some(failure.message);
            return Listed { name, digest: None, bytes, jobs: Vec::new(), reason };
        }
    };
    let digest = component.inspection.digest;
    let jobs = served.get(&digest).cloned().unwrap_or_default();
    let reason = if jobs.is_empty() { Some(why_unserved(config, &component).await) } else { None };
    Listed { name, digest: Some(digest), bytes: component.bytes.len() as u64, jobs, reason }
}

/// The storage does not say why a plugin was refused: loading it tells.
async fn why_unserved(config: &Config, component: &Component) -> String {
    match component::load(config, component, component.manifest.grants()).await {
        Err(failure) => failure.message,
        Ok(plugin) => {
            let jobs: Vec<&str> = plugin.jobs().iter().map(|job| job.job_type.as_str()).collect();
            format!(
                "sound, but no host serves it: either none has looked since, or another file \
                 provides {}",
                jobs.join(", ")
            )
        }
    }
}

fn show(app: &App, all: &[Listed]) {
    if app.output.json {
        let documents = all.iter().map(|it| {
            json!({
                "name": it.name, "digest": it.digest, "bytes": it.bytes, "jobs": it.jobs,
                "reason": it.reason,
            })
        });
        app.output.document(&documents.collect::<Vec<_>>());
        return;
    }
    if all.is_empty() {
        app.output.note(format_args!("no components in {}", app.config.plugins.display()));
        return;
    }
    let rows = all.iter().map(|it| {
        let (text, tone) = match &it.reason {
            None => (it.jobs.join(", "), Tone::Good),
            Some(reason) => (reason.clone(), Tone::Bad),
        };
        vec![
            (it.name.clone(), Some(Tone::Strong)),
            (it.digest.map_or_else(|| "-".to_owned(), |digest| digest.short()), Some(Tone::Quiet)),
            (rounded_size(it.bytes), None),
            (text, Some(tone)),
        ]
    });
    let header = ["PLUGIN", "DIGEST", "SIZE", "SERVES"];
    app.output.line(table(app.output.in_color(), &header, rows));
}
