//! Running attempts: their leases, progress and wishes to stop.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use zapjobs_model::LeaseKey;
use zapjobs_storage::{LeaseState, ProgressUpdate};

use crate::db::Db;
use crate::error::DbResult;
use crate::outcomes::{OutcomeKey, write_counts, write_progress};
use crate::writer::Tx;

const HELD: &str = "SELECT seq, cancel_requested FROM {prefix}runs
    WHERE id = ?1 AND lease = ?2 AND status = 2";
const RENEW: &str = "UPDATE {prefix}runs SET lease_expires_at = ?3
    WHERE id = ?1 AND lease = ?2 AND status = 2";

/// A run that is running under the lease that was asked for.
struct Held {
    seq: i64,
    cancel_requested: bool,
}

fn held(db: &Db, key: LeaseKey) -> DbResult<Option<Held>> {
    let mut statement = db.prepare(HELD)?;
    let row = statement.query_row(params![key.run.0.as_bytes(), key.lease.0], |row| {
        Ok(Held { seq: row.get(0)?, cancel_requested: row.get(1)? })
    });
    Ok(row.optional()?)
}

pub(crate) fn renew(
    tx: &mut Tx<'_>,
    keys: &[LeaseKey],
    lease: Duration,
) -> DbResult<Vec<LeaseState>> {
    let expires_at = tx.now.plus(lease).as_micros();
    let mut states = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(Held { cancel_requested, .. }) = held(tx.db, *key)? else {
            states.push(LeaseState::Lost);
            continue;
        };
        let id = key.run.0.as_bytes();
        tx.db.prepare(RENEW)?.execute(params![id, key.lease.0, expires_at])?;
        states.push(LeaseState::Held { cancel_requested });
    }
    Ok(states)
}

pub(crate) fn cancel_requests(db: &Db, keys: &[LeaseKey]) -> DbResult<Vec<LeaseKey>> {
    let mut asked = Vec::new();
    for key in keys {
        if held(db, *key)?.is_some_and(|held| held.cancel_requested) {
            asked.push(*key);
        }
    }
    Ok(asked)
}

pub(crate) fn report_progress(tx: &mut Tx<'_>, updates: &[ProgressUpdate]) -> DbResult<()> {
    for update in updates {
        let Some(Held { seq, .. }) = held(tx.db, update.key)? else { continue };
        let key = OutcomeKey { seq, lease: update.key.lease };
        if let Some(progress) = &update.progress {
            write_progress(tx.db, key, progress)?;
        }
        if let Some(counts) = update.counts {
            write_counts(tx.db, key, counts)?;
        }
    }
    Ok(())
}
