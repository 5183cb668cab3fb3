//! Held runs are made pending as their gates have room.

use std::collections::HashMap;

use redis::Value;
use zapjobs_model::flow::{
    Admission, GateAsked, GateUse, HeldLine, HeldRun, LINES_LOOKED_AT_MAX, Plan, first_looks,
};
use zapjobs_model::{FlowLimits, LimitScope, Line, Priority, RunId, Timestamp};
use zapjobs_storage::{AdmitRequest, Admitted, Result};

use super::{Look, change, read_limits, read_line, read_scope};
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, unexpected};
use crate::script::SCRIPTS;

const OPERATION: &str = "admit held runs";
/// Times that a plan is made anew while others are faster. Then the call answers that there is
/// more.
const TRIES_MAX: usize = 8;

/// Bytes of a run's place and its id.
const PLACE_BYTES: usize = 26;

/// Where held runs stand among those of all lines, by their ids: the place, the id and the line.
type Members = HashMap<RunId, Vec<u8>>;

pub(super) async fn admit(s: &RedisStorage, request: &AdmitRequest) -> Result<Admitted> {
    for _ in 0..TRIES_MAX {
        if let Some(admitted) = try_admit(s, request).await? {
            return Ok(admitted);
        }
    }
    Ok(Admitted { has_more: true, ..Admitted::default() })
}

/// What is decided, and what it went by.
struct Decided<'a> {
    look: Admission<'a>,
    plan: Plan,
    members: Members,
    version: &'a str,
    /// The line behind which the next look goes on, if there is another than before.
    looked_until: Option<&'a str>,
    has_more_lines: bool,
}

/// Answers nothing where another was faster.
async fn try_admit(s: &RedisStorage, request: &AdmitRequest) -> Result<Option<Admitted>> {
    for wanted in first_looks(request.limit) {
        let mut call = s.flow_call(&SCRIPTS.flow_first);
        call.arg(wanted);
        let answer = s.call(OPERATION, &call).await?;
        let First { now, version, limits, settling, runs } = First::of(&answer)?;
        if limits.is_empty() && runs.is_empty() {
            return Ok(Some(Admitted::IDLE));
        }
        if let Some(scope) = settling.first() {
            // Whoever changed it ended early, or is at it.
            change::settle(s, OPERATION, scope).await?;
            return Ok(None);
        }
        let mut look = Admission::new(&limits, now);
        let selected = runs.iter().filter(|(line, ..)| request.selects(line));
        let first: Vec<_> = selected.map(|(line, run, _)| (look.meet(line), *run)).collect();
        load(s, &mut look).await?;
        let plan = look.admit_first(&first, request.limit);
        if plan.suffices(wanted, runs.len()) {
            let members = members_of(&plan, &runs);
            let (looked_until, has_more_lines) = (None, false);
            let decided = Decided { look, plan, members, version, looked_until, has_more_lines };
            return write(s, decided).await;
        }
    }
    try_lines(s, request).await
}

/// Where the runs of a plan stand.
fn members_of(plan: &Plan, runs: &[(Line, HeldRun, &[u8])]) -> Members {
    let members: HashMap<RunId, &[u8]> =
        runs.iter().map(|(_, run, member)| (run.id, *member)).collect();
    let going = plan.admitted.iter().map(|run| run.id);
    going.filter_map(|id| Some((id, members.get(&id)?.to_vec()))).collect()
}

/// Looks at the first runs of each line.
async fn try_lines(s: &RedisStorage, request: &AdmitRequest) -> Result<Option<Admitted>> {
    let answer = s.look(OPERATION, LINES_LOOKED_AT_MAX + 1).await?;
    let Look { now_us, version, limits, settling, mut lines, looked_until } =
        Look::of(OPERATION, &answer)?;
    if !settling.is_empty() {
        return Ok(None);
    }
    let has_more_lines = lines.len() > LINES_LOOKED_AT_MAX;
    lines.truncate(LINES_LOOKED_AT_MAX);
    // Where all lines are looked at, it does not matter where the next look begins.
    let last = lines.last().filter(|_| has_more_lines).copied().unwrap_or_default();
    let looked_until = Some(last).filter(|last| *last != looked_until);
    let lines = lines.into_iter().map(|name| read_line(OPERATION, name));
    let lines: Vec<Line> = lines.collect::<Result<_>>()?;
    let lines: Vec<Line> = lines.into_iter().filter(|line| request.selects(line)).collect();

    let mut look = Admission::new(&limits, Timestamp::from_micros(now_us));
    lines.iter().for_each(|line| _ = look.meet(line));
    load(s, &mut look).await?;
    let wanted = look.heads_wanted(&lines, request.limit);
    let (held, members) = heads(s, lines, wanted).await?;
    let plan = look.admit(&held, request.limit);
    write(s, Decided { look, plan, members, version, looked_until, has_more_lines }).await
}

async fn write(s: &RedisStorage, decided: Decided<'_>) -> Result<Option<Admitted>> {
    let Decided { plan, looked_until, has_more_lines, .. } = &decided;
    let mut admitted = Admitted {
        count: plan.admitted.len(),
        next_at: plan.next_at,
        has_more: plan.has_more || *has_more_lines,
        is_idle: false,
    };
    if admitted.count > 0 || looked_until.is_some() {
        match commit(s, &decided).await? {
            Some(count) => admitted.count = count,
            None => return Ok(None),
        }
    }
    Ok(Some(admitted))
}

