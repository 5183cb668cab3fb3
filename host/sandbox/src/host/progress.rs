//! `zapjobs:job/progress`: how far the job has come.

use wasmtime::component::{LinkerInstance, WasmStr};
use zapjobs_model::{ItemCounts, Progress};

use super::State;
use crate::text;

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap("report", |store, (done, total, message): (u64, _, WasmStr)| {
        let state = store.data();
        let message = message.to_str(&store)?;
        state.sink.progress(Progress {
            done,
            total,
            message: text::name(&message, state.progress_message_bytes_max),
        });
        Ok(())
    })?;
    interface.func_wrap("count-items", |store, (processed, succeeded, failed): (u64, u64, u64)| {
        store.data().sink.counts(ItemCounts { processed, succeeded, failed });
        Ok(())
    })
}
