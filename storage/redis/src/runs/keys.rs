//! New runs of which there is to be one.

use std::collections::HashMap;

use uuid::Uuid;
use zapjobs_model::unique::KeyTaken;
use zapjobs_model::unique::plan::keys_of;
use zapjobs_model::{NewRun, OnConflict, UniqueKey, UniqueScope};
use zapjobs_storage::{EnqueueResult, Result, key_taken};

use super::enqueue::put_new_runs;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::unexpected;
use crate::script::{Call, SCRIPTS};
use crate::storage::micros;

/// Stores a batch in which runs have keys.
pub(super) async fn enqueue(
    s: &RedisStorage,
    operation: &'static str,
    runs: &[NewRun],
) -> Result<Vec<EnqueueResult>> {
    let keys = keys_of(runs);
    let names: Vec<String> = keys.iter().map(|key| s.keys.unique(*key)).collect();
    let first = s.keys.indexes().len() + runs.len() + 1;
    let places: HashMap<UniqueKey, usize> = keys.into_iter().zip(first..).collect();
    let ids = runs.iter().map(|run| run.id);
    let mut call = s.run_call(&SCRIPTS.enqueue_unique, ids, &names);
    call.arg(runs.len());
    for run in runs {
        put_keys(&mut call, run, &places);
        put_new_runs(operation, &mut call, std::iter::once(run))?;
    }
    let answer = s.call(operation, &call).await?;
    let answer = Answer::of(operation, &answer);
    let fates = answer.at(0)?;
    if fates.at(0)?.number()? == -1 {
        return Err(key_taken(operation, KeyTaken { run: fates.at(1)?.run_id()? }));
    }
    s.listeners.tell(answer.notices(1)?);
    (0..runs.len())
        .map(|place| match (fates.at(2 * place)?.number()?, fates.at(2 * place + 1)?) {
            (0, _) => Ok(EnqueueResult::Stored),
            (1, _) => Ok(EnqueueResult::Duplicate),
            (2, survivor) => Ok(EnqueueResult::Existing(survivor.run_id()?)),
            (3, survivor) => Ok(EnqueueResult::Replaced(survivor.run_id()?)),
            _ => Err(unexpected(operation)),
        })
        .collect()
}

/// Puts a run's keys behind a call's arguments, as `enqueue_unique.lua` takes them. `places` are
/// those of the keys' names among the script's, from 1.
fn put_keys(call: &mut Call, run: &NewRun, places: &HashMap<UniqueKey, usize>) {
    let place = |key: Option<UniqueKey>| key.and_then(|key| places.get(&key)).copied();
    let idempotency = run.idempotency.as_ref();
    call.arg(place(idempotency.map(|it| it.key)).unwrap_or_default());
    call.arg(idempotency.map(|it| micros(it.window)).unwrap_or_default());
    let fingerprint = idempotency.map_or(Uuid::nil(), |it| it.fingerprint.0);
    call.arg(fingerprint.as_bytes());
    let unique = run.unique.as_ref();
    call.arg(place(unique.map(|it| it.key)).unwrap_or_default());
    call.arg(match unique.map(|it| it.scope) {
        Some(UniqueScope::Until(until)) => until.code().to_string(),
        Some(UniqueScope::For(window)) => format!("w{}", micros(window)),
        None => String::new(),
    });
    call.arg(i32::from(unique.is_some_and(|it| it.on_conflict == OnConflict::Replace)));
}
