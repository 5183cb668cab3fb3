//! Runs that wait for others.
//!
//! **Invariant:** a run that waits for others is held, and its edges go in the transaction that
//! makes it stand otherwise. Who adds an edge to a run, ends it, or takes its noted end away
//! holds the lock of its row, so that no end is missed between.

mod advance;
mod link;

use async_trait::async_trait;
use uuid::Uuid;
use zapjobs_model::workflow::{Condition, Dependency};
use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{
    AdvanceRequest, AdvanceResult, Dependencies, ENDS_MAX, EndedParent, Result, WaitingChild,
    check_advance,
};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::session::Session;
use crate::storage::row_limit;

const ENDS: &str = "SELECT run, status FROM {schema}.{prefix}ends ORDER BY noted_at, run LIMIT $1";
const CHILDREN: &str = "SELECT d.child, d.on_code, (SELECT count(*)
        FROM {schema}.{prefix}dependencies o WHERE o.child = d.child) - 1
    FROM {schema}.{prefix}dependencies d WHERE d.parent = $1 ORDER BY d.child LIMIT $2";
const PARENTS: &str = "SELECT parent, on_code FROM {schema}.{prefix}dependencies
    WHERE child = $1 ORDER BY parent";

#[async_trait]
impl Dependencies for PostgresStorage {
    async fn ended_parents(&self, limit: usize) -> Result<Vec<EndedParent>> {
        let mut session = self.session("list ends that runs wait for").await?;
        let limit = limit.min(ENDS_MAX);
        let rows = session.rows(self.query(ENDS).bind(row_limit(limit))).await?;
        let mut answer = Vec::new();
        let mut left = limit;
        for row in &rows {
            if left == 0 {
                break;
            }
            let mut columns = Columns::new(row);
            let run = RunId(session.told(columns.value::<Uuid>())?);
            let status = session.told(columns.code("status", RunStatus::from_code))?;
            let children = self.children(&mut session, run, left).await?;
            left -= children.len();
            answer.push(EndedParent { run, status, children });
        }
        Ok(answer)
    }

    async fn advance(&self, request: AdvanceRequest) -> Result<Vec<AdvanceResult>> {
        const OPERATION: &str = "advance runs that wait";
        check_advance(OPERATION, &request)?;
        let mut session = self.session(OPERATION).await?;
        self.advance_children(&mut session, &request).await
    }

    async fn dependencies(&self, run: RunId) -> Result<Vec<Dependency>> {
        let mut session = self.session("read what a run waits for").await?;
        let rows = session.rows(self.query(PARENTS).bind(run.0)).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let run = RunId(columns.value()?);
            Ok(Dependency { run, on: columns.code("condition", Condition::from_code)? })
        });
        session.told(read.collect::<DbResult<_>>())
    }
}

impl PostgresStorage {
    async fn children(
        &self,
        session: &mut Session<'_>,
        parent: RunId,
        limit: usize,
    ) -> Result<Vec<WaitingChild>> {
        let query = self.query(CHILDREN).bind(parent.0).bind(row_limit(limit));
        let rows = session.rows(query).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok(WaitingChild {
                run: RunId(columns.value()?),
                on: columns.code("condition", Condition::from_code)?,
                others: columns.bits()?,
            })
        });
        session.told(read.collect::<DbResult<_>>())
    }
}
