//! One attempt: a fresh store, a fresh instance, one call, and nothing left of them.
//!
//! **Invariant:** the store is made here and dropped here. What the guest did comes out as a
//! value; [`crate::verdict`] says what it means.

use std::pin::pin;
use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};
use zapjobs_model::port::{Cancellation, Invocation, RunSink};
use zapjobs_model::{Blame, Report, RunError, Usage};

use crate::contract::{RunParams, RunResult};
use crate::granted::Granted;
use crate::host::State;
use crate::linking::Linked;
use crate::options::SandboxOptions;
use crate::panic::Panic;
use crate::ticker::Ticker;
use crate::verdict;
use crate::watch::{Halt, Watch, Watched};

/// Bytes that a guest may pass to the host in one call at least, whatever its limits.
const HOSTCALL_BYTES_MIN: usize = 8 << 20;
/// Bytes of an answer beside its output: a failure's texts.
const ANSWER_BYTES_SPARE: usize = 256 << 10;

/// What every attempt of every plugin needs.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) options: SandboxOptions,
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
    let Invocation { context, input, limits } = invocation;
    if input.as_str().len() as u64 > limits.input_bytes_max {
        let outcome = verdict::input_too_large(input.as_str().len(), &limits);
        return Ok(Report { outcome, usage: Usage::default() });
    }
    let watch = Arc::new(Watch::new(&limits, cancellation, machine.options.cancel_grace));
    let job = context.job_type.clone();
    let level_min = machine.options.log_level_min;
    let state = State::new(context, &limits, level_min, sink, Arc::clone(&watch), granted)
        .map_err(|problem| RunError::new(Blame::Operator, "grant", problem))?;
    let output_bytes_max = usize::try_from(limits.output_bytes_max).unwrap_or(usize::MAX);
    let hostcall_bytes =
        output_bytes_max.saturating_add(ANSWER_BYTES_SPARE).max(HOSTCALL_BYTES_MIN);
    let params: RunParams<'_> = (job.as_str(), input.as_str());
    let (state, called) =
        call::<_, RunResult>(machine, &linked.pre, &linked.run, state, hostcall_bytes, params)
            .await;

    let asked_to_stop = watch.is_cancelled();
    let (mut usage, panic) = count(&state, &watch);
    let outcome = match called {
        Ok((answer,)) => verdict::of_answer(answer, &limits, &mut usage, asked_to_stop),
        Err(fault) => verdict::Case { limits: &limits, usage, memory: &state.memory, panic }
            .of_fault(&fault)?,
    };
    Ok(Report { outcome, usage })
}

/// Ends the log, and says what was used and whether the guest panicked.
fn count(state: &State, watch: &Watch) -> (Usage, Option<Panic>) {
    let panic = state.journal.lock().finish();
    let mut usage = Usage {
        cpu_us: micros(watch.cpu()),
        wall_us: micros(watch.wall()),
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
) -> (State, Result<R, Fault>)
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
    let state = store.into_data();
    let result = match (watched, state.halted) {
        (Ok(Ok(answer)), _) => Ok(answer),
        (Ok(Err(Fault::Start(error) | Fault::Call(error))), Some(halt)) => {
            Err(Fault::Halted { halt, error: Some(error) })
        }
        (Ok(Err(fault)), _) => Err(fault),
        (Err(halt), _) => Err(Fault::Halted { halt, error: None }),
    };
    (state, result)
}

fn store(engine: &Engine, state: State, hostcall_bytes: usize) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(hostcall_bytes);
    // Until the next tick; a store whose deadline is never set would trap at once.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let state = store.data_mut();
        Ok(state.watch.tick(&mut state.halted))
    });
    store
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
