//! Flow control: how many runs may be under way, and how many may begin in a time, over all
//! hosts.
//!
//! A run that a limit applies to is *held* when its time has come, and *admitted* (made pending)
//! when every limit that applies to it has room. Held runs of one tenant, queue, job type and key
//! form a [`Line`]: they face the same limits, and go in the order of claims. What a limit counts
//! is a [`gate`](FlowLimits::gates): one for each limit, and one for each key of a limit per key.
//!
//! **Invariant:** a run takes a slot in all of its gates at once or in none, and keeps them until
//! it is neither pending nor running.
//!
//! In reading order: [`LimitScope`] says what is limited, [`FlowLimit`] how, [`RateState`]
//! what a rate remembers, and [`Admission`] decides who goes.

mod admission;
mod first_runs;
mod gate;
mod limit;
mod limits;
mod rate;
mod scope;

pub use admission::{
    ADMIT_RUNS_MAX, Admission, AdmittedRun, GateAsked, HEADS_READ_MAX, HeldLine, HeldRun,
    LINES_LOOKED_AT_MAX, LineAt, Plan,
};
pub use first_runs::first_looks;
pub use gate::GateUse;
pub use limit::{
    CONCURRENCY_MAX, FlowLimit, InvalidFlowLimit, LimitChange, RATE_COUNT_MAX, RATE_PER_MAX,
    RATE_PER_MIN, Rate, RateAlgorithm,
};
pub use limits::{FlowLimits, LIMITS_MAX, Line};
pub use rate::RateState;
pub use scope::{InvalidScope, LimitKeyPointer, LimitScope};

#[cfg(test)]
mod tests;
