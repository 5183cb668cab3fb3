//! Held runs are made pending as their gates have room.

use std::collections::{HashMap, HashSet};

use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::flow::{
    Admission, GateAsked, GateUse, HeldLine, HeldRun, LINES_LOOKED_AT_MAX, Plan, RateState,
    first_looks,
};
use zapjobs_model::{LimitScope, Line, Priority, RunId};
use zapjobs_storage::{AdmitRequest, Admitted, Result};

use super::change::TAKE;
use super::{InForce, LOOK, line};
use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::row::Columns;
use crate::session::Session;
use crate::storage::row_limit;

const NEED: &str = "SELECT EXISTS (SELECT 1 FROM {schema}.{prefix}flow_limits),
    EXISTS (SELECT 1 FROM {schema}.{prefix}runs WHERE status = 7 AND line IS NOT NULL)
    OR EXISTS (SELECT 1 FROM {schema}.{prefix}flow_limits WHERE is_settling)";
/// Lines by one seek each.
const LINES: &str = "WITH RECURSIVE lines (line) AS (
        SELECT min(line) FROM {schema}.{prefix}runs
            WHERE status = 7 AND line IS NOT NULL AND line > $1
        UNION ALL
        SELECT (SELECT min(r.line) FROM {schema}.{prefix}runs r
            WHERE r.status = 7 AND r.line IS NOT NULL AND r.line > lines.line)
        FROM lines WHERE lines.line IS NOT NULL)
    SELECT line FROM lines WHERE line IS NOT NULL LIMIT $2";
/// The first runs of all lines together. They are not locked, as below.
const FIRST_RUNS: &str = "SELECT line, id, priority, due_at FROM {schema}.{prefix}runs
    WHERE status = 7 AND line IS NOT NULL ORDER BY priority DESC, due_at, id LIMIT $1";
/// The first runs of each line. They are not locked, for most of them stay; [`ADMIT`] passes over
/// those that went elsewhere meanwhile.
const HEADS: &str = "SELECT wanted.line, head.* FROM unnest($1::text[], $2::int8[])
        AS wanted (line, count) CROSS JOIN LATERAL (
            SELECT id, priority, due_at FROM {schema}.{prefix}runs r
            WHERE r.status = 7 AND r.line IS NOT NULL AND r.line = wanted.line
            ORDER BY r.priority DESC, r.due_at, r.id LIMIT wanted.count) AS head";
const IN_USE: &str = "SELECT gate, count(*) FROM {schema}.{prefix}flow_slots
    WHERE gate = ANY ($1) GROUP BY gate";
const RATES: &str = "SELECT gate, remembers FROM {schema}.{prefix}flow_rates WHERE gate = ANY ($1)";
const PUT_RATES: &str = "INSERT INTO {schema}.{prefix}flow_rates (gate, remembers, forgets_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::int8[])
    ON CONFLICT (gate) DO UPDATE SET remembers = excluded.remembers,
        forgets_at = excluded.forgets_at";
const FORGET_RATES: &str = "DELETE FROM {schema}.{prefix}flow_rates WHERE forgets_at <= {now}";
const NOTE_LOOK: &str = "UPDATE {schema}.{prefix}flow_look SET line = $1";
const ADMIT: &str = "UPDATE {schema}.{prefix}runs SET status = 0, admitted = true, line = NULL
    WHERE id = ANY (ARRAY(SELECT id FROM {schema}.{prefix}runs
        WHERE id = ANY ($1) AND status = 7 ORDER BY id FOR UPDATE))
    RETURNING id";

impl PostgresStorage {
    pub(super) async fn admit_held(
        &self,
        session: &mut Session<'_>,
        request: &AdmitRequest,
    ) -> Result<Admitted> {
        let row = session.row(self.query(NEED)).await?;
        let need = row.map(|row| {
            let mut columns = Columns::new(&row);
            Ok((columns.value::<bool>()?, columns.value::<bool>()?))
        });
        let need: DbResult<_> = need.transpose();
        let (has_limits, has_work) = session.told(need)?.unwrap_or_default();
        if !has_work {
            return Ok(Admitted { is_idle: !has_limits, ..Admitted::default() });
        }
        session.begin().await?;
        let (admitted, plan) = self.admit_within(session, request).await?;
        session.commit().await?;
        for run in &plan.admitted {
            self.events.ready(&run.queue);
        }
        Ok(admitted)
    }

