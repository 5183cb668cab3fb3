//! Held runs are made pending as their gates have room.

use rusqlite::{OptionalExtension, params};
use zapjobs_model::flow::{Admission, GateUse, HeldLine, HeldRun, LINES_LOOKED_AT_MAX, Plan};
use zapjobs_model::{Line, Priority, RunId, Timestamp};
use zapjobs_storage::{AdmitRequest, Admitted, Notice};

use super::change::{TAKE, settle};
use super::{limits, settling};
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::runs::row_limit;
use crate::writer::Tx;

const NEED: &str = "SELECT EXISTS (SELECT 1 FROM {prefix}flow_limits),
    EXISTS (SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_lines
        WHERE status = 7 AND line IS NOT NULL)
    OR EXISTS (SELECT 1 FROM {prefix}flow_limits WHERE is_settling = 1)";
/// Lines by one seek each.
const LINES: &str = "WITH RECURSIVE lines (line) AS (
        SELECT min(line) FROM {prefix}runs INDEXED BY {prefix}runs_lines
            WHERE status = 7 AND line IS NOT NULL AND line > ?1
        UNION ALL
        SELECT (SELECT min(r.line) FROM {prefix}runs r INDEXED BY {prefix}runs_lines
            WHERE r.status = 7 AND r.line IS NOT NULL AND r.line > lines.line)
        FROM lines WHERE lines.line IS NOT NULL)
    SELECT line FROM lines WHERE line IS NOT NULL LIMIT ?2";
const HEADS: &str = "SELECT id, priority, due_at
    FROM {prefix}runs INDEXED BY {prefix}runs_lines
    WHERE status = 7 AND line IS NOT NULL AND line = ?1
    ORDER BY priority DESC, due_at, id LIMIT ?2";
const IN_USE: &str = "SELECT count(*) FROM {prefix}flow_slots WHERE gate = ?1";
const RATE: &str = "SELECT remembers FROM {prefix}flow_rates WHERE gate = ?1";
const PUT_RATE: &str = "INSERT OR REPLACE INTO {prefix}flow_rates (gate, remembers, forgets_at)
    VALUES (?1, ?2, ?3)";
const FORGET_RATES: &str = "DELETE FROM {prefix}flow_rates WHERE forgets_at <= ?1";
const LOOKED_UNTIL: &str = "SELECT line FROM {prefix}flow_look WHERE one = 1";
const NOTE_LOOK: &str = "INSERT OR REPLACE INTO {prefix}flow_look (one, line) VALUES (1, ?1)";
const ADMIT: &str = "UPDATE {prefix}runs SET status = 0, admitted = 1 WHERE id = ?1 AND status = 7";

/// What there is to do; nothing but an answer where no run is held.
pub(super) fn need(db: &Db) -> DbResult<Option<Admitted>> {
    let (has_limits, has_work): (bool, bool) =
        db.prepare(NEED)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((!has_work).then_some(Admitted { is_idle: !has_limits, ..Admitted::default() }))
}

