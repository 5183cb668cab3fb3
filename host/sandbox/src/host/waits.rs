//! The waits of `zapjobs:job/steps`: sleeps, and waits for signals.
//!
//! **Invariant:** nothing here waits. A guest is told whether its wait is over; how it ends is its
//! own, and only an attempt that then asks to be run later is suspended.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;
use zapjobs_model::port::{Waited, Waits};
use zapjobs_model::{SignalName, StepError, StepErrorKind};

use super::State;
use crate::contract::{StepFailure, WaitedFor};

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap_async("sleep", |store, (name, span_ms): (String, u64)| {
        Box::new(async move {
            let is_over = sleep(store, name, span_ms).await;
            Ok((is_over.map_err(StepFailure::from),))
        })
    })?;
    interface.func_wrap_async("wait-signal", |store, (name, limit): (String, Option<u64>)| {
        Box::new(async move {
            let waited = signal(store, &name, limit).await;
            Ok((waited.map(WaitedFor::from).map_err(StepFailure::from),))
        })
    })
}

async fn sleep(
    store: StoreContextMut<'_, State>,
    name: String,
    span_ms: u64,
) -> Result<bool, StepError> {
    service(&store)?.sleep(name, Duration::from_millis(span_ms)).await
}

async fn signal(
    store: StoreContextMut<'_, State>,
    name: &str,
    limit_ms: Option<u64>,
) -> Result<Waited, StepError> {
    let name = SignalName::new(name)
        .map_err(|error| StepError::new(StepErrorKind::BadName, error.to_string()))?;
    service(&store)?.signal(name, limit_ms.map(Duration::from_millis)).await
}

fn service(store: &StoreContextMut<'_, State>) -> Result<Arc<dyn Waits>, StepError> {
    store.data().services.waits.clone().ok_or_else(|| {
        StepError::new(
            StepErrorKind::Unavailable,
            "runs cannot wait here: only a host with a storage wakes them",
        )
    })
}
