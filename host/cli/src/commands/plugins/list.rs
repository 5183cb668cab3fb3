//! `zapjobs plugins list`: the files of a tenant's plugins, and what each serves.

use std::path::{Path, PathBuf};

use serde_json::json;
use zapjobs_model::{Capability, Digest, TenantId, Timestamp};
use zapjobs_runtime::{PluginId, ServedCode, Standing, VersionStore};

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
    /// The file's code.
    digest: Option<Digest>,
    /// The code that serves, where it may be another.
    serving: Option<Digest>,
    bytes: u64,
    jobs: Vec<String>,
    state: Standing,
    /// Why the file, or the plugin, does not serve.
    reason: Option<String>,
    wants_more: Vec<Capability>,
    /// Until when it is out of service.
    out_of_service: Option<Timestamp>,
}

pub(in crate::commands) async fn list(app: App) -> Done {
    let files = files(&app.config)?;
    let served = served(&app).await?;
    let named = app.config.plugin.versions_dir.as_deref();
    let versions = VersionStore::existing(&app.config.plugins, named);
    if let Err(error) = &versions {
        app.output.note(format_args!("note: no versions are kept, or not for you: {error}"));
    }
    let mut all = Vec::with_capacity(files.len());
    for path in files {
        all.push(look_at(&app.config, &path, &served, versions.as_ref().ok()).await);
    }
    show(&app, &all);
    Ok(())
}

/// The tenant's files: those in its folder, and for whom the directory itself is, those there.
fn files(config: &Config) -> Done<Vec<PathBuf>> {
    let own = config.plugins.join(config.tenant.as_str());
    let mut files = Vec::new();
    if own.is_dir() {
        files.extend(components(&own)?);
    }
    if files.is_empty() || config.tenant == TenantId::standard() {
        files.extend(components(&config.plugins)?);
    }
    Ok(files)
}

fn components(directory: &Path) -> Done<Vec<PathBuf>> {
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

/// What the storage says is served. Nothing where no host has made a storage yet.
async fn served(app: &App) -> Done<ServedCode> {
    let storage = match open_existing(&app.config).await {
        Ok(storage) => storage,
        Err(failure) => {
            app.output.note(format_args!("note: {failure}"));
            return Ok(ServedCode::default());
        }
    };
    let served = ServedCode::of(&*storage, Some(&app.config.tenant)).await?;
    storage.close().await?;
    Ok(served)
}

async fn look_at(
    config: &Config,
    path: &Path,
    served: &ServedCode,
    versions: Option<&VersionStore>,
) -> Listed {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = PluginId { tenant: config.tenant.clone(), name: name.clone() };
    let (record, orders) =
        versions.map(|versions| (versions.record(&id), versions.orders(&id))).unwrap_or_default();
    let component = Component::read(path, config);
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let digest = component.as_ref().ok().map(|component| component.inspection.digest);
    let serving = [orders.pinned, digest, record.current]
        .into_iter()
        .flatten()
        .find(|digest| served.jobs(&id.tenant, *digest).is_some());
    let jobs = serving.and_then(|it| served.jobs(&id.tenant, it)).unwrap_or_default();
    let noted = record.turned_down.filter(|it| it.digest == digest || digest.is_none());
    let mut listed = Listed {
        name,
        digest,
        serving,
        bytes,
        jobs: jobs.iter().map(ToString::to_string).collect(),
        state: Standing::Serving,
        reason: None,
        wants_more: Vec::new(),
        out_of_service: serving.and_then(|it| served.out_of_service_until(&id.tenant, it)),
    };
    if let Some(until) = listed.out_of_service {
        listed.state = Standing::OutOfService;
        listed.reason = Some(format!(
            "its runs kept trapping: out of service until {until}, or `zapjobs plugins reset {}`",
            listed.name
        ));
    } else if serving.is_some() && serving == orders.pinned {
        listed.state = Standing::Pinned;
    } else if serving.is_some() && serving == digest {
        listed.state = Standing::Serving;
    } else if let Some(noted) = noted {
        listed.state = if noted.held { Standing::Held } else { Standing::Refused };
        listed.reason = Some(match noted.held {
            true => format!("{}: `zapjobs plugins approve {}`", noted.reason, listed.name),
            false => noted.reason,
        });
        listed.wants_more = noted.wants_more;
    } else {
        (listed.state, listed.reason) = match component {
            Err(failure) => (Standing::Refused, Some(failure.message)),
            Ok(component) => (Standing::Unserved, Some(why_unserved(config, &component).await)),
        };
    }
    listed
}

/// Nothing says why a plugin does not serve: loading it tells.
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

const fn tone(state: Standing) -> Tone {
    match state {
        Standing::Serving => Tone::Good,
        Standing::Pinned | Standing::Held => Tone::Warning,
        Standing::Refused | Standing::Unserved | Standing::OutOfService | Standing::Retired => {
            Tone::Bad
        }
    }
}

fn show(app: &App, all: &[Listed]) {
    if app.output.json {
        let documents = all.iter().map(|it| {
            json!({
                "tenant": app.config.tenant, "name": it.name, "digest": it.digest,
                "bytes": it.bytes, "jobs": it.jobs, "serving": it.serving,
                "state": it.state.name(), "reason": it.reason, "wants_more": it.wants_more,
                "out_of_service_until": it.out_of_service,
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
        let digest = it.serving.or(it.digest);
        let jobs = it.jobs.join(", ");
        let text = match &it.reason {
            None => jobs,
            Some(reason) if jobs.is_empty() => reason.clone(),
            Some(reason) if it.out_of_service.is_some() => format!("{jobs}; {reason}"),
            Some(reason) => format!("{jobs}; the file: {reason}"),
        };
        vec![
            (it.name.clone(), Some(Tone::Strong)),
            (digest.map_or_else(|| "-".to_owned(), |digest| digest.short()), Some(Tone::Quiet)),
            (rounded_size(it.bytes), None),
            (it.state.name().to_owned(), Some(tone(it.state))),
            (text, None),
        ]
    });
    let header = ["PLUGIN", "DIGEST", "SIZE", "STATE", "SERVES"];
    app.output.line(table(app.output.in_color(), &header, rows));
}
