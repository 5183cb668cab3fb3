//! The sandbox, and the plugins that it keeps ready.
//!
//! **Invariant:** a plugin exists only if its component was validated, compiled, linked and
//! has described itself within limits. It never changes: another file is another plugin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use zapjobs_model::port::{
    BoxFuture, Cancellation, Invocation, LoadError, Plugin, PluginSource, RunContext, RunSink,
    Sandbox,
};
use zapjobs_model::{
    Digest, JobDescription, JobType, LogLevel, Report, RunError, RunId, TenantId, Trigger, Usage,
};

use crate::attempt::{self, Machine};
use crate::cache::Cache;
use crate::contract::DescribeResult;
use crate::core_dump::CoreDumps;
use crate::granted::Granted;
use crate::host::{self, NoSink, State};
use crate::inspect::{Inspection, inspect};
use crate::linking::{self, Linked};
use crate::options::{ErrorKind, SandboxError, SandboxOptions};
use crate::ticker::Ticker;
use crate::watch::Watch;
use crate::{compile, describe, engine, verdict};

/// Components that are compiled at the same time. Each already uses all processors.
const COMPILATIONS_MAX: usize = 1;
/// Time beside compiling: to check, link and keep a component.
const COMPILE_TIME_SPARE: Duration = Duration::from_secs(5);

/// Runs components with wasmtime. Clones share everything.
#[derive(Clone)]
pub struct WasmSandbox {
    machine: Arc<Machine>,
    linker: Arc<Linker<State>>,
    compilations: Arc<Semaphore>,
    cache: Option<Arc<Cache>>,
}

