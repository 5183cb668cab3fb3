//! `zapjobs dead`: failed runs, by job and by what they failed of.

mod list;
mod retry;
mod show;

pub(super) use list::list;
pub(super) use retry::retry;
pub(super) use show::show;

use zapjobs_model::RunStatus;
use zapjobs_storage::Alteration;

use super::App;
use super::runs::alter;
use crate::args::SelectArgs;
use crate::errors::{Done, Failure};

/// Deletes failed runs.
pub(super) async fn discard(select: SelectArgs, app: App) -> Done {
    alter(only_failed(select)?, Alteration::Delete, "deleted", app).await
}

/// The same runs, as far as they failed.
fn only_failed(mut select: SelectArgs) -> Done<SelectArgs> {
    if select.status.iter().any(|status| *status != RunStatus::Failed) {
        return Err(Failure::usage("--status: `dead` is about failed runs; use `runs` for others"));
    }
    if !select.runs.is_empty() || select.has_filter() || select.all {
        select.status = vec![RunStatus::Failed];
    }
    Ok(select)
}
