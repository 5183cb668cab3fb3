//! Small duties beside the main line. Each is a `run_once` under one ticker, does bounded work
//! and answers when it wants to be called again.

mod advance;
mod age;
mod heartbeat;
mod note_status;
mod promote;
mod prune;
mod record;
mod rescue;
mod schedule;
mod settle_batches;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zapjobs_storage::Result;

use crate::host_core::Core;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use record::Record;

/// Pause after a service, or the storage under it, failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A duty that is done again and again.
#[async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// Does it once. Answers how long it may rest.
    async fn run_once(&self, core: &Core) -> Result<Duration>;

    /// Ends a rest early.
    async fn woken(&self, _core: &Core) {
        std::future::pending::<()>().await;
    }
}

/// Starts the services that a host stops first: heartbeat and record outlive them.
pub(crate) fn start(core: &Arc<Core>, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    spawn(promote::Promote, core, stop, tasks);
    spawn(rescue::Rescue, core, stop, tasks);
    spawn(schedule::FireSchedules::default(), core, stop, tasks);
    spawn(prune::Prune, core, stop, tasks);
    spawn(note_status::NoteStatus, core, stop, tasks);
    spawn(advance::Advance::default(), core, stop, tasks);
    spawn(settle_batches::SettleBatches, core, stop, tasks);
    if let Some(aging) = core.options.aging {
        spawn(age::Age(aging), core, stop, tasks);
    }
}

/// Starts one service.
pub(crate) fn spawn(
    service: impl Service,
    core: &Arc<Core>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    let (core, stop) = (Arc::clone(core), stop.clone());
    tasks.spawn(async move {
        while !stop.is_cancelled() {
            let woken = service.woken(&core);
            let rest = service.run_once(&core).await.unwrap_or_else(|error| {
                tracing::warn!(service = service.name(), %error, "will try again");
                PAUSE
            });
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    });
}
