//! `zapjobs runs retry`.

use serde_json::json;
use zapjobs_runtime::WaitError;
use zapjobs_storage::{Alteration, RequeueResult};

use super::bulk::alter_many;
use super::find::find;
use crate::args::RetryArgs;
use crate::commands::App;
use crate::commands::follow::follow_to_end;
use crate::errors::{Code, Done, Failure};

pub(in crate::commands) async fn retry(args: RetryArgs, app: App) -> Done {
    let RetryArgs { select, wait } = args;
    let Some(one) = select.one() else {
        let alteration = Alteration::Requeue { input: None };
        return alter_many(select, wait, alteration, "pending again", app).await;
    };
    let site = app.site().await?;
    let id = find(&*site, one).await?.id;
    match site.retry(id).await? {
        RequeueResult::Requeued => {}
        RequeueResult::NotFound => return Err(WaitError::NotFound(id).into()),
        RequeueResult::KeyHeld(holder) => {
            return Err(Failure::new(
                Code::Failed,
                format!(
                    "run {id} cannot run again now: run {holder} holds its key; wait until that \
                     has ended, or cancel it"
                ),
            ));
        }
        RequeueResult::NotRequeuable(status) => {
            return Err(Failure::new(
                Code::Failed,
                format!("run {id} is {status}: only failed and cancelled runs run again"),
            ));
        }
    }
    if wait.wait {
        follow_to_end(&app, &*site, id, wait.timeout).await?;
    } else if app.output.json {
        app.output.document(&json!({ "id": id, "status": "pending" }));
    } else {
        app.output.line(format_args!("{id} is pending again"));
    }
    site.close().await
}
