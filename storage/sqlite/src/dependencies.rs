//! Runs that wait for others.
//!
//! **Invariant:** a run that waits for others is held, and its edges go in the write that makes
//! it stand otherwise. An end is noted in the write that ends the run.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use zapjobs_model::workflow::{Condition, Dependency, Step};
use zapjobs_model::{Json, NewRun, RunError, RunId, RunStatus};
use zapjobs_storage::{
    Activity, AdvanceRequest, AdvanceResult, Dependencies, ENDS_MAX, EndedParent, Notice, Result,
    WaitingChild, check_advance,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::outcomes::{OutcomeKey, write_error};
use crate::row::Columns;
use crate::runs::{Standing, release_standing, row_limit, standing, stored_id};
use crate::writer::{Tx, WriteKind};

const IS_STORED: &str = "SELECT 1 FROM {prefix}runs WHERE id = ?1";
const LINK: &str = "INSERT INTO {prefix}dependencies (parent, child, on_code)
    VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const FOLLOW: &str = "UPDATE {prefix}runs SET followed = 1 WHERE id = ?1 AND followed = 0";
const NOTE_END: &str = "INSERT INTO {prefix}ends (run, status, noted_at)
    SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM {prefix}dependencies WHERE parent = ?1)
    ON CONFLICT DO NOTHING";
const TAKE_END_AWAY: &str = "DELETE FROM {prefix}ends WHERE run = ?1";
const CLEAR_END: &str = "DELETE FROM {prefix}ends WHERE run = ?1
    AND NOT EXISTS (SELECT 1 FROM {prefix}dependencies WHERE parent = ?1)";
const ENDS: &str = "SELECT run, status FROM {prefix}ends INDEXED BY {prefix}ends_in_order
    ORDER BY noted_at, run LIMIT ?1";
const END: &str = "SELECT status FROM {prefix}ends WHERE run = ?1";
const CHILDREN: &str = "SELECT child, on_code, (SELECT count(*) FROM {prefix}dependencies o
        WHERE o.child = d.child) - 1
    FROM {prefix}dependencies d WHERE parent = ?1 ORDER BY child LIMIT ?2";
const PARENTS: &str = "SELECT parent, on_code FROM {prefix}dependencies
    INDEXED BY {prefix}dependencies_of WHERE child = ?1 ORDER BY parent";
/// For how many runs a child waits, and whether this one is among them.
const EDGES: &str = "SELECT count(*), coalesce(max(parent = ?2), 0) FROM {prefix}dependencies
    INDEXED BY {prefix}dependencies_of WHERE child = ?1";
const CUT: &str = "DELETE FROM {prefix}dependencies WHERE parent = ?1 AND child = ?2";
const FORGET: &str = "DELETE FROM {prefix}dependencies WHERE child = ?1";
const SET_INPUT: &str = "UPDATE {prefix}inputs SET input = ?2 WHERE seq = ?1";
const END_WAITING: &str = "UPDATE {prefix}runs SET status = ?2, finished_at = ?3 WHERE id = ?1";

type StoredId = [u8; 16];

/// Refuses runs that wait for one that is neither stored nor in the batch. Of runs that are
/// stored already nothing is asked.
pub(crate) fn check_parents(db: &Db, batch: &[NewRun]) -> DbResult<()> {
    if batch.iter().all(|run| run.after.is_empty()) {
        return Ok(());
    }
    let ids: HashSet<RunId> = batch.iter().map(|run| run.id).collect();
    let mut is_stored = db.prepare(IS_STORED)?;
    let mut known = HashSet::new();
    let mut seen = HashSet::new();
    let first = batch.iter().filter(|run| seen.insert(run.id));
    for run in first.filter(|run| !run.after.is_empty()) {
        for of in run.after.iter().filter(|of| !ids.contains(&of.run)) {
            if known.contains(&of.run) || is_stored.exists([of.run.0.as_bytes()])? {
                known.insert(of.run);
            } else if !is_stored.exists([run.id.0.as_bytes()])? {
                return Err(DbError::unknown_parent(run.id, of.run));
            }
        }
    }
    Ok(())
}

/// Notes what a run waits for that was just stored, and which of these had ended before. All that
/// are stored with it are there.
pub(crate) fn link(tx: &mut Tx<'_>, run: &NewRun) -> DbResult<()> {
    let child = run.id.0.as_bytes();
    for of in &run.after {
        let parent = of.run.0.as_bytes();
        tx.db.prepare(LINK)?.execute(params![parent, child, of.on.code()])?;
        tx.db.prepare(FOLLOW)?.execute([parent])?;
        let status = standing(tx.db, parent)?.and_then(|standing| standing.status);
        if let Some(status) = status.filter(|status| status.is_final()) {
            note_end(tx, parent, status)?;
        }
    }
    Ok(())
}

/// Notes the end of a run that others may wait for.
pub(crate) fn note_end(tx: &mut Tx<'_>, run: &StoredId, status: RunStatus) -> DbResult<()> {
    let row = params![run, status.code(), tx.now.as_micros()];
    if tx.db.prepare(NOTE_END)?.execute(row)? > 0 {
        tx.tell(Notice::Ended);
    }
    Ok(())
}

/// The run has not ended after all.
pub(crate) fn take_end_away(tx: &Tx<'_>, run: &StoredId) -> DbResult<()> {
    tx.db.prepare(TAKE_END_AWAY)?.execute([run])?;
    Ok(())
}

/// The run waits for nothing more.
pub(crate) fn forget(tx: &Tx<'_>, child: &StoredId) -> DbResult<()> {
    tx.db.prepare(FORGET)?.execute([child])?;
    Ok(())
}

