//! `zapjobs:job/progress`: how far the job has come.
//!
//! **Invariant:** reports leave at the pace that the limits allow. Of those that come faster,
//! the newest leaves as soon as its time has come and the guest computes or reports, and at the
//! attempt's end at the latest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{LinkerInstance, WasmStr};
use zapjobs_model::port::RunSink;
use zapjobs_model::{ItemCounts, Limits, Progress};

use super::State;
use crate::rate::Pace;
use crate::text;

/// What an attempt tells of its progress, on its way to the sink.
pub(crate) struct Reports {
    sink: Arc<dyn RunSink>,
    begun_at: Instant,
    progress: Pace<Progress>,
    counts: Pace<ItemCounts>,
    message_bytes_max: usize,
}

impl Reports {
    /// Nothing said yet.
    pub(super) fn new(sink: Arc<dyn RunSink>, limits: &Limits) -> Self {
        Self {
            sink,
            begun_at: Instant::now(),
            progress: Pace::new(limits.progress_per_second_max),
            counts: Pace::new(limits.progress_per_second_max),
            message_bytes_max: usize::try_from(limits.progress_message_bytes_max)
                .unwrap_or(usize::MAX),
        }
    }

    /// Passes on what was kept back and may go now.
    pub(crate) fn catch_up(&mut self) {
        if self.progress.is_behind() || self.counts.is_behind() {
            let now = self.now();
            let (progress, counts) = (self.progress.due(now), self.counts.due(now));
            self.send(progress, counts);
        }
    }

    /// Passes on what was kept back: there will be no more.
    pub(crate) fn finish(&mut self) {
        let (progress, counts) = (self.progress.rest(), self.counts.rest());
        self.send(progress, counts);
    }

    fn send(&self, progress: Option<Progress>, counts: Option<ItemCounts>) {
        if let Some(progress) = progress {
            self.sink.progress(progress);
        }
        if let Some(counts) = counts {
            self.sink.counts(counts);
        }
    }

    fn now(&self) -> Duration {
        self.begun_at.elapsed()
    }
}

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap("report", |mut store, (done, total, message): (u64, _, WasmStr)| {
        let message_bytes_max = store.data().reports.message_bytes_max;
        let message = text::name(&message.to_str(&store)?, message_bytes_max);
        let reports = &mut store.data_mut().reports;
        let now = reports.now();
        let progress = reports.progress.offer(Progress { done, total, message }, now);
        reports.send(progress, None);
        Ok(())
    })?;
    interface.func_wrap(
        "count-items",
        |mut store, (processed, succeeded, failed): (u64, u64, u64)| {
            let reports = &mut store.data_mut().reports;
            let now = reports.now();
            let counts = reports.counts.offer(ItemCounts { processed, succeeded, failed }, now);
            reports.send(None, counts);
            Ok(())
        },
    )
}
