//! `zapjobs plugins list`: the files of a tenant's plugins, and what each serves.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use zapjobs_model::{Capability, Digest, JobDefinition, JobKey, TenantId, Timestamp};
use zapjobs_runtime::{PluginId, VersionStore, breaker_lease_name};
use zapjobs_storage::Storage;

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
    state: State,
    /// Why the file, or the plugin, does not serve.
    reason: Option<String>,
    wants_more: Vec<Capability>,
    /// Until when it is out of service.
    out_of_service: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Serving,
    Pinned,
    Held,
    Refused,
    Unserved,
    OutOfService,
}

/// What the storage says is served.
#[derive(Default)]
struct Served {
    jobs: HashMap<Digest, Vec<String>>,
    out_of_service: HashMap<Digest, Timestamp>,
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

/// The job types that the storage says are served, by the code that serves them. Nothing
/// where no host has made a storage yet.
async fn served(app: &App) -> Done<Served> {
    let storage = match open_existing(&app.config).await {
        Ok(storage) => storage,
        Err(failure) => {
            app.output.note(format_args!("note: {failure}"));
            return Ok(Served::default());
        }
    };
    let mut served = Served::default();
    for JobDefinition { key, digest, .. } in storage.definitions(Some(&app.config.tenant)).await? {
        let Some(digest) = digest else { continue };
        if let Some(until) = out_of_service(&*storage, &key, digest).await? {
            served.out_of_service.insert(digest, until);
        }
        served.jobs.entry(digest).or_default().push(key.job_type.to_string());
    }
    storage.close().await?;
    Ok(served)
}

async fn out_of_service(
    storage: &dyn Storage,
    key: &JobKey,
    digest: Digest,
) -> Done<Option<Timestamp>> {
    let lease = storage.named_lease(&breaker_lease_name(key, digest)).await?;
    Ok(lease.map(|lease| lease.expires_at))
}

async fn look_at(
    config: &Config,
    path: &Path,
    served: &Served,
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
        .find(|digest| served.jobs.contains_key(digest));
    let noted = record.turned_down.filter(|it| it.digest == digest || digest.is_none());
    let mut listed = Listed {
        name,
        digest,
        serving,
        bytes,
        jobs: serving.and_then(|it| served.jobs.get(&it)).cloned().unwrap_or_default(),
        state: State::Serving,
        reason: None,
        wants_more: Vec::new(),
        out_of_service: serving.and_then(|it| served.out_of_service.get(&it)).copied(),
    };
    if let Some(until) = listed.out_of_service {
        listed.state = State::OutOfService;
        listed.reason = Some(format!(
            "its runs kept trapping: out of service until {until}, or `zapjobs plugins reset {}`",
            listed.name
        ));
    } else if serving.is_some() && serving == orders.pinned {
        listed.state = State::Pinned;
    } else if serving.is_some() && serving == digest {
        listed.state = State::Serving;
    } else if let Some(noted) = noted {
        listed.state = if noted.held { State::Held } else { State::Refused };
        listed.reason = Some(match noted.held {
            true => format!("{}: `zapjobs plugins approve {}`", noted.reason, listed.name),
            false => noted.reason,
        });
        listed.wants_more = noted.wants_more;
    } else {
        (listed.state, listed.reason) = match component {
            Err(failure) => (State::Refused, Some(failure.message)),
            Ok(component) => (State::Unserved, Some(why_unserved(config, &component).await)),
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

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Pinned => "pinned",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Unserved => "unserved",
            Self::OutOfService => "out-of-service",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Serving => Tone::Good,
            Self::Pinned | Self::Held => Tone::Warning,
            Self::Refused | Self::Unserved | Self::OutOfService => Tone::Bad,
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
            (it.state.name().to_owned(), Some(it.state.tone())),
            (text, None),
        ]
    });
    let header = ["PLUGIN", "DIGEST", "SIZE", "STATE", "SERVES"];
    app.output.line(table(app.output.in_color(), &header, rows));
}
