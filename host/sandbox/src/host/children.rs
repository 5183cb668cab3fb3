//! `zapjobs:job/children`: runs that the job enqueues.
//!
//! **Invariant:** what reaches the host's service is granted and counted: an attempt asks for no
//! more children than `children_max` allows, whatever becomes of them, and looks after them no
//! more often than [`LOOK_INTERVAL`] says.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;
use zapjobs_model::port::Children;
use zapjobs_model::{ChildError, ChildErrorKind, ChildRequest, RunId};

use super::State;
use crate::contract::{ChildFailure, ChildInfo, ChildRequested};

/// The interface: a component that imports it wants to enqueue.
pub(crate) const INTERFACE: &str = "zapjobs:job/children";
/// Time between two looks at children of one attempt at least; a guest that asks earlier waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What an attempt did about children.
#[derive(Debug, Default)]
pub(super) struct Offspring {
    asked: u64,
    looked_at: Option<Instant>,
}

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap_async("enqueue", |store, (request,): (ChildRequested,)| {
        Box::new(async move {
            let ids = enqueue(store, vec![request]).await;
            let id = ids.map(|ids| ids.first().map_or_else(String::new, ToString::to_string));
            Ok((id.map_err(ChildFailure::from),))
        })
    })?;
    interface.func_wrap_async("enqueue-all", |store, (requests,): (Vec<ChildRequested>,)| {
        Box::new(async move {
            let ids = enqueue(store, requests).await;
            let ids = ids.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
            Ok((ids.map_err(ChildFailure::from),))
        })
    })?;
    interface.func_wrap_async("child", |store, (id,): (String,)| {
        Box::new(async move {
            let state = child(store, &id).await;
            Ok((state.map_err(ChildFailure::from),))
        })
    })
}

async fn enqueue(
    mut store: StoreContextMut<'_, State>,
    requests: Vec<ChildRequested>,
) -> Result<Vec<RunId>, ChildError> {
    let service = service(&store)?;
    let state = store.data_mut();
    let (count, count_max) = (requests.len() as u64, state.limits.children_max);
    if count > count_max.saturating_sub(state.offspring.asked) {
        let message = format!(
            "this attempt has asked for {} children, and children_max allows {count_max}: enqueue \
             fewer, or let children enqueue the rest",
            state.offspring.asked
        );
        return Err(ChildError::new(ChildErrorKind::LimitReached, message));
    }
    state.offspring.asked += count;
    let mut checked = Vec::with_capacity(requests.len());
    for ChildRequested { job, input, options } in &requests {
        let request = ChildRequest::parse(job, input, options)?;
        if !state.granted.enqueue.allows(job) {
            return Err(not_granted(job));
        }
        checked.push(request);
    }
    drop(requests);
    if checked.is_empty() {
        return Ok(Vec::new());
    }
    service.enqueue(checked).await
}

async fn child(
    mut store: StoreContextMut<'_, State>,
    id: &str,
) -> Result<Option<ChildInfo>, ChildError> {
    let service = service(&store)?;
    // What is no id is no child.
    let Ok(id) = id.parse::<RunId>() else { return Ok(None) };
    let now = Instant::now();
    let at = store.data().offspring.looked_at.map_or(now, |at| (at + LOOK_INTERVAL).max(now));
    store.data_mut().offspring.looked_at = Some(at);
    if at > now {
        tokio::time::sleep_until(at).await;
    }
    Ok(service.child(id).await?.map(ChildInfo::from))
}

fn service(store: &StoreContextMut<'_, State>) -> Result<Arc<dyn Children>, ChildError> {
    store.data().services.children.clone().ok_or_else(|| {
        ChildError::new(
            ChildErrorKind::Unavailable,
            "runs cannot be enqueued here: only a host with a storage takes them",
        )
    })
}

fn not_granted(job: &str) -> ChildError {
    let message = format!(
        "the manifest of this plugin does not allow it to enqueue {job}: its operator can add \
         \"{job}\" to `jobs` in `[enqueue]`"
    );
    ChildError::new(ChildErrorKind::NotGranted, message)
}
