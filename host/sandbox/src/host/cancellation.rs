//! `zapjobs:job/cancellation`: whether the job should stop.

use wasmtime::component::LinkerInstance;

use super::State;

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap("is-requested", |store, ()| Ok((store.data().watch.look(),)))
}
