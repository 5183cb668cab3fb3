//! `zapjobs plugins approve`, `rollback`, `unpin` and `reset`: an operator's word against the
//! directory's. It is written down for the hosts that watch the directory.

use serde_json::json;
use zapjobs_model::Digest;
use zapjobs_runtime::PluginId;

use super::versions::{digest, id, store};
use crate::args::{ApproveArgs, PluginArgs, RollbackArgs};
use crate::commands::App;
use crate::errors::Done;
use crate::output::plain;

pub(in crate::commands) fn approve(args: &ApproveArgs, app: &App) -> Done {
    let (store, id) = (store(&app.config)?, id(&app.config, &args.plugin));
    let record = store.record(&id);
    let named = args.digest.as_ref().map(|text| digest(text, &record)).transpose()?;
    let approved = store.approve(&id, named)?;
    say(app, "approved", &id, Some(approved), "may serve");
    Ok(())
}

pub(in crate::commands) fn roll_back(args: &RollbackArgs, app: &App) -> Done {
    let (store, id) = (store(&app.config)?, id(&app.config, &args.plugin));
    let record = store.record(&id);
    let to = args.to.as_ref().map(|text| digest(text, &record)).transpose()?;
    let pinned = store.roll_back(&id, to)?;
    say(app, "pinned", &id, Some(pinned), "serves until it is unpinned");
    Ok(())
}

pub(in crate::commands) fn unpin(args: &PluginArgs, app: &App) -> Done {
    let id = id(&app.config, args);
    let unpinned = store(&app.config)?.unpin(&id)?;
    say(app, "unpinned", &id, Some(unpinned), "gives way to the file in the directory");
    Ok(())
}

pub(in crate::commands) fn reset(args: &PluginArgs, app: &App) -> Done {
    let id = id(&app.config, args);
    store(&app.config)?.reset(&id)?;
    say(app, "reset", &id, None, "is in service again");
    Ok(())
}

fn say(app: &App, order: &str, id: &PluginId, digest: Option<Digest>, consequence: &str) {
    let PluginId { tenant, name } = id;
    if app.output.json {
        let document = json!({ "order": order, "tenant": tenant, "name": name, "digest": digest });
        return app.output.document(&document);
    }
    let version = digest.map_or_else(String::new, |digest| format!(" {}", digest.short()));
    app.output.line(format_args!("{order}: {}{version} {consequence}", plain(name)));
    app.output.note("hosts that watch the directory take it up within seconds");
}
