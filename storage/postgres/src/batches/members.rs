//! Runs that become members of batches as they are stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;
use zapjobs_model::{BatchId, NewRun, TenantId};
use zapjobs_storage::Result;

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::Stored;
use crate::session::Session;

/// Others may add members at the same time, but nobody closes the batch before the commit.
const LOCK_OPEN: &str = "SELECT id, tenant, is_closed FROM {schema}.{prefix}batches
    WHERE id = ANY ($1) ORDER BY id FOR SHARE";
const ADD: &str = "INSERT INTO {schema}.{prefix}batch_changes (batch, total, unfinished)
    SELECT batch, added, added FROM unnest($1::uuid[], $2::int4[]) AS t (batch, added)";

impl PostgresStorage {
    /// Locks the batches that runs are to be members of. Answers whose the open ones are.
    pub(crate) async fn lock_batches(
        &self,
        session: &mut Session<'_>,
        runs: &[NewRun],
    ) -> Result<HashMap<Uuid, TenantId>> {
        let wanted: HashSet<Uuid> =
            runs.iter().filter_map(|run| run.batch).map(|batch| batch.0).collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        self.lock_open(session, Vec::from_iter(wanted)).await
    }

    pub(super) async fn lock_open(
        &self,
        session: &mut Session<'_>,
        ids: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, TenantId>> {
        let rows = session.rows(self.query(LOCK_OPEN).bind(ids)).await?;
        let mut open = HashMap::new();
        for row in &rows {
            let mut columns = Columns::new(row);
            let read = (|| -> DbResult<(Uuid, TenantId, bool)> {
                Ok((columns.value()?, columns.name(TenantId::new)?, columns.value()?))
            })();
            let (id, tenant, is_closed) = session.told(read)?;
            if !is_closed {
                open.insert(id, tenant);
            }
        }
        Ok(open)
    }

    /// Counts the members that were stored; answers a batch that takes none of them.
    pub(crate) async fn count_members(
        &self,
        session: &mut Session<'_>,
        runs: &[NewRun],
        stored: &Stored,
        open: &HashMap<Uuid, TenantId>,
    ) -> Result<Option<BatchId>> {
        let mut added = BTreeMap::<Uuid, i32>::new();
        let mut seen = HashSet::with_capacity(runs.len());
        for run in runs.iter().filter(|run| seen.insert(run.id) && stored.holds(run.id)) {
            let Some(batch) = run.batch else { continue };
            if open.get(&batch.0).is_none_or(|tenant| *tenant != run.tenant) {
                return Ok(Some(batch));
            }
            *added.entry(batch.0).or_default() += 1;
        }
        if !added.is_empty() {
            let (batches, counts): (Vec<Uuid>, Vec<i32>) = added.into_iter().unzip();
            session.change(self.query(ADD).bind(batches).bind(counts)).await?;
        }
        Ok(None)
    }
}
