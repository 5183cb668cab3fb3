//! `zapjobs batch wait`.

use zapjobs_runtime::{BatchWaitError, Client};

use super::{find, progress};
use crate::args::BatchWaitArgs;
use crate::commands::App;
use crate::errors::{Code, Done, Failure};
use crate::storage::open_existing;

pub(super) async fn wait(args: BatchWaitArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    find(&app, &storage, args.id).await?;
    let waited = Client::new(storage.clone()).wait_for_batch(args.id, args.timeout).await;
    let batch = waited.map_err(|error| {
        let code = match &error {
            BatchWaitError::TimedOut(_) => Code::Timeout,
            BatchWaitError::NotFound(_) => Code::Usage,
            BatchWaitError::Storage(_) => Code::Unavailable,
        };
        Failure::new(code, error.to_string())
    })?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&batch);
    } else {
        app.output.line(format_args!("{}: {}", batch.state(), progress(&batch)));
    }
    if batch.succeeded_at.is_some() {
        return Ok(());
    }
    Err(Failure::new(Code::Failed, format!("batch {} did not succeed", batch.id)))
}
