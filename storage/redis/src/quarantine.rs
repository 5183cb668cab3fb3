//! Records that cannot be read are set aside, so that no claim or sweep meets them again.
//!
//! **Invariant:** nothing of such a record is deleted: a person may look at it, mend it and
//! enqueue it anew. Why it was set aside stands in the quarantine, by its id.

use zapjobs_model::RunId;
use zapjobs_storage::Result;

use crate::RedisStorage;
use crate::record::Unreadable;
use crate::script::SCRIPTS;

/// Sets a record aside.
pub(crate) async fn set_aside(
    s: &RedisStorage,
    run: RunId,
    Unreadable(reason): &Unreadable,
) -> Result<()> {
    tracing::error!(%run, %reason, "set an unreadable run aside");
    let mut call = s.run_call(&SCRIPTS.quarantine, [run].into_iter(), &[]);
    call.arg(reason);
    s.call("set an unreadable run aside", &call).await.map(drop)
}