impl WasmSandbox {
    /// Reserves the pool that instances live in, and starts the thread that ends time slices.
    ///
    /// Fails where an option is out of bounds, or where this machine does not allow the
    /// address space or memory maps that `instances_max` asks for, or where the directory for
    /// compiled code is not the owner's alone.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let options = options.checked()?;
        let engine = engine::new(&options)?;
        let linker = host::linker(&engine).map_err(|error| {
            SandboxError::new(ErrorKind::Engine, format!("cannot link the host: {error:#}"))
        })?;
        let ticker = Ticker::start(&engine, options.tick)?;
        let cache = options.cache_dir.as_deref().map(Cache::open).transpose()?.map(Arc::new);
        let core_dumps = options.core_dump_dir.as_deref().map(CoreDumps::open).transpose()?;
        let core_dumps = core_dumps.map(Arc::new);
        Ok(Self {
            machine: Arc::new(Machine { engine, ticker, options, core_dumps }),
            linker: Arc::new(linker),
            compilations: Arc::new(Semaphore::new(COMPILATIONS_MAX)),
            cache,
        })
    }

    async fn load(self, source: PluginSource) -> Result<Arc<dyn Plugin>, LoadError> {
        self.check_size(&source)?;
        let digest = Digest::of(&source.bytes);
        let permit = Arc::clone(&self.compilations).acquire_owned().await;
        let (compiler, compiled) = (self.clone(), source.clone());
        let compiling = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            compiler.compile(&compiled)
        });
        // A child ends earlier by itself; only this process's own compiler cannot be stopped.
        let time_max = self.machine.options.compile_time_max + COMPILE_TIME_SPARE;
        let compiled = tokio::time::timeout(time_max, compiling).await.map_err(|_| {
            LoadError(format!(
                "this component takes more than {time_max:?} to compile, and goes on: make it \
                 smaller, or raise the host's compile_time_max"
            ))
        })?;
        let (linked, granted) = compiled
            .map_err(|error| LoadError(format!("this component cannot be compiled: {error}")))??;
        let jobs = self.describe(&linked).await?;
        tracing::debug!(plugin = source.name, digest = digest.short(), "plugin loaded");
        Ok(Arc::new(WasmPlugin {
            inner: Arc::new(Inner {
                machine: Arc::clone(&self.machine),
                linked,
                granted: Arc::new(granted),
            }),
            digest,
            jobs,
        }))
    }

    fn check_size(&self, source: &PluginSource) -> Result<(), LoadError> {
        let bytes_max = self.machine.options.component_bytes_max;
        let bytes = source.bytes.len() as u64;
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(LoadError(format!(
            "this file has {bytes} bytes, more than the {bytes_max} that the host allows: build \
             it with `strip = true`, or raise the host's component_bytes_max"
        )))
    }

    fn check_memory(&self, inspection: &Inspection) -> Result<(), LoadError> {
        let bytes_max = self.machine.options.memory_bytes_max;
        let bytes = inspection.initial_memory_bytes;
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(LoadError(format!(
            "this component's memory begins with {bytes} bytes, more than the {bytes_max} that \
             the host allows: build it with a smaller --initial-memory, or raise the host's limit \
             of memory"
        )))
    }

    /// Everything that takes long and runs nothing of the component.
    fn compile(&self, source: &PluginSource) -> Result<(Linked, Granted), LoadError> {
        let inspection = inspect(&source.bytes)?;
        self.check_memory(&inspection)?;
        let jobs = linking::check(&inspection)?;
        linking::check_grants(&inspection, source)?;
        let resolver = &self.machine.options.resolver;
        let granted = Granted::prepare(source.grants.clone(), resolver).map_err(LoadError)?;
        let engine = &self.machine.engine;
        let cached = self.cache.as_ref().and_then(|cache| cache.get(engine, &inspection.digest));
        let component = match cached {
            Some(component) => component,
            None => {
                let component = compile::component(engine, &self.machine.options, &source.bytes)?;
                if let Some(cache) = &self.cache {
                    cache.put(&inspection.digest, &component);
                }
                component
            }
        };
        Ok((linking::link(&self.linker, &component, &inspection, jobs)?, granted))
    }

    async fn describe(&self, linked: &Linked) -> Result<Vec<JobDescription>, LoadError> {
        let limits = describe::limits();
        let grace = self.machine.options.cancel_grace;
        let watch = Arc::new(Watch::new(&limits, Arc::new(Cancellation::new()), grace));
        let (sink, nothing) = (Arc::new(NoSink), Arc::new(Granted::default()));
        let level = LogLevel::Error;
        let state = State::new(nobody(), &limits, level, sink, Arc::clone(&watch), &nothing)
            .map_err(LoadError)?;
        let called = attempt::call::<_, DescribeResult>(
            &self.machine,
            &linked.pre,
            &linked.describe,
            state,
            describe::ANSWER_BYTES_MAX,
            (),
        )
        .await;
        let attempt::Called { mut state, result, core_dump } = called;
        let fault = match result {
            Ok((described,)) => return describe::convert(described),
            Err(fault) => fault,
        };
        let panic = state.finish();
        let case = verdict::Case {
            limits: &limits,
            usage: Usage::default(),
            memory: &state.memory,
            panic,
            last_log_lines: Vec::new(),
            core_dump,
            hostcall_bytes: describe::ANSWER_BYTES_MAX,
        };
        let problem = match case.of_fault(&fault) {
            Ok(zapjobs_model::Outcome::Stopped { error, .. }) | Err(error) => error.message,
            Ok(other) => format!("{other:?}"),
        };
        Err(LoadError(format!(
            "this plugin fails to describe itself: {problem}: fix its `describe`"
        )))
    }
}

impl Sandbox for WasmSandbox {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>> {
        Box::pin(self.clone().load(source))
    }
}

/// A component that is ready to run.
struct WasmPlugin {
    inner: Arc<Inner>,
    digest: Digest,
    jobs: Vec<JobDescription>,
}

struct Inner {
    machine: Arc<Machine>,
    linked: Linked,
    granted: Arc<Granted>,
}

impl Plugin for WasmPlugin {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn jobs(&self) -> &[JobDescription] {
        &self.jobs
    }

    fn imports(&self) -> &[String] {
        &self.inner.linked.imports
    }

    fn run(
        &self,
        invocation: Invocation,
        sink: Arc<dyn RunSink>,
        cancellation: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let Inner { machine, linked, granted } = &*inner;
            attempt::run(machine, linked, granted, invocation, sink, cancellation).await
        })
    }
}

/// The context of a plugin that describes itself: no run at all.
fn nobody() -> RunContext {
    RunContext {
        run: RunId(Default::default()),
        tenant: TenantId::standard(),
        job_type: JobType::new("describe").expect("a good name"),
        attempt: 1,
        max_attempts: 1,
        trigger: Trigger::Manual,
        correlation_id: None,
        deadline: None,
        metadata: BTreeMap::new(),
    }
}
