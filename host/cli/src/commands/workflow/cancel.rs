//! `zapjobs workflow cancel`.

use serde_json::json;
use zapjobs_runtime::{CancelledWorkflow, Client};

use super::unknown;
use crate::args::WorkflowIdArgs;
use crate::commands::App;
use crate::errors::Done;
use crate::output::runs_are;
use crate::storage::open_existing;

pub(in crate::commands) async fn cancel(args: WorkflowIdArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let client = Client::new(storage.clone());
    let found = client.cancel_workflow(Some(&app.config.tenant), args.id).await?;
    let CancelledWorkflow { cancelled, asked } = found.ok_or_else(|| unknown(args.id))?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "id": args.id, "cancelled": cancelled, "asked": asked }));
    } else {
        let asked = runs_are(asked as u64, "asked to stop");
        app.output.line(format_args!("{}, {asked}", runs_are(cancelled as u64, "cancelled")));
    }
    Ok(())
}
