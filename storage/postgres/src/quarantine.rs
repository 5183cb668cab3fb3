//! Records that cannot be read are set aside, so that no claim or sweep meets them again.
//!
//! **Invariant:** nothing of such a record is deleted: a person may look at it, mend it and set
//! its status back, which is noted beside the reason.

use uuid::Uuid;
use zapjobs_storage::{ErrorKind, Result};

use crate::error::DbError;
use crate::session::Session;
use crate::{PostgresStorage, text};

/// The status of a record that was set aside is 99. No index of claims or sweeps holds it.
const SET_ASIDE: &str = "WITH bad AS (
        SELECT r.id, r.status, t.reason FROM unnest($2::uuid[], $3::text[]) AS t (id, reason)
        JOIN {schema}.{prefix}runs r ON r.id = t.id WHERE r.status <> 99
        ORDER BY r.id FOR UPDATE OF r),
    noted AS (
        INSERT INTO {schema}.{prefix}quarantine (id, status, reason, quarantined_at)
        SELECT id, status, reason, {now} FROM bad
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason,
            quarantined_at = excluded.quarantined_at)
    UPDATE {schema}.{prefix}runs r SET status = 99 FROM bad WHERE r.id = bad.id";

/// Records and why they cannot be read.
pub(crate) type Unreadable = Vec<(Uuid, DbError)>;

impl PostgresStorage {
    /// Sets records aside.
    pub(crate) async fn set_aside(
        &self,
        session: &mut Session<'_>,
        unreadable: Unreadable,
    ) -> Result<()> {
        if unreadable.is_empty() {
            return Ok(());
        }
        let (mut ids, mut reasons) = (Vec::new(), Vec::new());
        for (id, error) in unreadable {
            let reason = error.describe("read a run").to_string();
            tracing::error!(run = %id, %reason, "set an unreadable run aside");
            ids.push(id);
            reasons.push(text::to_stored(&reason).into_owned());
        }
        session.change(self.query(SET_ASIDE).bind(ids).bind(reasons)).await?;
        Ok(())
    }
}

/// Whether an error is one of a record, not of the server.
pub(crate) fn is_of_record(error: &DbError) -> bool {
    error.kind() == ErrorKind::Corrupt
}
