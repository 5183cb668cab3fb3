//! `zapjobs plugins history`: the versions of a plugin.

use serde_json::json;
use zapjobs_model::Digest;
use zapjobs_runtime::{PluginId, VersionStore};

use crate::args::PluginArgs;
use crate::commands::App;
use crate::config::Config;
use crate::errors::{Done, Failure};
use crate::output::{Tone, table};

/// The versions that hosts keep of the plugins directory.
pub(super) fn store(config: &Config) -> Done<VersionStore> {
    let named = config.plugin.versions_dir.as_deref();
    VersionStore::existing(&config.plugins, named).map_err(|error| {
        Failure::unavailable(format!(
            "the versions of {} cannot be looked at: {error}: start a host first, and ask as the \
             user that it runs as",
            config.plugins.display()
        ))
    })
}

/// The plugin of the tenant with this name.
pub(super) fn id(config: &Config, args: &PluginArgs) -> PluginId {
    PluginId { tenant: config.tenant.clone(), name: args.name.clone() }
}

pub(in crate::commands) fn history(args: &PluginArgs, app: &App) -> Done {
    let (store, id) = (store(&app.config)?, id(&app.config, args));
    let (record, orders) = (store.record(&id), store.orders(&id));
    if record.history.is_empty() {
        return Err(Failure::usage(format!(
            "no version of {id} ever served: `zapjobs plugins list` shows what there is"
        )));
    }
    if app.output.json {
        let versions = record.history.iter().map(|version| {
            json!({
                "digest": version.digest, "accepted_at": version.accepted_at,
                "wants": version.wants, "jobs": version.jobs,
                "current": record.current == Some(version.digest),
                "pinned": orders.pinned == Some(version.digest),
                "kept": store.holds(version.digest),
            })
        });
        app.output.document(&json!({
            "tenant": id.tenant, "name": id.name, "versions": versions.collect::<Vec<_>>(),
            "turned_down": record.turned_down,
        }));
        return Ok(());
    }
    let rows = record.history.iter().map(|version| {
        let is = |it: Option<Digest>| it == Some(version.digest);
        let state = match (is(record.current), is(orders.pinned)) {
            (_, true) => "pinned",
            (true, false) => "serves",
            (false, false) if store.holds(version.digest) => "kept",
            (false, false) => "lost",
        };
        let wants = version.wants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let jobs = version.jobs.iter().map(|job| job.as_str()).collect::<Vec<_>>().join(", ");
        vec![
            (version.digest.to_string(), Some(Tone::Quiet)),
            (version.accepted_at.to_string(), None),
            (state.to_owned(), is(record.current).then_some(Tone::Good)),
            (if wants.is_empty() { "nothing".to_owned() } else { wants }, None),
            (jobs, None),
        ]
    });
    let header = ["SHA256", "ACCEPTED", "STATE", "WANTS", "SERVES"];
    app.output.line(table(app.output.in_color(), &header, rows));
    if let Some(turned_down) = &record.turned_down {
        app.output.note(format_args!("the file in the directory: {}", turned_down.reason));
    }
    Ok(())
}
