//! `zapjobs serve`: a host, from start to end.
//!
//! **Invariant:** no plugin can keep a host from starting or from serving the others; its
//! reason is told and the host goes on. Lines on stdout tell of plugins and of the host's own
//! life; the log on stderr tells of everything else.

mod http;
mod ready;
mod report;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use zapjobs_runtime::{
    Catalog, Host, HostOptions, PluginDirectory, PluginOptions, PluginReport, TenantPolicy,
    TrustedKeys, WebhookService,
};
use zapjobs_storage::Storage;

use super::App;
use super::signals::Signals;
use crate::args::ServeArgs;
use crate::config::{Config, quotas};
use crate::errors::{Code, Done, Failure};
use crate::output::Tone;
use crate::values::format_span;
use crate::{sandbox, storage};
use http::Http;
use ready::ReadyFile;
use report::report;

/// How long webhooks under way may take at shutdown; what was not recorded then is sent again.
const WEBHOOKS_END_WITHIN: Duration = Duration::from_secs(5);
/// Once attempts under way have ended, requests of the HTTP API get so much longer.
const HTTP_ENDS_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn serve(args: ServeArgs, app: App) -> Done {
    // From the first moment, so that no wish to stop is lost.
    let mut signals = Signals::listen()?;
    let ready_file = ReadyFile::at(args.ready_file)?;
    let tenants = quotas::read(app.config.quotas.as_deref())?;
    let storage = storage::open_for_host(&app.config).await?;
    let catalog = Arc::new(Catalog::new());
    let mut plugins = directory(&app.config, &tenants, &storage, &catalog)?;
    let reports = plugins.rescan().await?;
    let metrics = Arc::clone(&app.config.host.metrics);
    reports.iter().for_each(|it| report(app.output, &metrics, it));
    let http = Http::start(&app, &storage, &tenants, plugins.desk()).await?;
    let options = HostOptions { tenants, ..app.config.host.clone() };
    let host = Host::start(options, Arc::clone(&storage), Arc::clone(&catalog)).await?;
    let sender = sandbox::webhook_sender(&app.config)?;
    let webhooks = WebhookService::start(Arc::clone(&storage), sender);
    let place = plugins.path().to_owned();
    let stop_watching = CancellationToken::new();
    let output = app.output;
    let watch = tokio::spawn(plugins.watch(stop_watching.clone(), move |told| match told {
        Ok(told) => report(output, &metrics, &told),
        Err(error) => tracing::error!("{error}"),
    }));
    ready_file.write(&app.config, &place, &reports)?;
    say_ready(&app, &host, &place, &reports, http.as_ref());

    signals.next().await;
    stop_watching.cancel();
    http.iter().for_each(Http::stop);
    let ended = stop(&app, host, &mut signals).await;
    webhooks.stop(WEBHOOKS_END_WITHIN).await;
    if let Some(http) = http {
        http.ended(HTTP_ENDS_WITHIN).await;
    }
    ready_file.remove();
    // Its last round may be reading a large file; nothing of it counts any more.
    watch.abort();
    storage.close().await?;
    ended
}

fn directory(
    config: &Config,
    tenants: &TenantPolicy,
    storage: &Arc<dyn Storage>,
    catalog: &Arc<Catalog>,
) -> Done<PluginDirectory> {
    let keys = config.plugin.trusted_keys.iter().map(String::as_str);
    let options = PluginOptions {
        limits: config.host.limits,
        plugins_max: config.plugin.per_tenant_max,
        tenants: tenants.clone(),
        component_bytes_max: config.plugin.component_bytes_max,
        versions_dir: config.plugin.versions_dir.clone(),
        versions_kept: config.plugin.versions_kept,
        trusted_keys: TrustedKeys::read(keys).map_err(Failure::usage)?,
        schema_check: config.plugin.schema_check,
        retry_code: config.host.retry_code,
        ..PluginOptions::new(config.tenant.clone())
    };
    PluginDirectory::open(
        &config.plugins,
        options,
        sandbox::for_host(config)?,
        Arc::clone(storage),
        Arc::clone(catalog),
    )
    .map_err(|error| {
        Failure::unavailable(format!(
            "the plugins directory {} cannot be used: {error}",
            config.plugins.display()
        ))
    })
}

fn say_ready(
    app: &App,
    host: &Host,
    place: &std::path::Path,
    reports: &[PluginReport],
    http: Option<&Http>,
) {
    let (plugins, jobs) = report::serving(reports);
    let worker = host.worker();
    if app.output.json {
        let line = json!({
            "event": "ready", "storage": app.config.storage.to_string(), "plugins_dir": place,
            "worker": worker, "plugins": plugins, "jobs": jobs,
            "http": http.map(Http::address),
        });
        app.output.line_if_read(line);
        return;
    }
    let plural =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    app.output.line_if_read(format_args!(
        "{} serving {} with {} from {}, storage {} (Ctrl-C stops)",
        app.output.paint(Tone::Good, "ready:"),
        plural(plugins, "plugin"),
        plural(jobs, "job type"),
        place.display(),
        app.config.storage,
    ));
    if let Some(http) = http {
        app.output.note(format_args!("dashboard and HTTP API on http://{}", http.address()));
    }
    if app.config.storage.is_in_process() {
        app.output.note(
            "note: this storage lives in this process alone: only schedules start runs, and \
             nothing outlives it",
        );
    }
}

async fn stop(app: &App, host: Host, signals: &mut Signals) -> Done {
    let (running, drain) = (host.running(), app.config.drain);
    say_stopping(app, running, drain);
    let interrupted = tokio::select! {
        interrupted = host.shutdown(drain) => interrupted,
        () = signals.next() => {
            let message = "ended at once; attempts under way run again once their lease is over";
            return Err(Failure::new(Code::Interrupted, message));
        }
    };
    if app.output.json {
        app.output.line_if_read(json!({ "event": "stopped", "handed_back": interrupted }));
    } else if interrupted == 0 {
        app.output.line_if_read("stopped: nothing was interrupted");
    } else {
        app.output.line_if_read(format_args!(
            "stopped: {interrupted} handed back, their attempt unconsumed"
        ));
    }
    Ok(())
}

fn say_stopping(app: &App, running: usize, drain: Duration) {
    if app.output.json {
        app.output.line_if_read(json!({ "event": "stopping", "running": running }));
        return;
    }
    app.output.line_if_read(format_args!(
        "stopping: {running} under way may go on for {}; a second signal ends at once",
        format_span(drain)
    ));
}
