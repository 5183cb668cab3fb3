//! Flow control: limits, what they hold, and slots.
//!
//! Triggers of the schema keep the table of runs in step, on every way a run goes: one that
//! becomes pending while a limit applies to it is held in its line, one that is neither pending
//! nor running gives its slots back, and one that is not held stands in no line. The first is
//! enabled only while there are limits, so that a schema without any has nothing to do.
//!
//! **Invariant:** whoever changes limits or admits holds the one row of `flow_look` locked, and
//! takes it first: so two never admit against the same room.

mod admit;
mod change;

use async_trait::async_trait;
use zapjobs_model::{FlowLimit, FlowLimits, LimitChange, LimitScope, Line};
use zapjobs_storage::{AdmitRequest, Admitted, FlowControl, LimitUse, Result, limit_uses};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::row::Columns;
use crate::session::Session;

const LOOK: &str = "SELECT line FROM {schema}.{prefix}flow_look FOR UPDATE";
const LIMITS: &str = "SELECT scope, allows, is_settling FROM {schema}.{prefix}flow_limits";
const IN_USE: &str = "SELECT gate, count(*) FROM {schema}.{prefix}flow_slots GROUP BY gate";
const HELD: &str = "SELECT line, count(*) FROM {schema}.{prefix}runs
    WHERE status = 7 AND line IS NOT NULL GROUP BY line";

/// The limits in force, and the scopes that still have runs to hold that were ready before.
struct InForce {
    limits: FlowLimits,
    settling: Vec<LimitScope>,
}

#[async_trait]
impl FlowControl for PostgresStorage {
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>> {
        let mut session = self.session("change the limit").await?;
        let changed = self.write_limit(&mut session, scope, &change).await?;
        if changed.is_some() {
            while !self.settle_limit(&mut session, scope).await? {}
        }
        Ok(changed)
    }

    async fn limits(&self) -> Result<Vec<LimitUse>> {
        let mut session = self.session("list limits").await?;
        let InForce { limits, .. } = self.in_force(&mut session).await?;
        let in_use = self.pairs(&mut session, IN_USE).await?;
        let held = self.pairs(&mut session, HELD).await?;
        let lines = held.into_iter().map(|(name, count)| Ok((line(&name)?, count)));
        let held: Vec<(Line, u64)> = session.told(lines.collect())?;
        let in_use = in_use.iter().map(|(gate, count)| (gate.as_str(), *count));
        Ok(limit_uses(&limits, in_use, held.iter().map(|(line, count)| (line, *count))))
    }

    async fn limits_in_force(&self) -> Result<FlowLimits> {
        let mut session = self.session("read limits").await?;
        Ok(self.in_force(&mut session).await?.limits)
    }

    async fn admit(&self, request: AdmitRequest) -> Result<Admitted> {
        let mut session = self.session("admit held runs").await?;
        self.admit_held(&mut session, &request).await
    }
}

impl PostgresStorage {
    async fn in_force(&self, session: &mut Session<'_>) -> Result<InForce> {
        let rows = session.rows(self.query(LIMITS)).await?;
        let mut settling = Vec::new();
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let (scope, allows): (String, String) = (columns.value()?, columns.value()?);
            let spoilt = || DbError::corrupt(format!("the limit of {scope:?} cannot be read"));
            let read: LimitScope = scope.parse().map_err(|_| spoilt())?;
            let limit: FlowLimit = serde_json::from_str(&allows).map_err(|_| spoilt())?;
            if columns.value()? {
                settling.push(read.clone());
            }
            Ok((read, limit))
        });
        let limits = session.told(read.collect::<DbResult<_>>())?;
        Ok(InForce { limits, settling })
    }

    async fn pairs(
        &self,
        session: &mut Session<'_>,
        sql: &'static str,
    ) -> Result<Vec<(String, u64)>> {
        let rows = session.rows(self.query(sql)).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok((columns.value()?, columns.bits()?))
        });
        session.told(read.collect::<DbResult<_>>())
    }
}

fn line(name: &str) -> DbResult<Line> {
    let corrupt = |_| DbError::corrupt(format!("the line of held runs {name:?} cannot be read"));
    name.parse().map_err(corrupt)
}
