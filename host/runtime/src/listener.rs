//! Turns the storage's hints into wake-ups.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;
use zapjobs_model::LeaseKey;
use zapjobs_model::port::CancelReason;
use zapjobs_storage::{BATCH_MAX, Notice, Notices};

use crate::host_core::Core;

/// Listens until it is stopped or the storage is closed.
pub(crate) async fn listen(core: Arc<Core>, mut notices: Notices, stop: CancellationToken) {
    loop {
        let notice = tokio::select! {
            () = stop.cancelled() => return,
            notice = notices.next() => notice,
        };
        match notice {
            None => return,
            Some(Notice::Ready(_)) => core.ready.notify_one(),
            Some(Notice::Scheduled) => core.delayed.notify_one(),
            Some(Notice::Ended) => core.ended.notify_one(),
            Some(Notice::CancelRequested(run)) => {
                core.cancel_hints.fetch_add(1, Ordering::AcqRel);
                core.held.cancel(run, CancelReason::Requested);
            }
            Some(Notice::Events(_)) => {}
            Some(Notice::Resync) => {
                core.ready.notify_one();
                core.delayed.notify_one();
                core.ended.notify_one();
                core.cancel_hints.fetch_add(1, Ordering::AcqRel);
                check_cancellations(&core, &core.held.keys()).await;
            }
        }
    }
}

/// Looks whether someone asked for these attempts to stop, and tells them.
pub(crate) async fn check_cancellations(core: &Core, keys: &[LeaseKey]) {
    for keys in keys.chunks(BATCH_MAX) {
        match core.storage.cancel_requests(keys).await {
            Ok(asked) => {
                asked.iter().for_each(|key| core.held.cancel(key.run, CancelReason::Requested));
            }
            // The heartbeat's renewal tells of cancellations too.
            Err(error) => tracing::warn!(%error, "cancellations were not looked for"),
        }
    }
}
