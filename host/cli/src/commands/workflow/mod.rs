//! `zapjobs workflow`: runs that follow each other.

mod cancel;
mod file;
mod run;
mod show;

pub(super) use cancel::cancel;
pub(super) use run::run;
pub(super) use show::show;

use std::sync::Arc;

use uuid::Uuid;
use zapjobs_model::{Run, RunStatus};
use zapjobs_runtime::workflow_tag;
use zapjobs_storage::{PAGE_MAX, RunFilter, RunPageRequest, Storage};

use super::App;
use crate::errors::{Done, Failure};

/// The tenant's runs of a workflow that stand so, in any way where none is named: in the order
/// of the nodes.
async fn runs_of(
    app: &App,
    storage: &Arc<dyn Storage>,
    id: Uuid,
    statuses: &[RunStatus],
) -> Done<Vec<Run>> {
    let filter = RunFilter {
        statuses: statuses.to_vec(),
        tenant: Some(app.config.tenant.clone()),
        tag: Some(workflow_tag(id)),
        ..RunFilter::default()
    };
    let mut request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
    let mut runs = Vec::new();
    loop {
        let page = storage.runs(request.clone()).await?;
        runs.extend(page.runs);
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    runs.reverse();
    Ok(runs)
}

fn unknown(id: Uuid) -> Failure {
    Failure::usage(format!("there is no workflow {id}: it was never stored, or its runs are gone"))
}
