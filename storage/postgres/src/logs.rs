//! Logs of runs.

use async_trait::async_trait;
use uuid::Uuid;
use zapjobs_model::{Lease, LogEntry, LogLevel, LogLine, RunId};
use zapjobs_storage::{
    LogPage, LogPageRequest, Logs, PruneRequest, Result, check_batch, check_page,
};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::storage::row_limit;
use crate::text::to_stored;

/// The log of an unknown run would never be deleted. Runs are kept from being deleted
/// meanwhile, and entries written in one order.
const INSERT: &str = "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int2[],
            $6::text[], $7::text[], $8::text[]) WITH ORDINALITY
        AS t (id, lease, idx, at, level, category, message, fields, place)),
    known AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}runs
        WHERE id = ANY (ARRAY(SELECT DISTINCT id FROM given)) ORDER BY id FOR KEY SHARE)
    INSERT INTO {schema}.{prefix}logs (id, lease, idx, at, level, category, message, fields)
    SELECT id, lease, idx, at, level, category, message, fields FROM given JOIN known USING (id)
    ORDER BY id, lease, idx, place ON CONFLICT DO NOTHING";
const PAGE: &str = "SELECT lease, idx, at, level, category, message, fields
    FROM {schema}.{prefix}logs WHERE id = $1 AND (lease, idx) > ($2, $3)
    ORDER BY lease, idx LIMIT $4";

/// Entries by column.
#[derive(Default)]
struct Entries {
    ids: Vec<Uuid>,
    leases: Vec<i64>,
    indices: Vec<i64>,
    at: Vec<i64>,
    levels: Vec<i16>,
    categories: Vec<String>,
    messages: Vec<String>,
    fields: Vec<Option<String>>,
}

impl Entries {
    fn push(&mut self, entry: &LogEntry) {
        let line = &entry.line;
        self.ids.push(entry.run.0);
        self.leases.push(entry.lease.0.into());
        self.indices.push(entry.index.into());
        self.at.push(line.at.as_micros());
        self.levels.push(line.level.code().into());
        self.categories.push(to_stored(&line.category).into_owned());
        self.messages.push(to_stored(&line.message).into_owned());
        self.fields.push(line.fields.as_ref().map(|fields| fields.as_str().to_owned()));
    }
}

#[async_trait]
impl Logs for PostgresStorage {
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()> {
        const OPERATION: &str = "append to logs";
        check_batch(OPERATION, entries.len())?;
        let mut columns = Entries::default();
        entries.iter().for_each(|entry| columns.push(entry));
        let query = self.query(INSERT).bind(columns.ids).bind(columns.leases);
        let query = query.bind(columns.indices).bind(columns.at).bind(columns.levels);
        let query = query.bind(columns.categories).bind(columns.messages).bind(columns.fields);
        let mut session = self.session(OPERATION).await?;
        session.change(query).await?;
        self.events.changed();
        Ok(())
    }

    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage> {
        const OPERATION: &str = "read a log";
        check_page(OPERATION, request.limit)?;
        let (lease, index) =
            request.after.map_or((-1, -1), |(lease, index)| (i64::from(lease.0), i64::from(index)));
        let query = self.query(PAGE).bind(request.run.0).bind(lease).bind(index);
        let mut session = self.session(OPERATION).await?;
        let rows = session.rows(query.bind(row_limit(request.limit + 1))).await?;
        let has_more = rows.len() > request.limit;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows.iter().take(request.limit) {
            match read_entry(request.run, &mut Columns::new(row)) {
                Ok(entry) => entries.push(entry),
                Err(error) if is_of_record(&error) => {
                    tracing::error!(run = %request.run, ?error, "passed over an unreadable entry");
                }
                Err(error) => return session.told(Err(error)),
            }
        }
        Ok(LogPage { entries, has_more })
    }

    async fn prune_logs(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune logs";
        check_batch(OPERATION, request.limit)?;
        let mut session = self.session(OPERATION).await?;
        self.prune_entries(&mut session, request).await
    }
}

fn read_entry(run: RunId, columns: &mut Columns<'_>) -> DbResult<LogEntry> {
    Ok(LogEntry {
        run,
        lease: Lease(columns.count()?),
        index: columns.count()?,
        line: LogLine {
            at: columns.time()?,
            level: columns.code("log level", LogLevel::from_code)?,
            category: columns.text()?,
            message: columns.text()?,
            fields: columns.optional_json("fields")?,
        },
    })
}