    async fn admit_within(
        &self,
        session: &mut Session<'_>,
        request: &AdmitRequest,
    ) -> Result<(Admitted, Plan)> {
        let until = session.row(self.query(LOOK)).await?;
        let until = until.map(|row| Columns::new(&row).value::<String>()).transpose();
        let until = session.told(until)?.unwrap_or_default();
        let now = session.now().await?;
        let InForce { limits, mut settling } = self.in_force(session).await?;
        if let Some(scope) = settling.pop()
            && !self.settle_within(session, &scope).await?
        {
            settling.push(scope);
        }
        session.change(self.query(FORGET_RATES)).await?;
        let mut look = Look { look: Admission::new(&limits, now), settling: &settling };
        let (plan, has_more_lines) = match self.look_at_first(session, &mut look, request).await? {
            Some(plan) => (plan, false),
            None => self.look_at_lines(session, &mut look, request, until).await?,
        };
        let look = look.look;
        self.write_rates(session, &look).await?;
        let count = self.write_admitted(session, &plan).await?;
        let answer = Admitted {
            count,
            next_at: plan.next_at,
            has_more: plan.has_more || has_more_lines || !settling.is_empty(),
            is_idle: false,
        };
        Ok((answer, plan))
    }

    /// Looks at the first runs of all lines, where these suffice.
    async fn look_at_first(
        &self,
        session: &mut Session<'_>,
        look: &mut Look<'_>,
        request: &AdmitRequest,
    ) -> Result<Option<Plan>> {
        for wanted in first_looks(request.limit) {
            let first = self.first_runs(session, wanted).await?;
            let selected = first.iter().filter(|(line, _)| request.selects(line));
            let runs: Vec<_> = selected.map(|(line, run)| (look.look.meet(line), *run)).collect();
            self.load(session, look).await?;
            let plan = look.look.admit_first(&runs, request.limit);
            if plan.suffices(wanted, first.len()) {
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    /// Looks at the first runs of each line. Answers whether there are more lines.
    async fn look_at_lines(
        &self,
        session: &mut Session<'_>,
        look: &mut Look<'_>,
        request: &AdmitRequest,
        until: String,
    ) -> Result<(Plan, bool)> {
        let (lines, has_more) = self.lines(session, until).await?;
        let lines: Vec<Line> = lines.into_iter().filter(|line| request.selects(line)).collect();
        lines.iter().for_each(|line| _ = look.look.meet(line));
        self.load(session, look).await?;
        let wanted = look.look.heads_wanted(&lines, request.limit);
        let held = self.heads(session, lines, wanted).await?;
        Ok((look.look.admit(&held, request.limit), has_more))
    }

    async fn first_runs(
        &self,
        session: &mut Session<'_>,
        limit: usize,
    ) -> Result<Vec<(Line, HeldRun)>> {
        let rows = session.rows(self.query(FIRST_RUNS).bind(row_limit(limit))).await?;
        let read = rows.iter().map(|row| {
            let (name, run) = held_run(row)?;
            Ok((line(&name)?, run))
        });
        session.told(read.collect::<DbResult<_>>())
    }

    /// Lines behind the last look, going round; and whether there are more.
    async fn lines(&self, session: &mut Session<'_>, until: String) -> Result<(Vec<Line>, bool)> {
        const MAX: usize = LINES_LOOKED_AT_MAX;
        let mut names = self.lines_behind(session, &until, MAX + 1).await?;
        if names.len() <= MAX && !until.is_empty() {
            let before = self.lines_behind(session, "", MAX + 1 - names.len()).await?;
            names.extend(before.into_iter().filter(|name| *name <= until));
        }
        let has_more = names.len() > MAX;
        names.truncate(MAX);
        // Where all lines are looked at, it does not matter where the next look begins.
        let last = names.last().filter(|_| has_more).cloned().unwrap_or_default();
        if last != until {
            session.change(self.query(NOTE_LOOK).bind(last)).await?;
        }
        let lines = names.iter().map(|name| line(name));
        Ok((session.told(lines.collect::<DbResult<_>>())?, has_more))
    }

    async fn lines_behind(
        &self,
        session: &mut Session<'_>,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>> {
        let query = self.query(LINES).bind(after.to_owned()).bind(row_limit(limit));
        let rows = session.rows(query).await?;
        let names = rows.iter().map(|row| Columns::new(row).value());
        session.told(names.collect::<DbResult<_>>())
    }

    /// Reads what the gates of the lines met have in use.
    async fn load(&self, session: &mut Session<'_>, look: &mut Look<'_>) -> Result<()> {
        let mut gates = look.look.gates_asked();
        // One that is not loaded is shut.
        gates.retain(|gate| !look.settling.iter().any(|scope| scope.has_gate(&gate.name)));
        let names = |is_asked: fn(&GateAsked) -> bool| -> Vec<String> {
            let asked = gates.iter().filter(|gate| is_asked(gate));
            asked.map(|gate| gate.name.to_string()).collect()
        };
        let mut used: HashMap<String, GateUse> = HashMap::new();
        let counted = names(|gate| gate.has_slots);
        if !counted.is_empty() {
            for row in &session.rows(self.query(IN_USE).bind(counted)).await? {
                let mut columns = Columns::new(row);
                let read = columns.value().and_then(|gate| Ok((gate, columns.bits()?)));
                let (gate, in_use): (String, u64) = session.told(read)?;
                used.entry(gate).or_default().in_use =
                    usize::try_from(in_use).unwrap_or(usize::MAX);
            }
        }
        let rated = names(|gate| gate.has_rate);
        if !rated.is_empty() {
            for row in &session.rows(self.query(RATES).bind(rated)).await? {
                let (gate, rate) = session.told(rate(row))?;
                used.entry(gate).or_default().rate = Some(rate);
            }
        }
        for gate in gates {
            look.look.load(&gate, used.remove(&*gate.name).unwrap_or_default());
        }
        Ok(())
    }

    async fn heads(
        &self,
        session: &mut Session<'_>,
        lines: Vec<Line>,
        wanted: Vec<usize>,
    ) -> Result<Vec<HeldLine>> {
        let (names, counts): (Vec<String>, Vec<i64>) = lines
            .iter()
            .zip(&wanted)
            .filter(|(_, wanted)| **wanted > 0)
            .map(|(line, wanted)| (line.to_string(), row_limit(*wanted)))
            .unzip();
        let mut heads: HashMap<String, Vec<HeldRun>> = HashMap::new();
        let rows = match names.is_empty() {
            true => Vec::new(),
            false => session.rows(self.query(HEADS).bind(names).bind(counts)).await?,
        };
        for row in &rows {
            let (line, head) = session.told(held_run(row))?;
            heads.entry(line).or_default().push(head);
        }
        let lines = lines.into_iter().zip(wanted).map(|(line, wanted)| {
            let heads = heads.remove(&line.to_string()).unwrap_or_default();
            HeldLine { line, wanted, heads }
        });
        Ok(lines.collect())
    }

    async fn write_rates(&self, session: &mut Session<'_>, look: &Admission<'_>) -> Result<()> {
        let (mut gates, mut remembers, mut forgets_at) = (Vec::new(), Vec::new(), Vec::new());
        for (gate, state, at) in look.rates_used() {
            gates.push(gate.to_owned());
            remembers.push(serde_json::to_string(state).expect("plain data serialises"));
            forgets_at.push(at.as_micros());
        }
        if !gates.is_empty() {
            let query = self.query(PUT_RATES).bind(gates).bind(remembers).bind(forgets_at);
            session.change(query).await?;
        }
        Ok(())
    }

    /// Answers how many went.
    async fn write_admitted(&self, session: &mut Session<'_>, plan: &Plan) -> Result<usize> {
        if plan.admitted.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = plan.admitted.iter().map(|run| run.id.0).collect();
        let rows = session.rows(self.query(ADMIT).bind(ids)).await?;
        let went = rows.iter().map(|row| Columns::new(row).value::<Uuid>());
        let went: HashSet<Uuid> = session.told(went.collect::<DbResult<_>>())?;
        let went_of_plan = plan.admitted.iter().filter(|run| went.contains(&run.id.0));
        let slots =
            went_of_plan.flat_map(|run| run.slots.iter().map(|gate| (gate.to_string(), run.id.0)));
        let (gates, takers): (Vec<String>, Vec<Uuid>) = slots.unzip();
        session.change(self.query(TAKE).bind(gates).bind(takers)).await?;
        Ok(went.len())
    }
}

/// One look at what is held.
struct Look<'a> {
    look: Admission<'a>,
    settling: &'a [LimitScope],
}

/// A run with the name of its line.
fn held_run(row: &PgRow) -> DbResult<(String, HeldRun)> {
    let mut columns = Columns::new(row);
    let line = columns.value()?;
    let id = RunId(columns.value()?);
    let priority = Priority::new(columns.value()?);
    let priority = priority.map_err(|error| DbError::corrupt(error.to_string()))?;
    Ok((line, HeldRun { id, priority, due_at: columns.time()? }))
}

/// What the rate of a gate remembers.
fn rate(row: &PgRow) -> DbResult<(String, RateState)> {
    let mut columns = Columns::new(row);
    let (gate, text): (String, String) = (columns.value()?, columns.value()?);
    let spoilt = |_| DbError::corrupt(format!("what the rate of {gate} remembers"));
    let rate = serde_json::from_str(&text).map_err(spoilt)?;
    Ok((gate, rate))
}