/// Whether a run waits for others.
pub(crate) fn waits(db: &Db, child: &StoredId) -> DbResult<bool> {
    Ok(edges(db, child, child)?.0 > 0)
}

fn edges(db: &Db, child: &StoredId, parent: &StoredId) -> DbResult<(i64, bool)> {
    let mut statement = db.prepare(EDGES)?;
    Ok(statement.query_row([child, parent], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

#[async_trait]
impl Dependencies for SqliteStorage {
    async fn ended_parents(&self, limit: usize) -> Result<Vec<EndedParent>> {
        let limit = limit.min(ENDS_MAX);
        self.read("list ends that runs wait for", move |db| ended_parents(db, limit)).await
    }

    async fn advance(&self, request: AdvanceRequest) -> Result<Vec<AdvanceResult>> {
        const OPERATION: &str = "advance runs that wait";
        check_advance(OPERATION, &request)?;
        self.write(WriteKind::new(OPERATION, 0), move |tx| advance(tx, &request)).await
    }

    async fn dependencies(&self, run: RunId) -> Result<Vec<Dependency>> {
        self.read("read what a run waits for", move |db| {
            let mut statement = db.prepare(PARENTS)?;
            let mut rows = statement.query([stored_id(run)])?;
            let mut parents = Vec::new();
            while let Some(row) = rows.next()? {
                let mut columns = Columns::new(row);
                let run = RunId(columns.uuid()?);
                parents
                    .push(Dependency { run, on: columns.code("condition", Condition::from_code)? });
            }
            Ok(parents)
        })
        .await
    }
}

fn ended_parents(db: &Db, limit: usize) -> DbResult<Vec<EndedParent>> {
    let mut ends = db.prepare(ENDS)?;
    let mut ends = ends.query([row_limit(limit)])?;
    let mut answer = Vec::new();
    let mut left = limit;
    while left > 0 {
        let Some(row) = ends.next()? else { break };
        let mut columns = Columns::new(row);
        let run = RunId(columns.uuid()?);
        let status = columns.code("status", RunStatus::from_code)?;
        let children = children(db, run, left)?;
        left -= children.len();
        answer.push(EndedParent { run, status, children });
    }
    Ok(answer)
}

fn children(db: &Db, parent: RunId, limit: usize) -> DbResult<Vec<WaitingChild>> {
    let mut statement = db.prepare(CHILDREN)?;
    let mut rows = statement.query(params![stored_id(parent), row_limit(limit)])?;
    let mut children = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        children.push(WaitingChild {
            run: RunId(columns.uuid()?),
            on: columns.code("condition", Condition::from_code)?,
            others: columns.bits()?,
        });
    }
    Ok(children)
}

fn advance(tx: &mut Tx<'_>, request: &AdvanceRequest) -> DbResult<Vec<AdvanceResult>> {
    let parent = request.parent.0.as_bytes();
    let noted: Option<i64> =
        tx.db.prepare(END)?.query_row([parent], |row| row.get(0)).optional()?;
    if noted != Some(request.status.code().into()) {
        return Ok(vec![AdvanceResult::Changed; request.steps.len()]);
    }
    let steps = request.steps.iter();
    let answers = steps
        .map(|(child, step)| advance_one(tx, parent, child.0.as_bytes(), step))
        .collect::<DbResult<_>>()?;
    tx.db.prepare(CLEAR_END)?.execute([parent])?;
    Ok(answers)
}

fn advance_one(
    tx: &mut Tx<'_>,
    parent: &StoredId,
    child: &StoredId,
    step: &Step,
) -> DbResult<AdvanceResult> {
    let (edges, is_awaited) = edges(tx.db, child, parent)?;
    if !is_awaited {
        return Ok(AdvanceResult::Gone);
    }
    let held = standing(tx.db, child)?.filter(|run| run.status == Some(RunStatus::Held));
    let has_others = edges > 1;
    match (held, step) {
        (None, _) => {
            tx.db.prepare(CUT)?.execute([parent, child])?;
            return Ok(AdvanceResult::Gone);
        }
        (_, Step::Wait) if !has_others => return Ok(AdvanceResult::Changed),
        (_, Step::Release { .. }) if has_others => return Ok(AdvanceResult::Changed),
        (_, Step::Wait) => {
            tx.db.prepare(CUT)?.execute([parent, child])?;
        }
        (Some(run), Step::Release { input }) => {
            tx.db.prepare(CUT)?.execute([parent, child])?;
            set_input(tx.db, &run, input.as_ref())?;
            release_standing(tx, child, &run)?;
        }
        (Some(run), Step::End { status, error }) => {
            forget(tx, child)?;
            end_waiting(tx, child, &run, *status, error)?;
        }
    }
    Ok(AdvanceResult::Done)
}

fn set_input(db: &Db, run: &Standing, input: Option<&Json>) -> DbResult<()> {
    if let Some(input) = input {
        db.prepare(SET_INPUT)?.execute(params![run.seq, input.as_str()])?;
    }
    Ok(())
}

fn end_waiting(
    tx: &mut Tx<'_>,
    id: &StoredId,
    run: &Standing,
    status: RunStatus,
    error: &RunError,
) -> DbResult<()> {
    tx.db.prepare(END_WAITING)?.execute(params![id, status.code(), tx.now.as_micros()])?;
    write_error(tx.db, OutcomeKey { seq: run.seq, lease: run.lease }, error)?;
    let activity = match status {
        RunStatus::Failed => Activity { failed: 1, ..Activity::default() },
        _ => Activity { cancelled: 1, ..Activity::default() },
    };
    tx.count(&run.tenant, &run.queue, &activity);
    if run.followed {
        note_end(tx, id, status)?;
    }
    Ok(())
}
