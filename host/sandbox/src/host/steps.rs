//! `zapjobs:job/steps`: what the job has done for good.
//!
//! **Invariant:** what a guest is told of a step is what the host's service keeps. The steps are
//! loaded when the guest first asks, and are known from then on: only this attempt adds to them.
//! Where nobody keeps any, they are kept for this attempt, within the same bounds.

use std::collections::HashMap;

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;
use zapjobs_model::step::{STEP_BYTES_MAX, has_room};
use zapjobs_model::{Json, StepError, StepErrorKind, StepName};

use super::State;
use crate::contract::StepFailure;

/// The steps that are known in an attempt, once they were asked for.
#[derive(Debug, Default)]
pub(super) struct KnownSteps(Option<HashMap<StepName, Json>>);

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap_async("recorded", |store, (name,): (String,)| {
        Box::new(async move {
            let found = recorded(store, &name).await;
            let found = found.map(|found| found.map(|value| value.to_string()));
            Ok((found.map_err(StepFailure::from),))
        })
    })?;
    interface.func_wrap_async("keep", |store, (name, value): (String, String)| {
        Box::new(async move {
            let stands = keep(store, &name, &value).await;
            Ok((stands.map(|value| value.to_string()).map_err(StepFailure::from),))
        })
    })
}

async fn recorded(
    mut store: StoreContextMut<'_, State>,
    name: &str,
) -> Result<Option<Json>, StepError> {
    let name = checked_name(name)?;
    Ok(known(&mut store).await?.get(&name).cloned())
}

async fn keep(
    mut store: StoreContextMut<'_, State>,
    name: &str,
    value: &str,
) -> Result<Json, StepError> {
    let name = checked_name(name)?;
    if value.len() as u64 > STEP_BYTES_MAX {
        return Err(StepError::full(&name));
    }
    let value = Json::parse(value).map_err(|problem| {
        let message = format!("the value of the step {name}: {problem}");
        StepError::new(StepErrorKind::BadResult, message)
    })?;
    let service = store.data().services.steps.clone();
    let known = known(&mut store).await?;
    if let Some(earlier) = known.get(&name) {
        return Ok(earlier.clone());
    }
    let stands = match service {
        Some(service) => service.record(name.clone(), value).await?,
        None => {
            let bytes = known.values().map(|value| value.as_str().len() as u64).sum();
            if !has_room(known.len() as u64, bytes, value.as_str().len() as u64) {
                return Err(StepError::full(&name));
            }
            value
        }
    };
    known.insert(name, stands.clone());
    Ok(stands)
}

/// The steps that are known, loaded if they were not.
async fn known<'a>(
    store: &'a mut StoreContextMut<'_, State>,
) -> Result<&'a mut HashMap<StepName, Json>, StepError> {
    if store.data().steps.0.is_none() {
        let mut loaded = HashMap::new();
        if let Some(service) = store.data().services.steps.clone() {
            let steps = service.steps().await?;
            loaded.extend(steps.into_iter().map(|step| (step.name, step.result)));
        }
        store.data_mut().steps.0 = Some(loaded);
    }
    Ok(store.data_mut().steps.0.get_or_insert_default())
}

fn checked_name(name: &str) -> Result<StepName, StepError> {
    StepName::new(name).map_err(|error| StepError::new(StepErrorKind::BadName, error.to_string()))
}