/// Reads what the gates of the lines met have in use.
async fn load(s: &RedisStorage, look: &mut Admission<'_>) -> Result<()> {
    let gates = look.gates_asked();
    let mut call = s.flow_call(&SCRIPTS.flow_gates);
    for GateAsked { name, has_slots, has_rate, .. } in &gates {
        let asked = match (has_slots, has_rate) {
            (true, true) => "b",
            (false, true) => "r",
            // What neither counts is paused.
            (_, false) => "s",
        };
        call.arg(format!("{asked}{name}"));
    }
    if gates.is_empty() {
        return Ok(());
    }
    let answer = s.call(OPERATION, &call).await?;
    let mut answers = Answer::of(OPERATION, &answer).items()?;
    for gate in &gates {
        let mut next = || answers.next().ok_or_else(|| unexpected(OPERATION));
        let (in_use, rate) = (next()?.count()?, next()?.text()?);
        let rate = Some(rate).filter(|text| !text.is_empty()).map(serde_json::from_str);
        let rate = rate.transpose().map_err(|_| {
            corrupt(OPERATION, format!("what the rate of {} remembers cannot be read", gate.name))
        })?;
        look.load(gate, GateUse { in_use, rate });
    }
    Ok(())
}

async fn heads(
    s: &RedisStorage,
    lines: Vec<Line>,
    wanted: Vec<usize>,
) -> Result<(Vec<HeldLine>, Members)> {
    let mut call = s.flow_call(&SCRIPTS.flow_heads);
    let open = || lines.iter().zip(&wanted).filter(|(_, wanted)| **wanted > 0);
    for (line, wanted) in open() {
        call.arg(line.to_string()).arg(*wanted);
    }
    let mut read: HashMap<String, Vec<HeldRun>> = HashMap::new();
    let mut members = Members::new();
    if open().next().is_some() {
        let answer = s.call(OPERATION, &call).await?;
        for ((line, _), heads) in open().zip(Answer::of(OPERATION, &answer).items()?) {
            let name = line.to_string();
            for place in heads.items()? {
                let run = held_run(place.bytes()?).ok_or_else(|| unexpected(OPERATION))?;
                members.insert(run.id, [place.bytes()?, name.as_bytes()].concat());
                read.entry(name.clone()).or_default().push(run);
            }
        }
    }
    let lines = lines.into_iter().zip(wanted).map(|(line, wanted)| {
        let heads = read.remove(&line.to_string()).unwrap_or_default();
        HeldLine { line, wanted, heads }
    });
    Ok((lines.collect(), members))
}

/// What a look begins with.
struct First<'a> {
    now: Timestamp,
    version: &'a str,
    limits: FlowLimits,
    settling: Vec<LimitScope>,
    /// The first runs of all lines, with their members.
    runs: Vec<(Line, HeldRun, &'a [u8])>,
}

impl<'a> First<'a> {
    fn of(answer: &'a Value) -> Result<Self> {
        let answer = Answer::of(OPERATION, answer);
        let settling = answer.at(3)?.items()?;
        let settling = settling.map(|scope| read_scope(OPERATION, scope.text()?));
        let runs = answer.at(4)?.items()?.map(|member| {
            let member = member.bytes()?;
            let parts = member.split_at_checked(PLACE_BYTES);
            let (place, line) = parts.ok_or_else(|| unexpected(OPERATION))?;
            let run = held_run(place).ok_or_else(|| unexpected(OPERATION))?;
            let line = std::str::from_utf8(line).map_err(|_| unexpected(OPERATION))?;
            Ok((read_line(OPERATION, line)?, run, member))
        });
        Ok(Self {
            now: Timestamp::from_micros(answer.at(0)?.number()?),
            version: answer.at(1)?.text()?,
            limits: read_limits(OPERATION, answer.at(2)?)?,
            settling: settling.collect::<Result<_>>()?,
            runs: runs.collect::<Result<_>>()?,
        })
    }
}

/// A run's place, as `rank` in `prelude.lua` packs it, and its id.
fn held_run(place: &[u8]) -> Option<HeldRun> {
    let (urgency, rest) = place.split_first_chunk::<2>()?;
    let (due, id) = rest.split_first_chunk::<8>()?;
    let priority = 1_000 - i32::from(u16::from_be_bytes(*urgency));
    Some(HeldRun {
        id: RunId(uuid::Uuid::from_slice(id).ok()?),
        priority: Priority::new(i16::try_from(priority).ok()?).ok()?,
        due_at: Timestamp::from_micros(i64::from_be_bytes(*due)),
    })
}

/// Writes what was decided, if nobody was faster. Answers how many runs went.
async fn commit(s: &RedisStorage, decided: &Decided<'_>) -> Result<Option<usize>> {
    let Decided { look, plan, members, version, looked_until, .. } = decided;
    let runs = plan.admitted.iter().map(|run| run.id);
    let mut call = s.run_call(&SCRIPTS.flow_admit, runs, &[]);
    call.arg(*version).arg(i32::from(looked_until.is_some()));
    call.arg(looked_until.unwrap_or_default()).arg(look.rates_used().count());
    for (gate, state, forgets_at) in look.rates_used() {
        let remembers = serde_json::to_string(state).expect("plain data serialises");
        call.arg(gate).arg(remembers).arg(forgets_at.as_micros());
    }
    for run in &plan.admitted {
        call.arg(members.get(&run.id).ok_or_else(|| unexpected(OPERATION))?);
    }
    for run in &plan.admitted {
        call.arg(run.slots.join("\n"));
    }
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    if answer.at(0)?.number()? != 1 {
        return Ok(None);
    }
    s.listeners.tell(answer.notices(2)?);
    answer.at(1)?.count().map(Some)
}
