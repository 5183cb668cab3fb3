//! What a guest can call, one module per interface.
//!
//! **Invariant:** nothing here waits except WASI's own `poll` and files; whatever a guest
//! chooses the size of has a bound.

mod cancellation;
mod files;
pub(crate) mod journal;
mod log;
mod progress;
mod run_context;
mod stdio;
pub(crate) mod wasi;

use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::{Linker, LinkerInstance, ResourceTable};
use wasmtime_wasi::WasiCtx;
use zapjobs_model::port::{RunContext, RunSink};
use zapjobs_model::{DirectoryGrant, ItemCounts, Limits, LogLevel, Progress};

use crate::contract::{PACKAGE, VERSION_FULL};
use crate::memory::Memory;
use crate::panic::Panic;
use crate::watch::{Halt, Watch};
use files::Quota;
use journal::Journal;
use progress::Reports;

/// What one attempt's store holds.
pub(crate) struct State {
    pub(crate) context: RunContext,
    pub(crate) watch: Arc<Watch>,
    pub(crate) memory: Memory,
    pub(crate) halted: Option<Halt>,
    pub(crate) journal: Arc<Mutex<Journal>>,
    pub(crate) reports: Reports,
    /// Made when the guest first asks for it, unless directories have to be opened.
    wasi: Option<WasiCtx>,
    handles: ResourceTable,
    limits: Limits,
    /// Made when the guest first uses files.
    quota: Option<Arc<Mutex<Quota>>>,
}

impl State {
    /// What an attempt begins with. Fails if a granted directory cannot be opened.
    pub(crate) fn new(
        context: RunContext,
        limits: &Limits,
        level_min: LogLevel,
        sink: Arc<dyn RunSink>,
        watch: Arc<Watch>,
        directories: &[DirectoryGrant],
    ) -> Result<Self, String> {
        let journal = Arc::new(Mutex::new(Journal::new(Arc::clone(&sink), limits, level_min)));
        let wasi = match directories {
            [] => None,
            some => Some(wasi::context(&journal, some)?),
        };
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(usize::try_from(limits.handles_max).unwrap_or(usize::MAX));
        Ok(Self {
            context,
            watch,
            memory: Memory::new(limits.memory_bytes_max),
            halted: None,
            journal,
            reports: Reports::new(sink, limits),
            wasi,
            handles,
            limits: *limits,
            quota: None,
        })
    }

    /// The guest has ended: says what it left unsaid. Answers its panic, if it said one.
    pub(crate) fn finish(&mut self) -> Option<Panic> {
        self.reports.finish();
        let mut journal = self.journal.lock();
        for sentence in self.quota.iter().flat_map(|quota| quota.lock().say()) {
            journal.say(sentence);
        }
        journal.finish()
    }
}

/// A linker that knows everything a guest may call.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    cancellation::add_to_linker(&mut interface(&mut linker, "cancellation")?)?;
    log::add_to_linker(&mut interface(&mut linker, "log")?)?;
    progress::add_to_linker(&mut interface(&mut linker, "progress")?)?;
    run_context::add_to_linker(&mut interface(&mut linker, "run-context")?)?;
    Ok(linker)
}

fn interface<'a>(
    linker: &'a mut Linker<State>,
    name: &str,
) -> wasmtime::Result<LinkerInstance<'a, State>> {
    linker.instance(&format!("{PACKAGE}/{name}@{VERSION_FULL}"))
}

/// A sink for guests that run for no run, such as those asked to describe themselves.
pub(crate) struct NoSink;

impl RunSink for NoSink {
    fn log(&self, _line: zapjobs_model::LogLine) {}
    fn progress(&self, _progress: Progress) {}
    fn counts(&self, _counts: ItemCounts) {}
}