pub(super) fn admit(tx: &mut Tx<'_>, request: &AdmitRequest) -> DbResult<Admitted> {
    let limits = limits(tx.db)?;
    let mut settling = settling(tx.db)?;
    if let Some(scope) = settling.pop()
        && !settle(tx, &scope)?
    {
        settling.push(scope);
    }
    tx.db.prepare(FORGET_RATES)?.execute([tx.now.as_micros()])?;
    let (lines, has_more_lines) = lines(tx.db)?;
    let lines: Vec<Line> = lines.into_iter().filter(|line| request.selects(line)).collect();
    let mut look = Admission::new(&limits, tx.now);
    for gate in look.gates(&lines) {
        // One that is not loaded is shut.
        if !settling.iter().any(|scope| scope.has_gate(&gate)) {
            look.load(&gate, used(tx.db, &gate)?);
        }
    }
    let mut held = Vec::with_capacity(lines.len());
    let wanted = look.heads_wanted(&lines, request.limit);
    for (line, wanted) in lines.into_iter().zip(wanted) {
        let heads = if wanted == 0 { Vec::new() } else { heads(tx.db, &line, wanted)? };
        held.push(HeldLine { line, wanted, heads });
    }
    let Plan { admitted, next_at, has_more } = look.admit(&held, request.limit);
    for (gate, state, forgets_at) in look.rates_used() {
        let remembers = serde_json::to_string(state).expect("plain data serialises");
        let row = params![gate, remembers, forgets_at.as_micros()];
        tx.db.prepare(PUT_RATE)?.execute(row)?;
    }
    let count = admitted.len();
    for run in admitted {
        let id = run.id.0.as_bytes();
        for gate in &run.slots {
            tx.db.prepare(TAKE)?.execute(params![gate, id])?;
        }
        tx.db.prepare(ADMIT)?.execute([id])?;
        tx.tell(Notice::Ready(run.queue));
    }
    Ok(Admitted {
        count,
        next_at,
        has_more: has_more || has_more_lines || !settling.is_empty(),
        is_idle: false,
    })
}

/// Lines behind the last look, going round; and whether there are more.
fn lines(db: &Db) -> DbResult<(Vec<Line>, bool)> {
    let until: Option<String> =
        db.prepare(LOOKED_UNTIL)?.query_row([], |row| row.get(0)).optional()?;
    let until = until.unwrap_or_default();
    let mut names = lines_behind(db, &until, LINES_LOOKED_AT_MAX + 1)?;
    if names.len() <= LINES_LOOKED_AT_MAX && !until.is_empty() {
        let before = lines_behind(db, "", LINES_LOOKED_AT_MAX + 1 - names.len())?;
        names.extend(before.into_iter().filter(|name| *name <= until));
    }
    let has_more = names.len() > LINES_LOOKED_AT_MAX;
    names.truncate(LINES_LOOKED_AT_MAX);
    // Where all lines are looked at, it does not matter where the next look begins.
    let last = names.last().filter(|_| has_more).cloned().unwrap_or_default();
    if last != until {
        db.prepare(NOTE_LOOK)?.execute([last])?;
    }
    let lines = names.iter().map(|name| name.parse().map_err(|_| corrupt(name)));
    Ok((lines.collect::<DbResult<_>>()?, has_more))
}

fn lines_behind(db: &Db, after: &str, limit: usize) -> DbResult<Vec<String>> {
    let mut statement = db.prepare(LINES)?;
    let rows = statement.query_map(params![after, row_limit(limit)], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn used(db: &Db, gate: &str) -> DbResult<GateUse> {
    let in_use: i64 = db.prepare(IN_USE)?.query_row([gate], |row| row.get(0))?;
    let rate: Option<String> = db.prepare(RATE)?.query_row([gate], |row| row.get(0)).optional()?;
    let rate = rate.map(|text| serde_json::from_str(&text)).transpose();
    let rate = rate.map_err(|_| DbError::corrupt(format!("what the rate of {gate} remembers")))?;
    Ok(GateUse { in_use: usize::try_from(in_use).unwrap_or(usize::MAX), rate })
}

fn heads(db: &Db, line: &Line, limit: usize) -> DbResult<Vec<HeldRun>> {
    let mut statement = db.prepare(HEADS)?;
    let mut rows = statement.query(params![line.to_string(), row_limit(limit)])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        let priority = Priority::new(row.get(1)?).map_err(|_| corrupt(&line.to_string()))?;
        heads.push(HeldRun {
            id: RunId(uuid::Uuid::from_bytes(row.get(0)?)),
            priority,
            due_at: Timestamp::from_micros(row.get(2)?),
        });
    }
    Ok(heads)
}

fn corrupt(line: &str) -> DbError {
    DbError::corrupt(format!("the line of held runs {line:?} cannot be read"))
}
