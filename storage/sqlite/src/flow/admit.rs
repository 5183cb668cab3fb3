//! Held runs are made pending as their gates have room.

use rusqlite::{CachedStatement, OptionalExtension, Row, params};
use zapjobs_model::flow::{
    Admission, GateAsked, GateUse, HeldLine, HeldRun, LINES_LOOKED_AT_MAX, Plan, first_looks,
};
use zapjobs_model::{LimitScope, Line, Priority, RunId, Timestamp};
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
/// The first runs of all lines together.
const FIRST_RUNS: &str = "SELECT id, priority, due_at, line
    FROM {prefix}runs INDEXED BY {prefix}runs_held_first
    WHERE status = 7 AND line IS NOT NULL ORDER BY priority DESC, due_at, id LIMIT ?1";
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
const ADMIT: &str = "UPDATE {prefix}runs SET status = 0, admitted = 1, line = NULL
    WHERE id = ?1 AND status = 7";

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
    let look = Admission::new(&limits, tx.now);
    let mut look = Look { db: tx.db, in_use: tx.db.prepare(IN_USE)?, look, settling: &settling };
    let (plan, has_more_lines) = match look.at_first(request)? {
        Some(plan) => (plan, false),
        None => look.at_lines(request)?,
    };
    let look = look.look;
    let Plan { admitted, next_at, has_more, .. } = plan;
    for (gate, state, forgets_at) in look.rates_used() {
        let remembers = serde_json::to_string(state).expect("plain data serialises");
        let row = params![gate, remembers, forgets_at.as_micros()];
        tx.db.prepare(PUT_RATE)?.execute(row)?;
    }
    let count = admitted.len();
    let (mut take, mut admit) = (tx.db.prepare(TAKE)?, tx.db.prepare(ADMIT)?);
    for run in admitted {
        let id = run.id.0.as_bytes();
        for gate in &run.slots {
            take.execute(params![gate, id])?;
        }
        admit.execute([id])?;
        tx.tell(Notice::Ready(run.queue));
    }
    Ok(Admitted {
        count,
        next_at,
        has_more: has_more || has_more_lines || !settling.is_empty(),
        is_idle: false,
    })
}

/// One look at what is held.
struct Look<'a, 'b> {
    db: &'a Db,
    /// [`IN_USE`], looked up once.
    in_use: CachedStatement<'a>,
    look: Admission<'b>,
    settling: &'b [LimitScope],
}

impl Look<'_, '_> {
    /// Reads what the gates of the lines met have in use.
    fn load(&mut self) -> DbResult<()> {
        for gate in self.look.gates_asked() {
            // One that is not loaded is shut.
            if !self.settling.iter().any(|scope| scope.has_gate(&gate.name)) {
                let used = self.used(&gate)?;
                self.look.load(&gate, used);
            }
        }
        Ok(())
    }

    fn used(&mut self, gate: &GateAsked) -> DbResult<GateUse> {
        let GateAsked { name, has_slots, has_rate, .. } = gate;
        let mut used = GateUse::default();
        if *has_slots {
            let in_use: i64 = self.in_use.query_row([name], |row| row.get(0))?;
            used.in_use = usize::try_from(in_use).unwrap_or(usize::MAX);
        }
        if *has_rate {
            let rate: Option<String> =
                self.db.prepare(RATE)?.query_row([name], |row| row.get(0)).optional()?;
            let rate = rate.map(|text| serde_json::from_str(&text)).transpose();
            used.rate =
                rate.map_err(|_| DbError::corrupt(format!("what the rate of {name} remembers")))?;
        }
        Ok(used)
    }

    /// Looks at the first runs of all lines, where these suffice.
    fn at_first(&mut self, request: &AdmitRequest) -> DbResult<Option<Plan>> {
        for wanted in first_looks(request.limit) {
            let first = first_runs(self.db, wanted)?;
            let selected = first.iter().filter(|(line, _)| request.selects(line));
            let runs: Vec<_> = selected.map(|(line, run)| (self.look.meet(line), *run)).collect();
            self.load()?;
            let plan = self.look.admit_first(&runs, request.limit);
            if plan.suffices(wanted, first.len()) {
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    /// Looks at the first runs of each line. Answers whether there are more lines.
    fn at_lines(&mut self, request: &AdmitRequest) -> DbResult<(Plan, bool)> {
        let (lines, has_more) = lines(self.db)?;
        let lines: Vec<Line> = lines.into_iter().filter(|line| request.selects(line)).collect();
        lines.iter().for_each(|line| _ = self.look.meet(line));
        self.load()?;
        let mut held = Vec::with_capacity(lines.len());
        let wanted = self.look.heads_wanted(&lines, request.limit);
        for (line, wanted) in lines.into_iter().zip(wanted) {
            let heads = if wanted == 0 { Vec::new() } else { heads(self.db, &line, wanted)? };
            held.push(HeldLine { line, wanted, heads });
        }
        Ok((self.look.admit(&held, request.limit), has_more))
    }
}

fn first_runs(db: &Db, limit: usize) -> DbResult<Vec<(Line, HeldRun)>> {
    let mut statement = db.prepare(FIRST_RUNS)?;
    let mut rows = statement.query([row_limit(limit)])?;
    let mut runs = Vec::with_capacity(limit);
    while let Some(row) = rows.next()? {
        let name = row.get_ref(3)?.as_str().map_err(|_| corrupt("no text"))?;
        runs.push((name.parse().map_err(|_| corrupt(name))?, held_run(row, name)?));
    }
    Ok(runs)
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

fn heads(db: &Db, line: &Line, limit: usize) -> DbResult<Vec<HeldRun>> {
    let mut statement = db.prepare(HEADS)?;
    let name = line.to_string();
    let mut rows = statement.query(params![name, row_limit(limit)])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(held_run(row, &name)?);
    }
    Ok(heads)
}

/// A run as the first three columns tell.
fn held_run(row: &Row<'_>, line: &str) -> DbResult<HeldRun> {
    Ok(HeldRun {
        id: RunId(uuid::Uuid::from_bytes(row.get(0)?)),
        priority: Priority::new(row.get(1)?).map_err(|_| corrupt(line))?,
        due_at: Timestamp::from_micros(row.get(2)?),
    })
}

fn corrupt(line: &str) -> DbError {
    DbError::corrupt(format!("the line of held runs {line:?} cannot be read"))
}
