//! Runs for a worker.
//!
//! All runs are one index in the order of claims: what others hold locked is passed over, and
//! the cost depends on the runs taken, not on how many wait. Of some queues or some tenants the
//! lanes are merged (see `lanes`): those that begin first give candidates, of which the first
//! are locked. The cost then depends on the lanes and the runs taken.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::{Run, TenantId};
use zapjobs_storage::{ClaimRequest, ClaimedRun, Result, TenantSelection, TenantShare};

use crate::PostgresStorage;
use crate::lanes::{first_of_lane, next_selected, next_tenant, queue_names};
use crate::quarantine::{Unreadable, is_of_record};
use crate::row::{Columns, claimed_columns, read_claimed};
use crate::session::{Bound, Session};
use crate::statistics::counting;
use crate::storage::{row_limit, span_micros};

/// Statements in one claim at most: those that replace unreadable runs, and those that go on
/// where many lanes gave too few candidates.
const ROUNDS_MAX: usize = 100;
/// Bytes of inputs in one answer, about; the run that crosses it is the last. The statements
/// below say it too.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Candidates of each lane, as a multiple of the runs wanted: others may have locked the first
/// ones. More where the first try finds nothing.
const CANDIDATES_PER_RUN: [i64; 2] = [4, 64];

/// Takes what was picked, as far as 64 MiB of input go, in an order. The last column says
/// whether more may be pending than was looked at.
macro_rules! take {
    ($pick:expr, $order:literal, $more:literal, $answer_order:literal) => {
        concat!(
            "WITH RECURSIVE ",
            $pick,
            ",
            fitting AS MATERIALIZED (
                SELECT id FROM (SELECT id, sum(input_bytes) OVER (ORDER BY ",
            $order,
            ") - input_bytes AS bytes_before
                    FROM picked) AS summed WHERE bytes_before <= 67108864),
            r AS (
                UPDATE {schema}.{prefix}runs taken SET status = 2, attempt = attempt + 1,
                    lease = lease + 1, worker = $2, started_at = {now},
                    lease_expires_at = {now+$3}
                WHERE taken.id = ANY (ARRAY(SELECT id FROM fitting)) RETURNING taken.*),
            counted AS (",
            counting!("started", "r"),
            ")
            SELECT ",
            claimed_columns!(),
            ", looked.more FROM (SELECT ",
            $more,
            " AS more) AS looked LEFT JOIN r ON true
            LEFT JOIN {schema}.{prefix}inputs i ON i.id = r.id
            ORDER BY ",
            $answer_order
        )
    };
}
/// Where the last column is: behind the run's own.
const MORE_AT: usize = 25;

/// From `lane`, with the run that goes first in each: `candidate`, the runs that may be among
/// the first `$wanted`, and `cut`, the last up to which that is certain, if there is one.
///
/// Only the `$wanted` lanes that begin first can hold any. Few give `$few` times what is wanted
/// each; of many, each gives less, for 4 times as much together.
macro_rules! merging {
    ($wanted:literal, $few:literal, $is_selected:literal) => {
        concat!(
            "beginning AS MATERIALIZED (
                SELECT tenant, queue, least(",
            $few,
            " * ",
            $wanted,
            ", ceil(4.0 * ",
            $few,
            " * ",
            $wanted,
            " / least(count(*) OVER (), ",
            $wanted,
            ")))::int8 AS part
                FROM lane WHERE ",
            $is_selected,
            " ORDER BY priority DESC, due_at, id LIMIT ",
            $wanted,
            "),
            candidate AS MATERIALIZED (
                SELECT c.rank, c.due_at, c.id, c.number = b.part AS is_last
                FROM beginning b CROSS JOIN LATERAL (
                    SELECT -w.priority::int4 AS rank, w.due_at, w.id, row_number() OVER (
                        ORDER BY w.tenant, w.queue, w.priority DESC, w.due_at, w.id) AS number
                    FROM {schema}.{prefix}runs w
                    WHERE w.status = 0 AND (w.tenant, w.queue) >= (b.tenant, b.queue)
                        AND (w.tenant, w.queue) <= (b.tenant, b.queue)
                    ORDER BY w.tenant, w.queue, w.priority DESC, w.due_at, w.id
                    LIMIT b.part) AS c),
            cut AS MATERIALIZED (
                SELECT rank, due_at, id FROM candidate WHERE is_last
                ORDER BY rank, due_at, id LIMIT 1)"
        )
    };
}

/// The ids of candidates up to the cut, as an array.
macro_rules! certain {
    () => {
        "ARRAY(SELECT c.id FROM candidate c LEFT JOIN cut k ON true
            WHERE k.id IS NULL OR (c.rank, c.due_at, c.id) <= (k.rank, k.due_at, k.id))"
    };
}

/// The first `$wanted` of the runs whose ids are in an array and that nobody else holds.
///
/// Not `status = 0`, nor in the order of an index: no other than that of ids is to be used.
macro_rules! locking {
    ($ids:expr, $wanted:literal) => {
        concat!(
            "SELECT p.id, p.priority, p.due_at, p.input_bytes FROM {schema}.{prefix}runs p
            WHERE p.status < 1 AND p.id = ANY (",
            $ids,
            ") ORDER BY -p.priority::int4, p.due_at, p.id LIMIT ",
            $wanted,
            " FOR UPDATE OF p SKIP LOCKED"
        )
    };
}

const CLAIM_ALL: &str = take!(
    "picked AS MATERIALIZED (
        SELECT id, priority, due_at, input_bytes FROM {schema}.{prefix}runs WHERE status = 0
        ORDER BY priority DESC, due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)",
    "priority DESC, due_at, id",
    "false",
    "r.priority DESC, r.due_at, r.id"
);
/// `$5` are the queues, `$6` the candidates for each run.
const CLAIM_QUEUES: &str = take!(
    concat!(
        "lane AS (
            SELECT h.* FROM ",
        first_of_lane!("''", "''"),
        " AS h
            UNION ALL
            SELECT n.* FROM lane l CROSS JOIN LATERAL ",
        first_of_lane!("l.tenant", next_selected!("$5")),
        " AS n), ",
        merging!("$4::int8", "$6::int8", "queue = ANY ($5)"),
        ", picked AS MATERIALIZED (",
        locking!(certain!(), "$4"),
        ")"
    ),
    "priority DESC, due_at, id",
    "CASE WHEN EXISTS (SELECT 1 FROM picked) THEN EXISTS (SELECT 1 FROM cut)
        ELSE EXISTS (SELECT 1 FROM candidate) END",
    "r.priority DESC, r.due_at, r.id"
);
/// `$5` are the tenants, `$6` their shares, `$7` the queues or nothing for all, `$8` the
/// candidates for each run. Tenants behind the last one that gets a run are not looked at.
const CLAIM_SHARES: &str = take!(
    concat!(
        "picked AS MATERIALIZED (
            SELECT s.place, p.*, found.is_cut
            FROM unnest($5::text[], $6::int8[]) WITH ORDINALITY AS s (tenant, share, place)
            CROSS JOIN LATERAL (
                WITH RECURSIVE lane AS (
                    SELECT h.* FROM ",
        first_of_lane!("s.tenant", "coalesce(($7::text[])[1], '')"),
        " AS h WHERE h.tenant = s.tenant
                    UNION ALL
                    SELECT n.* FROM lane l CROSS JOIN LATERAL ",
        first_of_lane!(
            "l.tenant",
            concat!(
                "CASE WHEN $7::text[] IS NULL THEN l.queue || chr(1) ELSE ",
                next_selected!("$7"),
                " END"
            )
        ),
        " AS n WHERE n.tenant = l.tenant), ",
        merging!("s.share", "$8::int8", "$7::text[] IS NULL OR queue = ANY ($7)"),
        " SELECT ",
        certain!(),
        " AS ids, EXISTS (SELECT 1 FROM cut) AS is_cut) AS found
            CROSS JOIN LATERAL (",
        locking!("found.ids", "s.share"),
        ") AS p
            ORDER BY s.place, p.priority DESC, p.due_at, p.id LIMIT $4)"
    ),
    "place, priority DESC, due_at, id",
    "coalesce((SELECT bool_or(is_cut) FROM picked), true)",
    "array_position($5::text[], r.tenant), r.priority DESC, r.due_at, r.id"
);

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
            let rows = session.rows(query).await?;
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
