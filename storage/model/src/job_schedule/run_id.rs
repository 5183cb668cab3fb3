//! The id of a fire time's run.
//!
//! **Invariant:** the same schedule and fire time make the same id, so that whoever fires twice
//! stores a duplicate, which storages leave as it is.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::ScheduleKey;
use crate::{RunId, Timestamp};

/// A version 7 UUID: its millisecond is the fire time's, and its other bits are a hash of the
/// schedule's name and the fire time.
pub fn run_id_at(key: &ScheduleKey, fire_time: Timestamp) -> RunId {
    let mut hash = Sha256::new();
    // No name holds a comma.
    hash.update(format!("{},{},{}", key.tenant, key.name, fire_time.as_micros()));
    let hash = hash.finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    let millis = u64::try_from(fire_time.as_micros() / 1_000).unwrap_or(0);
    let id: Uuid = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    RunId(id)
}
