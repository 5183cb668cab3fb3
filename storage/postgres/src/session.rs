//! One operation on one connection.
//!
//! **Invariant:** the connection goes back only between statements and outside of a
//! transaction: a session that is dropped half-way closes it, and the server rolls back.
//!
//! A statement that is not kept prepared takes two messages, which a pool such as PgBouncer may
//! hand to two connections of the server: the second then runs whatever another client prepared
//! there. Such a statement is sent within a transaction of its own, which no pool splits.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, QueryBuilder};
use tokio::time::timeout;
use zapjobs_model::Timestamp;
use zapjobs_storage::{ErrorKind, Result};

use crate::PostgresStorage;
use crate::connections::{Connections, Held};
use crate::error::{DbError, DbResult};

/// How much longer than the server we wait, so that its own words arrive.
const SLACK: Duration = Duration::from_secs(2);

pub(crate) type Bound = Query<'static, Postgres, PgArguments>;

pub(crate) struct Session<'a> {
    operation: &'static str,
    storage: &'a PostgresStorage,
    /// `None` only while it is dropped.
    held: Option<Held>,
    /// Whether a statement or a transaction is under way.
    is_mid_way: bool,
    in_transaction: bool,
    /// Whether the transaction is for one statement only.
    is_for_one: bool,
}

impl PostgresStorage {
    /// A connection for one operation.
    pub(crate) async fn session(&self, operation: &'static str) -> Result<Session<'_>> {
        let held = self.connections.take().await.map_err(|error| error.describe(operation))?;
        Ok(Session {
            operation,
            storage: self,
            held: Some(held),
            is_mid_way: false,
            in_transaction: false,
            is_for_one: false,
        })
    }

    /// The statement of a template, with the injected instant bound where it wants one.
    pub(crate) fn query(&self, template: &'static str) -> Bound {
        let statement = self.names.statement(template);
        let query = sqlx::query(statement.sql).persistent(self.is_prepared());
        if statement.takes_now { query.bind(self.injected_now()) } else { query }
    }

    pub(crate) fn injected_now(&self) -> Option<i64> {
        self.options.clock.as_ref().map(|clock| clock.now().as_micros())
    }

    fn is_prepared(&self) -> bool {
        self.options.prepared_statements > 0
    }
}

impl Session<'_> {
    /// All rows of a statement.
    pub(crate) async fn rows(&mut self, query: Bound) -> Result<Vec<PgRow>> {
        self.before().await?;
        let result = self.timed(|connection| query.fetch_all(connection)).await;
        self.after(result).await
    }

    /// The row of a statement, if there is one.
    pub(crate) async fn row(&mut self, query: Bound) -> Result<Option<PgRow>> {
        self.before().await?;
        let result = self.timed(|connection| query.fetch_optional(connection)).await;
        self.after(result).await
    }

    /// How many rows a statement changed.
    pub(crate) async fn change(&mut self, query: Bound) -> Result<u64> {
        self.before().await?;
        let result = self.timed(|connection| query.execute(connection)).await;
        Ok(self.after(result).await?.rows_affected())
    }

    /// All rows of a query that was put together for this call.
    pub(crate) async fn composed(&mut self, query: QueryBuilder<Postgres>) -> Result<Vec<PgRow>> {
        let mut query = query;
        let built = query.build().persistent(self.storage.is_prepared());
        self.before().await?;
        let result = self.timed(|connection| built.fetch_all(connection)).await;
        self.after(result).await
    }

    /// Opens a transaction for one statement where it needs that.
    async fn before(&mut self) -> Result<()> {
        if self.storage.is_prepared() || self.in_transaction {
            return Ok(());
        }
        self.is_for_one = true;
        self.begin().await
    }

    /// Ends it.
    async fn after<T>(&mut self, result: Result<T>) -> Result<T> {
        if !std::mem::take(&mut self.is_for_one) || self.is_mid_way {
            return result;
        }
        match result {
            Ok(_) => self.commit().await?,
            Err(_) => self.roll_back().await?,
        }
        result
    }

    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.in_transaction = true;
        self.plain("BEGIN").await
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.plain("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        self.plain("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// The present instant: the injected one, or the server's.
    pub(crate) async fn now(&mut self) -> Result<Timestamp> {
        const NOW: &str = "SELECT {now}";
        if let Some(clock) = &self.storage.options.clock {
            return Ok(clock.now());
        }
        let row = self.row(self.storage.query(NOW)).await?;
        let micros = row.map(|row| crate::row::Columns::new(&row).value::<i64>()).transpose();
        let micros = micros.map_err(|error| error.describe(self.operation))?;
        Ok(Timestamp::from_micros(micros.unwrap_or_default()))
    }

    /// Names the operation in an error of a record.
    pub(crate) fn told<T>(&self, result: DbResult<T>) -> Result<T> {
        result.map_err(|error| error.describe(self.operation))
    }

    async fn plain(&mut self, sql: &'static str) -> Result<()> {
        self.timed(|connection| connection.execute(sqlx::raw_sql(AssertSqlSafe(sql)))).await?;
        Ok(())
    }

    async fn timed<'s, T, F>(&'s mut self, ask: impl FnOnce(&'s mut PgConnection) -> F) -> Result<T>
    where
        F: Future<Output = sqlx::Result<T>> + 's,
    {
        let within = self.storage.options.statement_timeout + SLACK;
        let held = self.held.as_mut().expect("it is taken only when the session is dropped");
        self.is_mid_way = true;
        let result = match timeout(within, ask(&mut held.connection)).await {
            Ok(result) => result.map_err(DbError::from),
            Err(_) => Err(DbError::timed_out("the statement")),
        };
        match result {
            Ok(answer) => {
                self.is_mid_way = false;
                Ok(answer)
            }
            Err(error) => {
                self.is_mid_way = !error.leaves_connection_usable();
                if error.kind() == ErrorKind::Unavailable {
                    self.storage.connections.forget_idle();
                }
                Err(error.describe(self.operation))
            }
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let connections: &Connections = &self.storage.connections;
        if let Some(held) = self.held.take()
            && !self.is_mid_way
            && !self.in_transaction
        {
            connections.give_back(held);
        }
    }
}
