//! Runs for a worker.
//!
//! One statement, or several where it finds runs that cannot be read, or too few candidates.

mod sql;

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::{Run, TenantId};
use zapjobs_storage::{ClaimRequest, ClaimedRun, Result, TenantSelection, TenantShare};

use crate::PostgresStorage;
use crate::lanes::queue_names;
use crate::quarantine::{Unreadable, is_of_record};
use crate::row::{Columns, read_claimed};
use crate::session::{Bound, Session};
use crate::storage::{row_limit, span_micros};

use sql::{CLAIM_ALL, CLAIM_LANE, CLAIM_QUEUES, CLAIM_SHARES, MORE_AT};

/// Statements in one claim at most: those that replace unreadable runs, and those that go on
/// where many lanes gave too few candidates.
const ROUNDS_MAX: usize = 100;
/// Bytes of inputs in one answer, about; the run that crosses it is the last. The statements
/// say it too.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Candidates of each lane, as a multiple of the runs wanted: others may have locked the first
/// ones. More where the first try finds nothing.
const CANDIDATES_PER_RUN: [i64; 2] = [4, 64];

impl PostgresStorage {
    pub(super) async fn claim_runs(
        &self,
        session: &mut Session<'_>,
        request: &ClaimRequest,
    ) -> Result<Vec<ClaimedRun>> {
        let mut claimed = Claimed::default();
        let [few, many] = CANDIDATES_PER_RUN;
        let mut candidates_per_run = few;
        for _ in 0..ROUNDS_MAX {
            let Some(query) = self.claim_query(request, &claimed, candidates_per_run) else {
                break;
            };
            let rows = match session.rows(query).await {
                Ok(rows) => rows,
                // What the statements before took is ours: it must reach the worker.
                Err(_) if !claimed.runs.is_empty() => break,
                Err(error) => return Err(error),
            };
            let before = claimed.runs.len();
            let (more, unreadable) = take(session, &rows, &mut claimed)?;
            if !unreadable.is_empty() {
                // Claimed like the others, and so nobody else's. Its place is filled up.
                self.set_aside(session, unreadable).await?;
            } else if !more {
                break;
            } else if claimed.runs.len() == before {
                // Others hold the first candidates, or there are none.
                if candidates_per_run == many {
                    break;
                }
                candidates_per_run = many;
            }
        }
        if !claimed.runs.is_empty() {
            self.events.changed();
        }
        Ok(claimed.in_order(request))
    }

    /// The statement for what is still wanted; `None` where that is nothing.
    fn claim_query(
        &self,
        request: &ClaimRequest,
        claimed: &Claimed,
        candidates_per_run: i64,
    ) -> Option<Bound> {
        let wanted = request.limit.saturating_sub(claimed.runs.len());
        if wanted == 0 || claimed.bytes > CLAIM_BYTES_MAX {
            return None;
        }
        let bind = |template| {
            let query = self.query(template).bind(request.worker.0);
            query.bind(span_micros(request.lease)).bind(row_limit(wanted))
        };
        let queues = queue_names(&request.queues);
        if queues.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        match (&request.tenants, queues) {
            (TenantSelection::All, None) => Some(bind(CLAIM_ALL)),
            (TenantSelection::All, Some(queues)) => {
                Some(bind(CLAIM_QUEUES).bind(queues).bind(candidates_per_run))
            }
            (TenantSelection::Shares(shares), Some(queues))
                if shares.len() == 1 && queues.len() == 1 =>
            {
                let TenantShare { tenant, limit } = &shares[0];
                let left = limit.saturating_sub(claimed.runs.len()).min(wanted);
                let query = self.query(CLAIM_LANE).bind(request.worker.0);
                let query = query.bind(span_micros(request.lease)).bind(row_limit(left));
                let query = query.bind(tenant.as_str().to_owned()).bind(queues.concat());
                Some(query).filter(|_| left > 0)
            }
            (TenantSelection::Shares(shares), queues) => {
                let (mut tenants, mut limits) = (Vec::new(), Vec::new());
                for TenantShare { tenant, limit } in shares {
                    let taken = claimed.by_tenant.get(tenant).copied().unwrap_or_default();
                    let left = limit.saturating_sub(taken).min(wanted);
                    if left > 0 {
                        tenants.push(tenant.as_str().to_owned());
                        limits.push(row_limit(left));
                    }
                }
                let query = bind(CLAIM_SHARES).bind(tenants.clone()).bind(limits);
                let query = query.bind(queues).bind(candidates_per_run);
                Some(query).filter(|_| !tenants.is_empty())
            }
        }
    }
}

/// What several statements took.
#[derive(Default)]
struct Claimed {
    runs: Vec<Run>,
    by_tenant: HashMap<TenantId, usize>,
    /// Of their inputs.
    bytes: usize,
}

impl Claimed {
    fn push(&mut self, run: Run) {
        self.bytes += run.input.as_str().len();
        *self.by_tenant.entry(run.tenant.clone()).or_default() += 1;
        self.runs.push(run);
    }

    /// In the order of the shares: what a later statement took stands behind the others.
    fn in_order(mut self, request: &ClaimRequest) -> Vec<ClaimedRun> {
        if let TenantSelection::Shares(shares) = &request.tenants {
            let places: HashMap<&TenantId, usize> =
                shares.iter().enumerate().map(|(place, share)| (&share.tenant, place)).collect();
            self.runs.sort_by_key(|run| places.get(&run.tenant).copied());
        }
        self.runs.into_iter().map(|run| ClaimedRun { run }).collect()
    }
}

/// Takes what one statement claimed: whether more may be pending, and what cannot be read.
fn take(
    session: &Session<'_>,
    rows: &[PgRow],
    claimed: &mut Claimed,
) -> Result<(bool, Unreadable)> {
    let mut more = false;
    let mut unreadable = Vec::new();
    for row in rows {
        more = session.told(Columns::from(row, MORE_AT).value())?;
        // Where nothing was claimed, there is a row all the same.
        let Some(id) = session.told(Columns::new(row).value::<Option<Uuid>>())? else { continue };
        match read_claimed(&mut Columns::new(row)) {
            Ok(run) => claimed.push(run),
            Err(error) if is_of_record(&error) => unreadable.push((id, error)),
            Err(error) => return session.told(Err(error)),
        }
    }
    Ok((more, unreadable))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod plans;
