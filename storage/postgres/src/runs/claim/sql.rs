//! The statements that claim.
//!
//! All runs are one index in the order of claims: what others hold locked is passed over, and
//! the cost depends on the runs taken, not on how many wait. Of some queues or some tenants the
//! lanes are merged (see `lanes`): those that begin first give candidates, of which the first
//! are locked. The cost then depends on the lanes and the runs taken.

use crate::lanes::{first_of_lane, next_selected, next_tenant};
use crate::row::claimed_columns;
use crate::statistics::counting;

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
pub(super) const MORE_AT: usize = 29;

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

/// The ids of candidates up to the cut, in order, as an array.
macro_rules! certain {
    () => {
        "ARRAY(SELECT c.id FROM candidate c LEFT JOIN cut k ON true
            WHERE k.id IS NULL OR (c.rank, c.due_at, c.id) <= (k.rank, k.due_at, k.id)
            ORDER BY c.rank, c.due_at, c.id)"
    };
}

/// The first `$wanted` of the runs whose ids are in an array and that nobody else holds: each is
/// looked up by itself, until there are enough.
macro_rules! locking {
    ($ids:expr, $wanted:literal) => {
        concat!(
            "SELECT held.*, u.number FROM unnest(",
            $ids,
            ") WITH ORDINALITY AS u (id, number) CROSS JOIN LATERAL (
                SELECT p.id, p.priority, p.due_at, p.input_bytes FROM {schema}.{prefix}runs p
                WHERE p.id = u.id AND p.status < 1 FOR UPDATE SKIP LOCKED) AS held
            ORDER BY u.number LIMIT ",
            $wanted
        )
    };
}

pub(super) const CLAIM_ALL: &str = take!(
    "picked AS MATERIALIZED (
        SELECT id, priority, due_at, input_bytes FROM {schema}.{prefix}runs WHERE status = 0
        ORDER BY priority DESC, due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)",
    "priority DESC, due_at, id",
    "false",
    "r.priority DESC, r.due_at, r.id"
);
/// `$5` is the tenant, `$6` the queue: a lane is an index in the order of claims too. The values
/// are hidden from the planner, which else may well sort a whole lane that it takes to be short.
pub(super) const CLAIM_LANE: &str = take!(
    "lane AS MATERIALIZED (
        SELECT $5::text AS tenant, $6::text AS queue, $4::int8 AS wanted),
    picked AS MATERIALIZED (
        SELECT p.* FROM lane CROSS JOIN LATERAL (
            SELECT w.id, w.priority, w.due_at, w.input_bytes FROM {schema}.{prefix}runs w
            WHERE w.status = 0 AND (w.tenant, w.queue) >= (lane.tenant, lane.queue)
                AND (w.tenant, w.queue) <= (lane.tenant, lane.queue)
            ORDER BY w.tenant, w.queue, w.priority DESC, w.due_at, w.id
            LIMIT lane.wanted FOR UPDATE SKIP LOCKED) AS p)",
    "priority DESC, due_at, id",
    "false",
    "r.priority DESC, r.due_at, r.id"
);
/// `$5` are the queues, `$6` the candidates for each run.
pub(super) const CLAIM_QUEUES: &str = take!(
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
/// candidates for each run. Nothing is taken of tenants behind one whose candidates were too few:
/// its share goes first.
pub(super) const CLAIM_SHARES: &str = take!(
    concat!(
        "given AS MATERIALIZED (
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
        " AS ids, EXISTS (SELECT 1 FROM cut) AS has_cut) AS certain
            CROSS JOIN LATERAL (
                SELECT ids, has_cut AND cardinality(ids) < s.share AS is_cut) AS found
            CROSS JOIN LATERAL (",
        locking!("found.ids", "s.share"),
        ") AS p
            ORDER BY s.place, p.number LIMIT $4),
        picked AS MATERIALIZED (
            SELECT * FROM given WHERE place <= coalesce(
                (SELECT min(place) FROM given WHERE is_cut), 9223372036854775807))"
    ),
    "place, priority DESC, due_at, id",
    "coalesce((SELECT bool_or(is_cut) FROM picked), true)",
    "array_position($5::text[], r.tenant), r.priority DESC, r.due_at, r.id"
);
