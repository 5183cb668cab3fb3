//! One attempt: a fresh store, a fresh instance, one call, and nothing left of them.
//!
//! **Invariant:** the store is made here and dropped here. What the guest did comes out as a
//! value; [`crate::verdict`] says what it means.

use std::pin::pin;
use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};
use zapjobs_model::port::{Cancellation, Invocation, RunSink};
use zapjobs_model::{Blame, Limits, Report, RunError, Usage};

use crate::contract::{RunParams, RunResult};
use crate::core_dump::CoreDumps;
use crate::granted::Granted;
use crate::host::State;
use crate::linking::Linked;
use crate::options::SandboxOptions;
use crate::panic::Panic;
use crate::ticker::Ticker;
use crate::verdict;
use crate::watch::{Halt, Watch, Watched};

/// Bytes of an answer beside its output: a failure's texts.
const ANSWER_BYTES_SPARE: u64 = 256 << 10;

/// What every attempt of every plugin needs.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) options: SandboxOptions,
    pub(crate) core_dumps: Option<Arc<CoreDumps>>,
}

/// What a call into a guest leaves.
pub(crate) struct Called<R> {
    /// The store's state.
    pub(crate) state: State,
    /// The answer, or why there is none.
    pub(crate) result: Result<R, Fault>,
    /// Where the guest's memory was written to, or why it was not, if someone wants it.
    pub(crate) core_dump: Option<String>,
}

/// Why a call into a guest has no answer.
pub(crate) enum Fault {
    /// It was stopped.
    Halted {
        /// Why.
        halt: Halt,
        /// Where it was, if it computed.
        error: Option<wasmtime::Error>,
    },
    /// It could not begin.
    Start(wasmtime::Error),
    /// It ended without answering.
    Call(wasmtime::Error),
}

/// Makes one attempt at a run.
pub(crate) async fn run(
    machine: &Machine,
    linked: &Linked,
    granted: &Arc<Granted>,
    invocation: Invocation,
    sink: Arc<dyn RunSink>,
    cancellation: Arc<Cancellation>,
) -> Result<Report, RunError> {
    let Invocation { context, input, limits, services } = invocation;
    if input.as_str().len() as u64 > limits.input_bytes_max {
        let outcome = verdict::input_too_large(input.as_str().len(), &limits);
        return Ok(Report { outcome, usage: Usage::default() });
    }
    let watch = Arc::new(Watch::new(&limits, cancellation, machine.options.cancel_grace));
    let job = context.job_type.clone();
    let level_min = machine.options.log_level_min;
    let state = State::new(context, &limits, level_min, sink, Arc::clone(&watch), granted)
        .map_err(|problem| RunError::new(Blame::Operator, "grant", problem))?
        .with_services(services);
    let hostcall_bytes = hostcall_bytes(&limits);
    let params: RunParams<'_> = (job.as_str(), input.as_str());
    let Called { mut state, result, core_dump } =
        call::<_, RunResult>(machine, &linked.pre, &linked.run, state, hostcall_bytes, params)
            .await;

    let asked_to_stop = watch.is_cancelled();
    let (mut usage, panic) = finish(&mut state, &watch);
    if let Ok((Ok(output),)) = &result {
        usage.output_bytes = output.len() as u64;
    }
    let case = verdict::Case {
        limits: &limits,
        usage,
        memory: &state.memory,
        panic,
        last_log_lines: state.journal.lock().last_lines(),
        core_dump,
        hostcall_bytes,
    };
    let outcome = match result {
        Ok((answer,)) => case.of_answer(&answer, asked_to_stop),
        Err(fault) => case.of_fault(&fault)?,
    };
    Ok(Report { outcome, usage })
}

/// Bytes that a guest may pass to the host in one call: what its limit says, or what its answer
/// needs where that is more, because an answer passes the same way.
fn hostcall_bytes(limits: &Limits) -> usize {
    let answer = limits.output_bytes_max.saturating_add(ANSWER_BYTES_SPARE);
    usize::try_from(limits.hostcall_bytes_max.max(answer)).unwrap_or(usize::MAX)
}

/// Says what the guest left unsaid, what was used, and whether it panicked.
fn finish(state: &mut State, watch: &Watch) -> (Usage, Option<Panic>) {
    let panic = state.finish();
    let mut usage = Usage {
        cpu_us: micros(watch.cpu()),
        wall_us: micros(watch.wall()),
        wait_us: micros(watch.waited()),
        memory_bytes_peak: state.memory.bytes_peak(),
        ..Usage::default()
    };
    state.count(&mut usage);
    (usage, panic)
}

/// Calls one function of a fresh instance, under watch.
pub(crate) async fn call<P, R>(
    machine: &Machine,
    pre: &InstancePre<State>,
    export: &ComponentExportIndex,
    state: State,
    hostcall_bytes: usize,
    params: P,
) -> Called<R>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let watch = Arc::clone(&state.watch);
    let mut store = store(&machine.engine, state, hostcall_bytes);
    let watched = {
        let call = pin!(async {
            let instance = pre.instantiate_async(&mut store).await.map_err(Fault::Start)?;
            let function =
                instance.get_typed_func::<P, R>(&mut store, export).map_err(Fault::Start)?;
            function.call_async(&mut store, params).await.map_err(Fault::Call)
        });
        Watched::new(call, &watch, &machine.ticker, &machine.engine).await
    };
    let core_dump = match (&machine.core_dumps, &watched) {
        (Some(dumps), Ok(Err(Fault::Start(error) | Fault::Call(error)))) => {
            Some(dumps.write(&mut store, error).await)
        }
        _ => None,
    };
    let state = store.into_data();
    let result = match (watched, state.halted) {
        (Ok(Ok(answer)), _) => Ok(answer),
        (Ok(Err(Fault::Start(error) | Fault::Call(error))), Some(halt)) => {
            Err(Fault::Halted { halt, error: Some(error) })
        }
        (Ok(Err(fault)), _) => Err(fault),
        (Err(halt), _) => Err(Fault::Halted { halt, error: None }),
    };
    Called { state, result, core_dump }
}

fn store(engine: &Engine, state: State, hostcall_bytes: usize) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(hostcall_bytes);
    // Until the next tick; a store whose deadline is never set would trap at once.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let state = store.data_mut();
        state.reports.catch_up();
        Ok(state.watch.tick(&mut state.halted))
    });
    store
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
