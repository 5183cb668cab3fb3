//! `zapjobs dead retry`.

use zapjobs_storage::Alteration;

use super::only_failed;
use crate::args::DeadRetryArgs;
use crate::commands::runs::{alter, find};
use crate::commands::{App, input};
use crate::errors::{Done, Failure};

pub(in crate::commands) async fn retry(args: DeadRetryArgs, app: App) -> Done {
    let given = args.input.as_deref().map(input::read).transpose()?;
    if let Some(given) = &given {
        let [run] = args.select.runs.as_slice() else {
            return Err(Failure::usage("--input: name one run, which gets it"));
        };
        let site = app.submitting_site().await?;
        let run = find(&*site, run).await?;
        site.check_input(&run, given).await?;
        site.close().await?;
    }
    let select = only_failed(args.select)?;
    alter(select, Alteration::Requeue { input: given }, "pending again", app).await
}
