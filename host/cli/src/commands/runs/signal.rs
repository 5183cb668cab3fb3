//! `zapjobs runs signal`.

use serde_json::json;
use zapjobs_runtime::{Client, WaitError};
use zapjobs_storage::SendSignalResult;

use super::find::find;
use crate::args::SignalArgs;
use crate::commands::{App, input};
use crate::errors::{Code, Done, Failure};
use crate::storage::open_existing;

pub(in crate::commands) async fn signal(args: SignalArgs, app: App) -> Done {
    let SignalArgs { id, name, payload } = args;
    let payload = input::read_as("--payload", &payload)?;
    let storage = open_existing(&app.config).await?;
    let run = find(&*app.site().await?, &id.run).await?.id;
    let refused = |message| Err(Failure::new(Code::Failed, message));
    let woke = match Client::new(storage.clone()).signal(run, &name, &payload).await? {
        SendSignalResult::Woke => true,
        SendSignalResult::Kept => false,
        SendSignalResult::NotFound => return Err(WaitError::NotFound(run).into()),
        SendSignalResult::Ended(status) => {
            return refused(format!("run {run} is {status}: it takes no signals any more"));
        }
        SendSignalResult::Full => {
            return refused(format!(
                "run {run} has as many signals to take as it may: wait until it has taken some"
            ));
        }
    };
    if app.output.json {
        app.output.document(&json!({ "id": run, "signal": name, "woke": woke }));
    } else if woke {
        app.output.line(format_args!("{run} waited for {name} and goes on"));
    } else {
        app.output.line(format_args!("{name} is kept for {run} until it waits for it"));
    }
    Ok(storage.close().await?)
}
