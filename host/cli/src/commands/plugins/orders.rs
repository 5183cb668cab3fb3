//! `zapjobs plugins approve`, `rollback`, `unpin` and `reset`: an operator's word against the
//! directory's. It is written down for the hosts that watch the directory.

use serde_json::json;
use zapjobs_model::Digest;
use zapjobs_runtime::{PluginId, PluginOrder};

use super::versions::{id, store};
use crate::args::{ApproveArgs, PluginArgs, RollbackArgs};
use crate::commands::App;
use crate::errors::Done;
use crate::output::plain;

pub(in crate::commands) fn approve(args: &ApproveArgs, app: &App) -> Done {
    let order = PluginOrder::Approve(args.digest.clone());
    give(app, &args.plugin, order, "approved", "may serve")
}

pub(in crate::commands) fn roll_back(args: &RollbackArgs, app: &App) -> Done {
    let order = PluginOrder::RollBack(args.to.clone());
    give(app, &args.plugin, order, "pinned", "serves until it is unpinned")
}

pub(in crate::commands) fn unpin(args: &PluginArgs, app: &App) -> Done {
    give(app, args, PluginOrder::Unpin, "unpinned", "gives way to the file in the directory")
}

pub(in crate::commands) fn reset(args: &PluginArgs, app: &App) -> Done {
    give(app, args, PluginOrder::Reset, "reset", "is in service again")
}

fn give(app: &App, args: &PluginArgs, order: PluginOrder, done: &str, consequence: &str) -> Done {
    let (store, id) = (store(&app.config)?, id(&app.config, args));
    let about = store.obey(&id, order)?;
    say(app, done, &id, about, consequence);
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
