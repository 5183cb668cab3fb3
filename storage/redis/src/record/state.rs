//! What changes of a run: 55 bytes at fixed places, so that a script can change a few of them
//! without reading the others. Numbers are big-endian.
//!
//! | from | bytes | meaning |
//! |---|---|---|
//! | 0 | 1 | status, as its number's digit |
//! | 1 | 1 | `1` if it was asked to stop, else `0` |
//! | 2 | 4 | attempt |
//! | 6 | 4 | host faults |
//! | 10 | 8 | when it ended; while it is running, when its lease ends |
//! | 18 | 8 | when it is due |
//! | 26 | 4 | lease number |
//! | 30 | 8 | when the latest attempt began |
//! | 38 | 16 | the worker of the latest claim; zeros for none |
//! | 54 | 1 | `1` if the claim found an output, which the attempt's end may have to delete; while it is held, `L` if it stands in a line; else `0` |

use uuid::Uuid;
use zapjobs_model::{Lease, RunStatus, Timestamp, Transition, WorkerId};

use super::{ReadResult, Unreadable};

/// Bytes of a state.
pub(crate) const STATE_BYTES: usize = 55;
/// No instant.
const NEVER: i64 = i64::MIN;

/// What changes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) status: RunStatus,
    pub(super) cancel_requested: bool,
    pub(super) attempt: u32,
    pub(super) host_faults: u32,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) due_at: Timestamp,
    pub(super) lease: Lease,
    pub(super) started_at: Option<Timestamp>,
    pub(super) worker: Option<WorkerId>,
}

impl State {
    /// Of a run to which nothing has happened since it was stored.
    pub(super) fn first(created_at: Timestamp) -> Self {
        Self {
            status: RunStatus::Pending,
            cancel_requested: false,
            attempt: 0,
            host_faults: 0,
            ends_at: None,
            due_at: created_at,
            lease: Lease(0),
            started_at: None,
            worker: None,
        }
    }

    pub(super) fn read(bytes: &[u8]) -> ReadResult<Self> {
        let bytes: &[u8; STATE_BYTES] = bytes.try_into().map_err(|_| {
            Unreadable(format!("its state has {} bytes, not {STATE_BYTES}", bytes.len()))
        })?;
        let code = i64::from(bytes[0]) - i64::from(b'0');
        let worker = Uuid::from_bytes(part(bytes, 38));
        Ok(Self {
            status: RunStatus::from_code(code)
                .ok_or_else(|| Unreadable(format!("unknown status {code}")))?,
            cancel_requested: bytes[1] == b'1',
            attempt: u32::from_be_bytes(part(bytes, 2)),
            host_faults: u32::from_be_bytes(part(bytes, 6)),
            ends_at: time(bytes, 10),
            due_at: time(bytes, 18).ok_or_else(|| Unreadable("it is never due".to_owned()))?,
            lease: Lease(u32::from_be_bytes(part(bytes, 26))),
            started_at: time(bytes, 30),
            worker: (!worker.is_nil()).then_some(WorkerId(worker)),
        })
    }
}

/// A transition as `apply.lua` takes it: the lease it must find, the first part of the new
/// state, the due time, and what is summed.
pub(crate) fn packed_change(transition: &Transition) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(46);
    bytes.extend(transition.key.lease.0.to_be_bytes());
    let ends_at = transition.status.is_final().then_some(transition.at);
    let (attempt, host_faults) = (transition.attempt, transition.host_faults);
    put_head(&mut bytes, transition.status, false, attempt, host_faults, ends_at);
    put_time(&mut bytes, transition.due_at);
    bytes.extend(transition.usage.cpu_us.to_be_bytes());
    bytes.extend(transition.usage.wall_us.to_be_bytes());
    bytes
}

fn put_head(
    bytes: &mut Vec<u8>,
    status: RunStatus,
    is_asked: bool,
    attempt: u32,
    host_faults: u32,
    ends_at: Option<Timestamp>,
) {
    bytes.extend([b'0' + status.code(), if is_asked { b'1' } else { b'0' }]);
    bytes.extend(attempt.to_be_bytes());
    bytes.extend(host_faults.to_be_bytes());
    put_time(bytes, ends_at);
}

fn put_time(bytes: &mut Vec<u8>, time: Option<Timestamp>) {
    bytes.extend(time.map_or(NEVER, Timestamp::as_micros).to_be_bytes());
}

fn time(bytes: &[u8; STATE_BYTES], from: usize) -> Option<Timestamp> {
    let micros = i64::from_be_bytes(part(bytes, from));
    (micros != NEVER).then(|| Timestamp::from_micros(micros))
}

fn part<const N: usize>(bytes: &[u8; STATE_BYTES], from: usize) -> [u8; N] {
    bytes[from..from + N].try_into().expect("the places lie within a state")
}
