//! A limit is put, changed or lifted.

use redis::cmd;
use zapjobs_model::flow::{InvalidFlowLimit, LIMITS_MAX};
use zapjobs_model::{FlowLimit, LimitChange, LimitScope};
use zapjobs_storage::{ErrorKind, Result, StorageError};

use super::Look;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{describe, invalid};
use crate::keys::lane_parts;
use crate::runs::RUNS_PER_SCRIPT;
use crate::script::SCRIPTS;

/// Times that a change is tried while others are faster.
const TRIES_MAX: usize = 1_000;

pub(super) async fn write(
    s: &RedisStorage,
    scope: &LimitScope,
    change: &LimitChange,
) -> Result<Option<FlowLimit>> {
    const OPERATION: &str = "change the limit";
    for _ in 0..TRIES_MAX {
        let answer = s.look(OPERATION, 0).await?;
        let Look { limits, version, .. } = Look::of(OPERATION, &answer)?;
        let refused = |error: InvalidFlowLimit| invalid(OPERATION, error.to_string());
        let changed = change.apply(scope, limits.get(scope)).map_err(refused)?;
        if changed.is_some() && limits.get(scope).is_none() && limits.len() >= LIMITS_MAX {
            return Err(refused(InvalidFlowLimit::TooMany));
        }
        let allows = changed
            .as_ref()
            .map(|limit| serde_json::to_string(limit).expect("plain data serialises"));
        let mut call = s.flow_call(&SCRIPTS.flow_change);
        call.arg(version).arg(scope.to_string()).arg(allows.unwrap_or_default());
        let answer = s.call(OPERATION, &call).await?;
        if Answer::of(OPERATION, &answer).number()? == 1 {
            return Ok(changed);
        }
    }
    let message = "others admit or change limits all the time: try again";
    Err(StorageError::new(ErrorKind::Busy, OPERATION, message))
}

/// Holds the runs of a scope that were ready before its limit, and counts those under way.
pub(super) async fn settle(
    s: &RedisStorage,
    operation: &'static str,
    scope: &LimitScope,
) -> Result<()> {
    let within = Within::of(scope);
    // A pass that finds none is the last: claims and cancellations move what is behind them.
    while hold_ready(s, operation, &within).await? > 0 {}
    let mut call = s.flow_call(&SCRIPTS.flow_count);
    call.arg(&within.scope).arg(&within.tenant).arg(&within.queue).arg(&within.job_type);
    call.arg(u8::from(within.needs_key));
    s.call(operation, &call).await.map(drop)
}

/// A scope as scripts take it: what is empty is any.
#[derive(Default)]
struct Within {
    scope: String,
    tenant: String,
    queue: String,
    job_type: String,
    needs_key: bool,
}

impl Within {
    fn of(scope: &LimitScope) -> Self {
        let mut within = Self { scope: scope.to_string(), ..Self::default() };
        match scope {
            LimitScope::Everything => {}
            LimitScope::Tenant(tenant) => within.tenant = tenant.to_string(),
            LimitScope::Queue(queue) => within.queue = queue.to_string(),
            LimitScope::Job(job) | LimitScope::PerKey(job) => {
                within.tenant = job.tenant.to_string();
                within.job_type = job.job_type.to_string();
            }
        }
        within.needs_key = matches!(scope, LimitScope::PerKey(_));
        within
    }

    fn has_lane(&self, lane: &str) -> bool {
        lane_parts(lane).is_some_and(|(tenant, queue)| {
            (self.tenant.is_empty() || self.tenant == tenant.as_str())
                && (self.queue.is_empty() || self.queue == queue.as_str())
        })
    }
}

/// One pass over the lanes. Answers how many runs were held.
async fn hold_ready(s: &RedisStorage, operation: &'static str, within: &Within) -> Result<usize> {
    let mut command = cmd("ZRANGE");
    command.arg(s.keys.named("lanes")).arg(0).arg(-1);
    let answer = s.link.send(&command).await.map_err(|error| describe(operation, &error))?;
    let lanes = Answer::of(operation, &answer);
    let mut held_in_all = 0;
    for lane in lanes.items()? {
        let lane = lane.text()?;
        let mut passed = 0;
        while within.has_lane(lane) {
            let mut call = s.flow_call(&SCRIPTS.flow_hold);
            call.arg(&within.scope).arg(lane).arg(passed).arg(RUNS_PER_SCRIPT);
            call.arg(&within.job_type).arg(u8::from(within.needs_key));
            let answer = s.call(operation, &call).await?;
            let answer = Answer::of(operation, &answer);
            let (looked_at, held) = (answer.at(0)?.count()?, answer.at(1)?.count()?);
            if looked_at == 0 {
                break;
            }
            passed += looked_at - held;
            held_in_all += held;
        }
    }
    Ok(held_in_all)
}
