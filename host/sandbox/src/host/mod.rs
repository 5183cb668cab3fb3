//! What a guest can call, one module per interface.
//!
//! **Invariant:** nothing here waits except WASI's own `poll`, files, HTTP and what the host's
//! services answer; whatever a guest
//! chooses the size of has a bound.

mod cancellation;
pub(crate) mod children;
mod files;
pub(crate) mod http;
pub(crate) mod journal;
mod log;
mod progress;
mod run_context;
pub(crate) mod settings;
mod stdio;
mod steps;
mod waits;
pub(crate) mod wasi;

use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::{Linker, LinkerInstance, ResourceTable};
use wasmtime_wasi::WasiCtx;
use zapjobs_model::port::{RunContext, RunSink, Services};
use zapjobs_model::{ItemCounts, Limits, LogLevel, Progress, Usage};

use self::http::Http;
use crate::contract::{PACKAGE, VERSION_FULL};
use crate::egress::secret::Wallet;
use crate::granted::Granted;
use crate::memory::Memory;
use crate::panic::Panic;
use crate::watch::{Halt, Watch};
use children::Offspring;
use files::Quota;
use journal::Journal;
use progress::Reports;
use steps::KnownSteps;

/// What one attempt's store holds.
pub(crate) struct State {
    pub(crate) context: RunContext,
    pub(crate) watch: Arc<Watch>,
    pub(crate) memory: Memory,
    pub(crate) halted: Option<Halt>,
    pub(crate) journal: Arc<Mutex<Journal>>,
    pub(crate) reports: Reports,
    granted: Arc<Granted>,
    wallet: Option<Arc<Wallet>>,
    /// Made when the guest first asks for it, unless something is granted that it shows.
    wasi: Option<WasiCtx>,
    /// Made when the guest first asks for it.
    http: Option<Box<Http>>,
    handles: ResourceTable,
    limits: Limits,
    /// Made when the guest first uses files.
    quota: Option<Arc<Mutex<Quota>>>,
    /// What the host does for it beyond computing.
    services: Services,
    offspring: Offspring,
    steps: KnownSteps,
}

impl State {
    /// What an attempt begins with. Fails if something granted is not there any more.
    pub(crate) fn new(
        context: RunContext,
        limits: &Limits,
        level_min: LogLevel,
        sink: Arc<dyn RunSink>,
        watch: Arc<Watch>,
        granted: &Arc<Granted>,
    ) -> Result<Self, String> {
        let mut journal = Journal::new(Arc::clone(&sink), limits, level_min);
        journal.hide(&granted.vault);
        let journal = Arc::new(Mutex::new(journal));
        let wallet = Wallet::new(&granted.vault)?.map(Arc::new);
        let shows = granted.shows_something();
        let wasi =
            shows.then(|| wasi::context(&journal, granted, wallet.as_deref())).transpose()?;
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(usize::try_from(limits.handles_max).unwrap_or(usize::MAX));
        Ok(Self {
            context,
            watch,
            memory: Memory::new(limits.memory_bytes_max),
            halted: None,
            journal,
            reports: Reports::new(sink, limits),
            granted: Arc::clone(granted),
            wallet,
            wasi,
            http: None,
            handles,
            limits: *limits,
            quota: None,
            services: Services::default(),
            offspring: Offspring::default(),
            steps: KnownSteps::default(),
        })
    }

    /// The same with what the host does for it beyond computing.
    pub(crate) fn with_services(self, services: Services) -> Self {
        Self { services, ..self }
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

    /// Writes what the host did for the guest into the attempt's usage.
    pub(crate) fn count(&self, usage: &mut Usage) {
        self.journal.lock().count(usage);
        self.http.iter().for_each(|http| http.count(usage));
    }
}

/// A linker that knows everything a guest may call.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    http::add_to_linker(&mut linker)?;
    settings::add_to_linker(&mut linker)?;
    cancellation::add_to_linker(&mut interface(&mut linker, "cancellation")?)?;
    children::add_to_linker(&mut interface(&mut linker, "children")?)?;
    log::add_to_linker(&mut interface(&mut linker, "log")?)?;
    progress::add_to_linker(&mut interface(&mut linker, "progress")?)?;
    let mut steps_of_runs = interface(&mut linker, "steps")?;
    steps::add_to_linker(&mut steps_of_runs)?;
    waits::add_to_linker(&mut steps_of_runs)?;
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
