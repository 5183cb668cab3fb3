//! `zapjobs workflow cancel`.

use serde_json::json;
use zapjobs_model::RunStatus;
use zapjobs_runtime::Client;
use zapjobs_storage::CancelResult;

use super::{runs_of, unknown};
use crate::args::WorkflowIdArgs;
use crate::commands::App;
use crate::errors::Done;
use crate::output::runs_are;
use crate::storage::open_existing;

/// What has not ended, those first that wait for others: they are then called off, not skipped.
const NOT_ENDED: [&[RunStatus]; 2] = [
    &[RunStatus::Held],
    &[RunStatus::Pending, RunStatus::Scheduled, RunStatus::AwaitingRetry, RunStatus::Running],
];

pub(in crate::commands) async fn cancel(args: WorkflowIdArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let client = Client::new(storage.clone());
    let (mut cancelled, mut asked, mut found) = (0_u64, 0_u64, 0_u64);
    for statuses in NOT_ENDED {
        for run in runs_of(&app, &storage, args.id, statuses).await? {
            found += 1;
            match client.cancel(run.id).await? {
                CancelResult::Cancelled => cancelled += 1,
                CancelResult::Requested => asked += 1,
                // It ended meanwhile.
                CancelResult::Finished(_) | CancelResult::NotFound => {}
            }
        }
    }
    if found == 0 && runs_of(&app, &storage, args.id, &[]).await?.is_empty() {
        return Err(unknown(args.id));
    }
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "id": args.id, "cancelled": cancelled, "asked": asked }));
    } else {
        let asked = runs_are(asked, "asked to stop");
        app.output.line(format_args!("{}, {asked}", runs_are(cancelled, "cancelled")));
    }
    Ok(())
}
