//! `zapjobs:job/run-context`: what the job may know of its run.

use wasmtime::component::LinkerInstance;
use zapjobs_model::Trigger;

use super::State;
use crate::contract::TriggerKind;

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap("run-id", |store, ()| Ok((store.data().context.run.to_string(),)))?;
    interface.func_wrap("attempt", |store, ()| Ok((store.data().context.attempt,)))?;
    interface.func_wrap("max-attempts", |store, ()| Ok((store.data().context.max_attempts,)))?;
    interface.func_wrap("job", |store, ()| Ok((store.data().context.job_type.to_string(),)))?;
    interface.func_wrap("tenant", |store, ()| Ok((store.data().context.tenant.to_string(),)))?;
    interface.func_wrap("trigger", |store, ()| Ok((kind(store.data().context.trigger),)))?;
    interface.func_wrap("correlation-id", |store, ()| {
        Ok((store.data().context.correlation_id.as_ref().map(ToString::to_string),))
    })?;
    interface.func_wrap("deadline", |store, ()| {
        let millis = |at: zapjobs_model::Timestamp| at.as_micros().div_euclid(1_000);
        let deadline = store.data().context.deadline.map(millis);
        // An instant before 1970 has passed, whatever its number.
        Ok((deadline.map(|millis| u64::try_from(millis).unwrap_or(0)),))
    })?;
    interface.func_wrap("metadata", |store, ()| {
        let metadata = &store.data().context.metadata;
        Ok((metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>(),))
    })
}

const fn kind(trigger: Trigger) -> TriggerKind {
    match trigger {
        Trigger::Manual => TriggerKind::Manual,
        Trigger::Scheduled => TriggerKind::Scheduled,
        Trigger::Cron => TriggerKind::Cron,
        Trigger::Api => TriggerKind::Api,
        Trigger::Retry => TriggerKind::Retry,
        Trigger::Continuation => TriggerKind::Continuation,
    }
}
