//! Logs of runs.

mod prune;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use zapjobs_model::{Lease, LogEntry, LogLevel, LogLine, RunId};
use zapjobs_storage::{
    LogPage, LogPageRequest, Logs, PruneRequest, Result, check_batch, check_page,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::runs::{LOG_ENTRIES_MAX, rest_between_writes, row_limit, stored_id};
use crate::writer::{Tx, WriteKind};

pub(crate) use prune::delete_oldest;

/// Bytes of a log entry beside its texts, about.
const ENTRY_BYTES: usize = 60;

const SEQ: &str = "SELECT seq FROM {prefix}runs WHERE id = ?1";
const INSERT: &str = "INSERT INTO {prefix}logs (seq, lease, idx, at, level, category, message,
        fields)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
const PAGE: &str = "SELECT lease, idx, at, level, category, message, fields FROM {prefix}logs
    WHERE seq = ?1 AND (lease, idx) > (?2, ?3) ORDER BY lease, idx LIMIT ?4";

#[async_trait]
impl Logs for SqliteStorage {
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()> {
        const OPERATION: &str = "append to logs";
        check_batch(OPERATION, entries.len())?;
        let bytes = entries.iter().map(|entry| ENTRY_BYTES + entry.line.message.len()).sum();
        let entries = entries.to_vec();
        self.write(WriteKind::new(OPERATION, bytes), move |tx| append(tx, &entries)).await
    }

    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage> {
        const OPERATION: &str = "read a log";
        check_page(OPERATION, request.limit)?;
        self.read(OPERATION, move |db| page(db, request)).await
    }

    async fn prune_logs(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune logs";
        check_batch(OPERATION, request.limit)?;
        let kind = WriteKind::new(OPERATION, 0);
        let mut pruned = 0;
        // Each write goes on behind the runs that the one before has looked at, so that it
        // ends. None is given up before an entry is found.
        while pruned < request.limit {
            let limit = (request.limit - pruned).min(LOG_ENTRIES_MAX);
            let part = PruneRequest { limit, ..request };
            let gone = self.write(kind, move |tx| prune::prune(tx, part)).await?;
            pruned += gone.entries;
            if !gone.has_more {
                break;
            }
            rest_between_writes().await;
        }
        Ok(pruned)
    }
}

fn append(tx: &mut Tx<'_>, entries: &[LogEntry]) -> DbResult<()> {
    // Entries come run by run, so that the last answer mostly serves the next.
    let mut known: Option<(RunId, Option<i64>)> = None;
    for entry in entries {
        let seq = match known {
            Some((run, seq)) if run == entry.run => seq,
            _ => seq_of(tx.db, entry.run)?,
        };
        known = Some((entry.run, seq));
        // The log of an unknown run would never be deleted.
        let Some(seq) = seq else { continue };
        tx.db.prepare(INSERT)?.execute(params![
            seq,
            entry.lease.0,
            entry.index,
            entry.line.at.as_micros(),
            entry.line.level.code(),
            entry.line.category,
            entry.line.message,
            entry.line.fields.as_ref().map(|fields| fields.as_str()),
        ])?;
    }
    Ok(())
}

fn seq_of(db: &Db, run: RunId) -> DbResult<Option<i64>> {
    let mut statement = db.prepare(SEQ)?;
    Ok(statement.query_row([stored_id(run)], |row| row.get(0)).optional()?)
}

fn page(db: &Db, request: LogPageRequest) -> DbResult<LogPage> {
    let mut page = LogPage { entries: Vec::new(), has_more: false };
    let Some(seq) = seq_of(db, request.run)? else { return Ok(page) };
    let (lease, index) =
        request.after.map_or((-1, -1), |(lease, index)| (i64::from(lease.0), i64::from(index)));
    let mut statement = db.prepare(PAGE)?;
    let mut rows = statement.query(params![seq, lease, index, row_limit(request.limit + 1)])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        if seen == request.limit {
            page.has_more = true;
            break;
        }
        seen += 1;
        let mut columns = Columns::new(row);
        match read_entry(request.run, &mut columns) {
            Ok(entry) => page.entries.push(entry),
            Err(error) if is_of_record(&error) => {
                tracing::error!(run = %request.run, ?error, "passed over an unreadable log entry");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(page)
}

fn read_entry(run: RunId, columns: &mut Columns<'_>) -> DbResult<LogEntry> {
    Ok(LogEntry {
        run,
        lease: Lease(columns.value()?),
        index: columns.value()?,
        line: LogLine {
            at: columns.time()?,
            level: columns.code("log level", LogLevel::from_code)?,
            category: columns.value()?,
            message: columns.value()?,
            fields: columns.optional_json("fields")?,
        },
    })
}
