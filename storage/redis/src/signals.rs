//! Signals to runs, and waits of runs: each run's a hash.

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::signal::{SIGNALS_PENDING_MAX, received};
use zapjobs_model::step::{STEPS_BYTES_MAX, STEPS_MAX};
use zapjobs_model::wait::stands;
use zapjobs_model::{
    Json, Lease, LeaseKey, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Timestamp,
    Wait,
};
use zapjobs_storage::{
    ApplyResult, Result, RunQueries as _, SendSignalResult, Signals, TakeSignalResult,
    check_signal, check_suspension,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{describe, unexpected};
use crate::record::packed_change;
use crate::runs::{apply_result, put_transition};
use crate::script::SCRIPTS;

/// Bytes before a name: the signal's number.
const NUMBER_BYTES: usize = 4;
/// Bytes before a payload: the signal's instant.
const INSTANT_BYTES: usize = 8;

#[async_trait]
impl Signals for RedisStorage {
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult> {
        const OPERATION: &str = "send the signal";
        self.check_open(OPERATION)?;
        check_signal(OPERATION, payload)?;
        let mut call = self.run_call(&SCRIPTS.send_signal, [run].into_iter(), &[]);
        call.arg(name.as_str()).arg(payload.as_str()).arg(SIGNALS_PENDING_MAX);
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        self.listeners.tell(answer.notices(1)?);
        let Some(status) = RunStatus::from_code(answer.at(0)?.number()?) else {
            return Ok(SendSignalResult::NotFound);
        };
        Ok(match answer.at(3)?.number()? {
            _ if status.is_final() => SendSignalResult::Ended(status),
            0 => SendSignalResult::Full,
            1 => SendSignalResult::Kept,
            2 => SendSignalResult::Woke,
            _ => return Err(unexpected(OPERATION)),
        })
    }

    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        const OPERATION: &str = "take a signal";
        self.check_open(OPERATION)?;
        let around = received(&Json::trusted(""));
        let around = around.as_str().split_at(around.as_str().len() - 1);
        let mut call = self.run_call(&SCRIPTS.take_signal, [key.run].into_iter(), &[]);
        call.arg(&key.lease.0.to_be_bytes()).arg(name.as_str()).arg(step.as_str());
        call.arg(around.0).arg(around.1).arg(STEPS_MAX).arg(STEPS_BYTES_MAX);
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        Ok(match answer.at(0)?.number()? {
            0 => TakeSignalResult::Stale,
            1 => TakeSignalResult::Recorded(Json::trusted(answer.at(1)?.text()?)),
            2 => TakeSignalResult::Full,
            3 => TakeSignalResult::Nothing,
            _ => return Err(unexpected(OPERATION)),
        })
    }

    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult> {
        const OPERATION: &str = "suspend the run";
        self.check_open(OPERATION)?;
        check_suspension(OPERATION, suspension)?;
        let key = suspension.transition.key;
        let mut call = self.run_call(&SCRIPTS.suspend, [key.run].into_iter(), &[]);
        put_transition(&mut call, &suspension.decide(false));
        let name = suspension.wait.signal.as_ref().map_or("", SignalName::as_str);
        call.arg(packed_wait(key.lease, &suspension.wait));
        call.arg(packed_change(&suspension.decide(true))).arg(name);
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        self.listeners.tell(answer.notices(1)?);
        apply_result(answer.at(0)?)
    }

    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>> {
        const OPERATION: &str = "read what the run waits for";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.signals(run)).arg("");
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        if answer == Value::Nil {
            return Ok(None);
        }
        let packed = Answer::of(OPERATION, &answer).bytes()?;
        let (lease, wait) = read_wait(packed).ok_or_else(|| unexpected(OPERATION))?;
        // Looked at afterwards: a run that was claimed meanwhile has another lease.
        let run = self.run(run).await?;
        Ok(run.is_some_and(|run| stands(lease, run.status, run.lease)).then_some(wait))
    }

    async fn signals(&self, run: RunId) -> Result<Vec<Signal>> {
        const OPERATION: &str = "read the signals";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.signals(run));
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        let mut signals = Vec::new();
        for (field, packed) in Answer::of(OPERATION, &answer).fields()? {
            // The field of the wait.
            if field.is_empty() {
                continue;
            }
            signals.push(read_signal(field, packed).ok_or_else(|| unexpected(OPERATION))?);
        }
        signals.sort_by_key(|(number, _)| *number);
        Ok(signals.into_iter().map(|(_, signal)| signal).collect())
    }
}

/// What a run waits for, as `signals.lua` tells.
fn packed_wait(lease: Lease, wait: &Wait) -> Vec<u8> {
    let mut packed = lease.0.to_be_bytes().to_vec();
    packed.extend(wait.until.as_micros().to_be_bytes());
    match &wait.signal {
        Some(name) => packed.extend([b"1", name.as_str().as_bytes()].concat()),
        None => packed.push(b'0'),
    }
    packed
}

fn read_wait(packed: &[u8]) -> Option<(Lease, Wait)> {
    let (lease, packed) = packed.split_first_chunk::<4>()?;
    let (until, packed) = packed.split_first_chunk::<INSTANT_BYTES>()?;
    let signal = match packed.split_first()? {
        (b'1', name) => Some(SignalName::new(std::str::from_utf8(name).ok()?).ok()?),
        _ => None,
    };
    let until = Timestamp::from_micros(i64::from_be_bytes(*until));
    Some((Lease(u32::from_be_bytes(*lease)), Wait { signal, until }))
}

/// A signal and its number.
fn read_signal(field: &[u8], packed: &[u8]) -> Option<(u32, Signal)> {
    let (number, name) = field.split_first_chunk::<NUMBER_BYTES>()?;
    let (at, payload) = packed.split_first_chunk::<INSTANT_BYTES>()?;
    let name = SignalName::new(std::str::from_utf8(name).ok()?).ok()?;
    let payload = Json::trusted(std::str::from_utf8(payload).ok()?);
    let at = Timestamp::from_micros(i64::from_be_bytes(*at));
    Some((u32::from_be_bytes(*number), Signal { name, payload, at }))
}
