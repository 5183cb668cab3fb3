//! Looks a storage over for operators: whether it can be reached, whether its schema is what
//! this program needs, and what on the server makes it slow or unsafe.
//!
//! **Invariant:** nothing is changed. What is made to compare with is rolled back.

mod activity;
mod drift;
mod server;
mod settings;

use std::time::{Duration, Instant};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::timeout;
use zapjobs_storage::{ErrorKind, Finding};

use crate::connections::connect;
use crate::error::{DbError, DbResult};
use crate::names::Names;
use crate::options::PostgresOptions;

/// Above this a round trip is felt: each operation takes at least one.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(20);
/// Round trips that are timed.
const ROUND_TRIPS: usize = 5;
/// How long the whole examination may take.
const EXAMINATION_MAX: Duration = Duration::from_secs(60);

/// Looks over the server and the schema that a storage with these options uses. Opens one
/// connection, changes nothing, and ends within a minute.
///
/// Each finding is one sentence with what mends it. The first says whether the server can be
/// reached; where it cannot, it is the only one.
pub async fn examine(options: &PostgresOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    if timeout(EXAMINATION_MAX, Box::pin(look_over(options, &mut findings))).await.is_err() {
        findings.push(Finding::problem(
            "examination",
            format!("the server did not answer all questions within {EXAMINATION_MAX:?}"),
            "look at the server's load and locks, then ask again",
        ));
    }
    findings
}

/// A connection, and what it is looked at for.
struct Examination<'a> {
    options: &'a PostgresOptions,
    names: Names,
    connection: PgConnection,
}

async fn look_over(options: &PostgresOptions, findings: &mut Vec<Finding>) {
    let connection = match reach(options).await {
        Ok(connection) => connection,
        Err(error) => return findings.push(unreached(&error)),
    };
    let mut examination = Examination { options, names: options.names(), connection };
    findings.extend(examination.told("round trip", round_trip).await);
    findings.extend(examination.told("server version", server::version).await);
    findings.extend(examination.told("role of the server", server::role).await);
    let (is_whole, schema) = server::schema(&mut examination).await;
    findings.push(schema);
    if is_whole {
        findings.extend(examination.told("rights", server::rights).await);
        findings.extend(drift::look(&mut examination).await);
    }
    findings.extend(examination.told("settings", settings::look).await);
    findings.extend(examination.told("connections", settings::connections).await);
    findings.extend(examination.told("old transactions", activity::transactions).await);
    findings.extend(examination.told("prepared transactions", activity::prepared).await);
    findings.extend(examination.told("clock", server::clock).await);
    if is_whole {
        findings.extend(examination.told("dead rows", activity::dead_rows).await);
        findings.extend(examination.told("quarantine", activity::quarantine).await);
    }
    // The answers are there: a farewell that fails tells nothing new.
    let _ = timeout(ROUND_TRIP_MAX, examination.connection.close()).await;
}

async fn reach(options: &PostgresOptions) -> DbResult<PgConnection> {
    connect(&options.checked()?, options.connect_timeout).await
}

fn unreached(error: &DbError) -> Finding {
    let remedy = match error.kind() {
        ErrorKind::Configuration => "correct the address, user, password, database or option",
        ErrorKind::Busy => "raise max_connections, or close connections that nobody needs",
        _ => "see that the server runs and that nothing between here and there blocks its port",
    };
    Finding::problem("reachable", error.describe("reach the server").to_string(), remedy)
}

async fn round_trip(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let began = Instant::now();
        examination.rows("SELECT 1", &[]).await?;
        times.push(began.elapsed());
    }
    times.sort();
    let median = times[ROUND_TRIPS / 2];
    let found = format!("the server answers, and a round trip takes {median:.1?}");
    Ok(vec![if median > ROUND_TRIP_MAX {
        let remedy = "run hosts nearer to the server: each operation takes at least one round trip";
        Finding::warning("reachable", found, remedy)
    } else {
        Finding::good("reachable", found)
    }])
}

impl Examination<'_> {
    /// What one look found; where it failed, that.
    async fn told(
        &mut self,
        subject: &str,
        look: impl AsyncFnOnce(&mut Self) -> DbResult<Vec<Finding>>,
    ) -> Vec<Finding> {
        match look(self).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::warning(
                subject,
                format!("it could not be looked at: {}", error.describe("ask the server")),
                "mend what the message says, then ask again",
            )],
        }
    }

    /// The rows of a question about names and other texts.
    async fn rows(&mut self, template: &str, texts: &[&str]) -> DbResult<Vec<PgRow>> {
        let mut query = sqlx::query(AssertSqlSafe(self.names.expand(template))).persistent(false);
        for text in texts {
            query = query.bind((*text).to_owned());
        }
        // In a transaction, as all that is not kept prepared: see `session`.
        let mut tx = self.connection.begin().await?;
        let rows = query.fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        Ok(rows)
    }

    /// The only row of a question.
    async fn row(&mut self, template: &str, texts: &[&str]) -> DbResult<PgRow> {
        let row = self.rows(template, texts).await?.pop();
        row.ok_or_else(|| DbError::corrupt("the server answered nothing"))
    }

    /// A table's name, as it stands in SQL.
    fn table(&self, name: &str) -> String {
        self.names.expand(&format!("{{schema}}.{{prefix}}{name}"))
    }
}
