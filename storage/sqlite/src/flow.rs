//! Flow control: limits, what they hold, and slots.
//!
//! Triggers of the schema keep the table of runs in step, on every way a run goes: one that
//! becomes pending while a limit applies to it is held in its line, one that is neither pending
//! nor running gives its slots back, and one that is not held stands in no line.
//!
//! **Invariant:** whether a limit applies to a run is said once more in those triggers, as
//! `FlowLimits::gates` says it; the differential test holds them together.

mod admit;
mod change;

use async_trait::async_trait;
use rusqlite::types::Type;
use zapjobs_model::{FlowLimit, FlowLimits, LimitChange, LimitScope, Line};
use zapjobs_storage::{AdmitRequest, Admitted, FlowControl, LimitUse, Result, limit_uses};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::runs::rest_between_writes;
use crate::writer::WriteKind;

const LIMITS: &str = "SELECT scope, allows FROM {prefix}flow_limits";
const SETTLING: &str = "SELECT scope FROM {prefix}flow_limits WHERE is_settling = 1";
const IN_USE: &str = "SELECT gate, count(*) FROM {prefix}flow_slots GROUP BY gate";
const HELD: &str = "SELECT line, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_lines
    WHERE status = 7 AND line IS NOT NULL GROUP BY line";

#[async_trait]
impl FlowControl for SqliteStorage {
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>> {
        let kind = WriteKind::new("change the limit", 0);
        let within = scope.clone();
        let changed = self.write(kind, move |tx| change::change(tx, &within, &change)).await?;
        if changed.is_some() {
            loop {
                let within = scope.clone();
                if self.write(kind, move |tx| change::settle(tx, &within)).await? {
                    break;
                }
                rest_between_writes().await;
            }
        }
        Ok(changed)
    }

    async fn limits(&self) -> Result<Vec<LimitUse>> {
        self.read("list limits", |db| {
            let limits = limits(db)?;
            let in_use: Vec<(String, u64)> = pairs(db, IN_USE)?;
            let held = pairs(db, HELD)?.into_iter().map(|(line, count)| {
                Ok((line.parse().map_err(|_| DbError::corrupt("a line's name"))?, count))
            });
            let held: Vec<(Line, u64)> = held.collect::<DbResult<_>>()?;
            let in_use = in_use.iter().map(|(gate, count)| (gate.as_str(), *count));
            Ok(limit_uses(&limits, in_use, held.iter().map(|(line, count)| (line, *count))))
        })
        .await
    }

    async fn limits_in_force(&self) -> Result<FlowLimits> {
        self.read("read limits", limits).await
    }

    async fn admit(&self, request: AdmitRequest) -> Result<Admitted> {
        const OPERATION: &str = "admit held runs";
        // Looked at by a reader first, so that the writer is left alone where nothing is held.
        if let Some(nothing) = self.read(OPERATION, admit::need).await? {
            return Ok(nothing);
        }
        let kind = WriteKind::new(OPERATION, 0);
        self.write(kind, move |tx| admit::admit(tx, &request)).await
    }
}

/// The limits in force.
fn limits(db: &Db) -> DbResult<FlowLimits> {
    let mut statement = db.prepare(LIMITS)?;
    let rows = statement.query_map([], |row| {
        let (scope, allows): (String, String) = (row.get(0)?, row.get(1)?);
        let spoilt = |at| rusqlite::Error::InvalidColumnType(at, "a limit".to_owned(), Type::Text);
        let scope: LimitScope = scope.parse().map_err(|_| spoilt(0))?;
        let limit: FlowLimit = serde_json::from_str(&allows).map_err(|_| spoilt(1))?;
        Ok((scope, limit))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Scopes whose limit still has runs to hold that were ready before it.
fn settling(db: &Db) -> DbResult<Vec<LimitScope>> {
    let mut statement = db.prepare(SETTLING)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let scopes = rows.map(|scope| {
        scope?.parse().map_err(|_| DbError::corrupt("a limit's scope cannot be read"))
    });
    scopes.collect()
}

fn pairs(db: &Db, sql: &'static str) -> DbResult<Vec<(String, u64)>> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let rows = rows.map(|row| row.map(|(name, count)| (name, count.unsigned_abs())));
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
