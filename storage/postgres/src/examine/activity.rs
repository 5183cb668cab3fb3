//! What goes on in the database: what keeps old versions of rows, and what was set aside.

use sqlx::Row;
use zapjobs_storage::Finding;

use super::Examination;
use crate::error::DbResult;

/// Dead rows that are worth a word, where they are also more than half of the live ones.
const DEAD_ROWS_MAX: i64 = 50_000;
/// Transactions named at most.
const NAMED_MAX: usize = 5;

/// Transactions that have been open for so long are told.
const OPEN_MAX: &str = "5 minutes";

/// Transactions that have been open for long: no old version of a row that they might still
/// want is removed.
pub(super) async fn transactions(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    open_for(examination, OPEN_MAX).await
}

async fn open_for(examination: &mut Examination<'_>, max: &str) -> DbResult<Vec<Finding>> {
    const OPEN: &str = "SELECT format('process %s of user %s (%s), open for %s minutes', pid,
            usename, coalesce(nullif(application_name, ''), 'no name'),
            floor(extract(epoch FROM now() - xact_start) / 60))
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
            AND xact_start < clock_timestamp() - $1::text::interval
        ORDER BY xact_start";
    let rows = examination.rows(OPEN, &[max]).await?;
    let open: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(vec![if open.is_empty() {
        Finding::good("old transactions", "no transaction has been open for long")
    } else {
        Finding::warning(
            "old transactions",
            format!(
                "{} transaction(s) keep dead rows from being removed, and claims become slower: {}",
                open.len(),
                first(&open)
            ),
            "end them: SELECT pg_terminate_backend(process); and mend the program that left them \
             open",
        )
    }])
}

/// Transactions that were prepared and then forgotten.
pub(super) async fn prepared(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    prepared_for(examination, OPEN_MAX).await
}

async fn prepared_for(examination: &mut Examination<'_>, max: &str) -> DbResult<Vec<Finding>> {
    const PREPARED: &str = "SELECT gid FROM pg_prepared_xacts
        WHERE database = current_database() AND prepared < clock_timestamp() - $1::text::interval
        ORDER BY prepared";
    const SUBJECT: &str = "prepared transactions";
    let rows = examination.rows(PREPARED, &[max]).await?;
    let prepared: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(vec![if prepared.is_empty() {
        Finding::good(SUBJECT, "no prepared transaction has been left open")
    } else {
        let found = format!(
            "{} prepared transaction(s) hold their locks and keep dead rows: {}",
            prepared.len(),
            first(&prepared)
        );
        Finding::warning(SUBJECT, found, "COMMIT PREPARED or ROLLBACK PREPARED each of them")
    }])
}

fn first(all: &[String]) -> String {
    let named = all[..all.len().min(NAMED_MAX)].join("; ");
    match all.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

pub(super) async fn dead_rows(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const DEAD: &str = "SELECT n_live_tup, n_dead_tup,
            coalesce(greatest(last_vacuum, last_autovacuum)::text, 'never')
        FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = $2";
    let names = [examination.names.schema().to_owned(), examination.names.prefix().to_owned()];
    let row = examination.row(DEAD, &[&names[0], &format!("{}runs", names[1])]).await?;
    let (live, dead): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let found = format!(
        "table runs holds about {live} live and {dead} dead rows, vacuumed last: {}",
        row.try_get::<String, _>(2)?
    );
    Ok(vec![if dead > DEAD_ROWS_MAX && dead > live / 2 {
        let remedy = format!(
            "VACUUM (ANALYZE) {}; and see what holds autovacuum up",
            examination.table("runs")
        );
        Finding::warning("dead rows", found, remedy)
    } else {
        Finding::good("dead rows", found)
    }])
}

pub(super) async fn quarantine(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const COUNT: &str = "SELECT count(*) FROM {schema}.{prefix}quarantine q
        JOIN {schema}.{prefix}runs r ON r.id = q.id AND r.status = 99";
    let count: i64 = examination.row(COUNT, &[]).await?.try_get(0)?;
    Ok(vec![if count == 0 {
        Finding::good("quarantine", "no record was set aside")
    } else {
        Finding::warning(
            "quarantine",
            format!("{count} run(s) cannot be read and were set aside"),
            format!(
                "look at SELECT * FROM {}; mend each record and set runs.status back to the \
                 status that is noted there, or delete it",
                examination.table("quarantine")
            ),
        )
    }])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sqlx::{Connection, Executor};
    use zapjobs_services::{Postgres, PostgresSettings};
    use zapjobs_storage::Verdict;

    use super::*;
    use crate::options::PostgresOptions;

    /// Any transaction at all.
    const AT_ONCE: &str = "0 seconds";

    #[tokio::test]
    async fn transactions_left_open_or_prepared_are_named() {
        let server = Postgres::start(PostgresSettings {
            fsync: false,
            more: vec![("max_prepared_transactions".to_owned(), "2".to_owned())],
            ..PostgresSettings::default()
        });
        let server = server.unwrap();
        let options = PostgresOptions::new(server.url());
        let connect = async || super::super::reach(&options).await.unwrap();
        let (connection, mut other) = (connect().await, connect().await);
        let names = options.names();
        let mut examination = Examination { options: &options, names, connection };
        let open = open_for(&mut examination, AT_ONCE).await.unwrap();
        assert_eq!(open[0].verdict, Verdict::Good, "{open:?}");

        let mut tx = other.begin().await.unwrap();
        tx.execute("CREATE TABLE forgotten ()").await.unwrap();
        let open = open_for(&mut examination, AT_ONCE).await.unwrap();
        assert_eq!(open[0].verdict, Verdict::Warning);
        assert!(open[0].found.contains("user postgres (zapjobs)"), "{open:?}");
        let young = transactions(&mut examination).await.unwrap();
        assert_eq!(young[0].verdict, Verdict::Good, "not yet");

        tx.execute("PREPARE TRANSACTION 'left behind'").await.unwrap();
        let prepared = prepared_for(&mut examination, AT_ONCE).await.unwrap();
        assert_eq!(prepared[0].verdict, Verdict::Warning);
        assert!(prepared[0].found.contains("left behind"), "{prepared:?}");
    }
}
