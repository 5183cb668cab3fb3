//! `zapjobs dead retry`.

use zapjobs_runtime::Client;
use zapjobs_storage::Alteration;

use super::only_failed;
use crate::args::DeadRetryArgs;
use crate::commands::runs::{alter, find};
use crate::commands::{App, input};
use crate::errors::{Done, Failure};
use crate::storage::open_existing;

pub(in crate::commands) async fn retry(args: DeadRetryArgs, app: App) -> Done {
    let given = args.input.as_deref().map(input::read).transpose()?;
    if let Some(given) = &given {
        let [run] = args.select.runs.as_slice() else {
            return Err(Failure::usage("--input: name one run, which gets it"));
        };
        let storage = open_existing(&app.config).await?;
        let run = find(&storage, &app.config.tenant, run).await?;
        let client = Client::new(storage.clone())
            .with_input_bytes_max(app.config.host.limits.input_bytes_max);
        client.check_input(&run, given).await?;
        storage.close().await?;
    }
    let select = only_failed(args.select)?;
    alter(select, Alteration::Requeue { input: given }, "pending again", app).await
}
