//! `zapjobs runs cancel`.

use std::time::Instant;

use serde_json::json;
use zapjobs_model::RunStatus;
use zapjobs_runtime::WaitError;
use zapjobs_storage::{Alteration, CancelResult};

use super::bulk::alter_many;
use super::find::find;
use crate::args::CancelArgs;
use crate::commands::App;
use crate::errors::{Code, Done, Failure};
use crate::values::rounded_span;

pub(in crate::commands) async fn cancel(args: CancelArgs, app: App) -> Done {
    let Some(one) = args.select.one() else {
        return alter_many(args.select, args.wait, Alteration::Cancel, "cancelled", app).await;
    };
    let site = app.site().await?;
    let id = find(&*site, one).await?.id;
    let asked = Instant::now();
    let status = match site.cancel(id).await? {
        CancelResult::Cancelled => RunStatus::Cancelled,
        CancelResult::NotFound => return Err(WaitError::NotFound(id).into()),
        CancelResult::Finished(status) => {
            return Err(Failure::new(Code::Failed, format!("run {id} had ended: it is {status}")));
        }
        CancelResult::Requested if args.wait.wait => site.wait(id, args.wait.timeout).await?.status,
        CancelResult::Requested => RunStatus::Running,
    };
    let waited = asked.elapsed();
    site.close().await?;
    if app.output.json {
        let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        app.output.document(&json!({ "id": id, "status": status, "waited_us": waited_us }));
    } else if status == RunStatus::Running {
        app.output.line(format_args!("{id} is asked to stop"));
    } else {
        app.output.line(format_args!("{id} is {status} after {}", rounded_span(waited)));
    }
    Ok(())
}
