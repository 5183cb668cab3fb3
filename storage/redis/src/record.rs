//! A run to the fields of a hash and back. The only place that knows what they mean, beside
//! the scripts.
//!
//! **Invariant:** what is read is checked as if it came from outside. A record that cannot be
//! read is an error of that record, and never of those beside it.
//!
//! What was submitted stands in `new` ([`submission`]) and `input`, what changes in `state`
//! ([`state`]): few fields, for each costs the server time at every claim. The rest has a field
//! each and is left out at its default. A run without `state` is as it was stored.

mod state;
mod submission;

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zapjobs_model::{
    BatchId, Digest, ItemCounts, Json, LimitKey, Progress, Run, RunError, RunId, RunStatus, Usage,
};

use state::State;
use submission::{Submission, read_trigger};

pub(crate) use state::packed_change;
pub(crate) use submission::{METADATA_BYTES_MAX, TAGS_MAX, packed_submission};

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

type ReadResult<T> = Result<T, Unreadable>;

/// Bytes of a digest.
const DIGEST_BYTES: u8 = 32;

/// A value as JSON.
pub(crate) fn encoded(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and checked JSON always serialise")
}

/// What an attempt came to, as it is stored: its digest, the length before it (none is 0), then
/// what it used.
pub(crate) fn packed_result(digest: Option<&Digest>, usage: &Usage) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    match digest {
        Some(digest) => {
            bytes.push(DIGEST_BYTES);
            bytes.extend(digest.as_bytes());
        }
        None => bytes.push(0),
    }
    usage_numbers(usage).into_iter().for_each(|number| put_number(&mut bytes, number));
    bytes
}

/// The run with this id that is stored as these fields. The later of two values counts.
pub(crate) fn read_run<'a>(
    id: RunId,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> ReadResult<Run> {
    Raw::of(fields).run(id)
}

macro_rules! raw_fields {
    ($($field:ident)+) => {
        /// The values as they are stored.
        #[derive(Default)]
        struct Raw<'a> {
            $($field: Option<&'a [u8]>,)+
        }

        impl<'a> Raw<'a> {
            fn of(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
                let mut raw = Self::default();
                for (name, value) in fields {
                    match std::str::from_utf8(name) {
                        $(Ok(stringify!($field)) => raw.$field = Some(value),)+
                        // A later version's field is not ours to judge.
                        _ => {}
                    }
                }
                raw
            }
        }
    };
}

raw_fields! {
    new input state trigger output error progress counts result aside limit_key batch
}

impl Raw<'_> {
    fn run(&self, id: RunId) -> ReadResult<Run> {
        if self.aside.is_some() {
            return Err(Unreadable("it was set aside; see the quarantine for why".to_owned()));
        }
        let missing = |what: &str| Unreadable(format!("the {what} is missing"));
        let new = Submission::read(self.new.ok_or_else(|| missing("submission"))?)?;
        let state = self.state.map_or(Ok(State::first(new.created_at)), State::read)?;
        let (digest, usage) = self.result.map_or(Ok(Default::default()), read_result)?;
        let is_running = state.status == RunStatus::Running;
        // A run that was asked to run again says so.
        let trigger = match text("trigger", self.trigger, str::parse)? {
            Some(code) => read_trigger(code)?,
            None => new.trigger,
        };
        Ok(Run {
            id,
            tenant: new.tenant,
            job_type: new.job_type,
            queue: new.queue,
            priority: new.priority,
            trigger,
            status: state.status,
            input: text("input", self.input, Json::parse)?.ok_or_else(|| missing("input"))?,
            output: text("output", self.output, Json::parse)?,
            error: text("error", self.error, serde_json::from_str::<RunError>)?,
            created_at: new.created_at,
            due_at: state.due_at,
            started_at: state.started_at,
            finished_at: state.ends_at.filter(|_| state.status.is_final()),
            deadline: new.deadline,
            attempt: state.attempt,
            max_attempts: new.max_attempts,
            host_faults: state.host_faults,
            lease: state.lease,
            lease_expires_at: state.ends_at.filter(|_| is_running),
            worker: state.worker,
            cancel_requested: state.cancel_requested,
            progress: decoded::<Progress>("progress", self.progress)?,
            counts: decoded::<ItemCounts>("counts", self.counts)?,
            usage,
            digest,
            correlation_id: new.correlation_id,
            parent: new.parent,
            tags: new.tags,
            metadata: new.metadata,
            limit_key: text("limit key", self.limit_key, LimitKey::new)?,
            unique: new.unique,
            batch: self.batch.map(read_batch).transpose()?,
        })
    }
}

fn read_batch(bytes: &[u8]) -> ReadResult<BatchId> {
    let id = Uuid::from_slice(bytes);
    id.map(BatchId).map_err(|_| Unreadable("its batch is spoilt".to_owned()))
}

/// In the order in which they are stored, which never changes; new ones come last.
const fn usage_numbers(usage: &Usage) -> [u64; 11] {
    let Usage {
        cpu_us,
        wall_us,
        memory_bytes_peak,
        log_bytes,
        log_lines,
        log_lines_dropped,
        output_bytes,
        wait_us,
        http_requests,
        http_sent_bytes,
        http_received_bytes,
    } = *usage;
    [
        cpu_us,
        wall_us,
        memory_bytes_peak,
        log_bytes,
        log_lines,
        log_lines_dropped,
        output_bytes,
        wait_us,
        http_requests,
        http_sent_bytes,
        http_received_bytes,
    ]
}

fn read_result(bytes: &[u8]) -> ReadResult<(Option<Digest>, Usage)> {
    let spoilt = || Unreadable("the result is spoilt".to_owned());
    let (length, rest) = bytes.split_first().ok_or_else(spoilt)?;
    let (digest, mut rest) = match *length {
        0 => (None, rest),
        DIGEST_BYTES => {
            let (digest, rest) = rest.split_first_chunk().ok_or_else(spoilt)?;
            (Some(Digest::from_bytes(*digest)), rest)
        }
        _ => return Err(spoilt()),
    };
    let mut next = || take_number(&mut rest).ok_or_else(spoilt);
    let usage = Usage {
        cpu_us: next()?,
        wall_us: next()?,
        memory_bytes_peak: next()?,
        log_bytes: next()?,
        log_lines: next()?,
        log_lines_dropped: next()?,
        output_bytes: next()?,
        wait_us: next()?,
        http_requests: next()?,
        http_sent_bytes: next()?,
        http_received_bytes: next()?,
    };
    Ok((digest, usage))
}

/// Seven bits in each byte, the lowest first; the eighth says that more follow. Short, for
/// Redis keeps a hash in its compact form while no value is longer than 64 bytes.
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The next number; 0 at the end, where a claim has cleared them.
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return (shift == 0).then_some(0);
        };
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn text<'a, T, E: Display>(
    what: &str,
    bytes: Option<&'a [u8]>,
    read: impl FnOnce(&'a str) -> Result<T, E>,
) -> ReadResult<Option<T>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| Unreadable(format!("the {what} is no text")))?;
    read(text).map(Some).map_err(|error| Unreadable(format!("{what}: {error}")))
}

fn decoded<T: DeserializeOwned + Default>(what: &str, bytes: Option<&[u8]>) -> ReadResult<T> {
    Ok(text(what, bytes, |text| serde_json::from_str(text))?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
