//! Records that cannot be read are set aside, so that no claim or sweep meets them again.
//!
//! **Invariant:** nothing of such a record is deleted: a person may look at it, mend it and set
//! its status back, which is noted beside the reason.

use rusqlite::params;
use zapjobs_model::RunId;

use crate::error::{DbError, DbResult};
use crate::writer::Tx;

/// The status of a record that was set aside. No index of claims or sweeps holds it.
const QUARANTINED: i64 = 99;

const NOTE: &str = "INSERT OR REPLACE INTO {prefix}quarantine (id, status, reason, quarantined_at)
    SELECT id, status, ?2, ?3 FROM {prefix}runs WHERE id = ?1 AND status <> ?4";
const SET_ASIDE: &str = "UPDATE {prefix}runs SET status = ?2 WHERE id = ?1";

/// Sets a record aside. `id` is as stored, for it may be what is wrong.
pub(crate) fn set_aside(tx: &mut Tx<'_>, id: &[u8], reason: &DbError) -> DbResult<()> {
    let reason = reason.describe("read a run").to_string();
    tracing::error!(run = %readable(id), %reason, "set an unreadable run aside");
    tx.db.prepare(NOTE)?.execute(params![id, reason, tx.now.as_micros(), QUARANTINED])?;
    tx.db.prepare(SET_ASIDE)?.execute(params![id, QUARANTINED])?;
    Ok(())
}

/// Whether an error is one of a record, not of the database.
pub(crate) fn is_of_record(error: &DbError) -> bool {
    match error {
        DbError::Told(kind, _) => *kind == zapjobs_storage::ErrorKind::Corrupt,
        // SQLite's own verdict on the file has a code; a value of the wrong type has none.
        DbError::Sql(error) => {
            error.sqlite_error_code().is_none()
                && !matches!(error, rusqlite::Error::QueryReturnedNoRows)
        }
    }
}

fn readable(id: &[u8]) -> String {
    match <[u8; 16]>::try_from(id) {
        Ok(bytes) => RunId(uuid::Uuid::from_bytes(bytes)).to_string(),
        Err(_) => format!("{id:02x?}"),
    }
}
