//! Held runs are made pending as their gates have room.

use std::collections::HashMap;

use zapjobs_model::flow::{Admission, GateUse, HeldLine, HeldRun, LINES_LOOKED_AT_MAX, Plan};
use zapjobs_model::{Line, Priority, RunId, Timestamp};
use zapjobs_storage::{AdmitRequest, Admitted, Result};

use super::{Look, change, read_line};
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, unexpected};
use crate::script::SCRIPTS;

const OPERATION: &str = "admit held runs";
/// Times that a plan is made anew while others are faster. Then the call answers that there is
/// more.
const TRIES_MAX: usize = 8;

/// Where held runs stand, by their ids.
type Members = HashMap<RunId, (String, Vec<u8>)>;

pub(super) async fn admit(s: &RedisStorage, request: &AdmitRequest) -> Result<Admitted> {
    for _ in 0..TRIES_MAX {
        if let Some(admitted) = try_admit(s, request).await? {
            return Ok(admitted);
        }
    }
    Ok(Admitted { has_more: true, ..Admitted::default() })
}

/// Answers nothing where another was faster.
async fn try_admit(s: &RedisStorage, request: &AdmitRequest) -> Result<Option<Admitted>> {
    let answer = s.look(OPERATION, LINES_LOOKED_AT_MAX + 1).await?;
    let Look { now_us, version, limits, settling, mut lines, looked_until } =
        Look::of(OPERATION, &answer)?;
    if limits.is_empty() && lines.is_empty() {
        return Ok(Some(Admitted::IDLE));
    }
    if let Some(scope) = settling.first() {
        // Whoever changed it ended early, or is at it.
        change::settle(s, OPERATION, scope).await?;
        return Ok(None);
    }
    let has_more_lines = lines.len() > LINES_LOOKED_AT_MAX;
    lines.truncate(LINES_LOOKED_AT_MAX);
    // Where all lines are looked at, it does not matter where the next look begins.
    let last = lines.last().filter(|_| has_more_lines).copied().unwrap_or_default();
    let is_moved = last != looked_until;
    let lines = lines.into_iter().map(|name| read_line(OPERATION, name));
    let lines: Vec<Line> = lines.collect::<Result<_>>()?;
    let lines: Vec<Line> = lines.into_iter().filter(|line| request.selects(line)).collect();

    let mut look = Admission::new(&limits, Timestamp::from_micros(now_us));
    let gates = look.gates(&lines);
    load(s, &mut look, &gates).await?;
    let wanted = look.heads_wanted(&lines, request.limit);
    let (held, members) = heads(s, lines, wanted).await?;
    let plan = look.admit(&held, request.limit);
    let mut admitted = Admitted {
        count: plan.admitted.len(),
        next_at: plan.next_at,
        has_more: plan.has_more || has_more_lines,
        is_idle: false,
    };
    if admitted.count > 0 || is_moved {
        match commit(s, version, last, &look, &plan, &members).await? {
            Some(count) => admitted.count = count,
            None => return Ok(None),
        }
    }
    Ok(Some(admitted))
}

async fn load(s: &RedisStorage, look: &mut Admission<'_>, gates: &[String]) -> Result<()> {
    if gates.is_empty() {
        return Ok(());
    }
    let mut call = s.flow_call(&SCRIPTS.flow_gates);
    call.arg(gates);
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    for (at, gate) in gates.iter().enumerate() {
        let rate = match answer.at(2 * at + 1)?.text()? {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|_| {
                corrupt(OPERATION, format!("what the rate of {gate} remembers cannot be read"))
            })?),
        };
        look.load(gate, GateUse { in_use: answer.at(2 * at)?.count()?, rate });
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
            for member in heads.items()? {
                let run = held_run(member.bytes()?).ok_or_else(|| unexpected(OPERATION))?;
                members.insert(run.id, (name.clone(), member.bytes()?.to_vec()));
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

/// A run's place, as `rank` in `prelude.lua` packs it.
fn held_run(member: &[u8]) -> Option<HeldRun> {
    let (urgency, rest) = member.split_first_chunk::<2>()?;
    let (due, id) = rest.split_first_chunk::<8>()?;
    let priority = 1_000 - i32::from(u16::from_be_bytes(*urgency));
    Some(HeldRun {
        id: RunId(uuid::Uuid::from_slice(id).ok()?),
        priority: Priority::new(i16::try_from(priority).ok()?).ok()?,
        due_at: Timestamp::from_micros(i64::from_be_bytes(*due)),
    })
}

/// Writes what was decided, if nobody was faster. Answers how many runs went.
async fn commit(
    s: &RedisStorage,
    version: &str,
    last: &str,
    look: &Admission<'_>,
    plan: &Plan,
    members: &Members,
) -> Result<Option<usize>> {
    let runs = plan.admitted.iter().map(|run| run.id);
    let mut call = s.run_call(&SCRIPTS.flow_admit, runs, &[]);
    call.arg(version).arg(last).arg(look.rates_used().count());
    for (gate, state, forgets_at) in look.rates_used() {
        let remembers = serde_json::to_string(state).expect("plain data serialises");
        call.arg(gate).arg(remembers).arg(forgets_at.as_micros());
    }
    for run in &plan.admitted {
        let (line, member) = members.get(&run.id).ok_or_else(|| unexpected(OPERATION))?;
        call.arg(line).arg(member).arg(run.slots.join("\n"));
    }
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    if answer.at(0)?.number()? != 1 {
        return Ok(None);
    }
    s.listeners.tell(answer.notices(2)?);
    answer.at(1)?.count().map(Some)
}
