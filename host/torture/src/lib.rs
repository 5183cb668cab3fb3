//! Hostile components, and the suite that lets them loose on a sandbox.
//!
//! **Invariant:** this crate knows a sandbox only through [`zapjobs_model::port`]: what it says
//! holds for whichever sandbox, with whatever options, it was given. A sandbox that hangs,
//! leaks or lets an attack through is reported, and never takes the suite with it.
//!
//! In reading order: `component` builds components of a few lines, `attacks` are the attacks
//! with what must become of each, `scene` carries one out, `neighbour` and `machine` look at
//! what it left behind, and `suite` makes a verdict of it.

mod component;
mod splice;

mod attack;
mod attacks;

mod heard;
mod place;
mod scene;
mod server;

mod machine;
mod neighbour;
mod nursery;

mod suite;
mod verdict;

pub use attack::Attack;
pub use attacks::all;
pub use suite::{Suite, SuiteError};
pub use verdict::Verdict;

/// An innocent component: it has one job, `attack`, which answers `null`.
pub fn innocent() -> Vec<u8> {
    component::Component::new().build()
}

/// The same component with one more core module, which is instantiated with it and may import
/// nothing. For tests that make modules at random.
pub fn innocent_with(module: &[u8]) -> Vec<u8> {
    splice::first_module(&splice::template(), module)
}

/// A component whose `run` is this, in the text format: an `i32` that says where its answer is.
/// It may call what the host provides: `log`, `report`, `timer` and so on, by these names. For
/// tests that make code at random.
pub fn component_that_runs(body: &str) -> Vec<u8> {
    use component::imports::{CANCELLATION, CLOCK, FILES, LOG, PROGRESS, RANDOM, STDOUT};
    let imports = [&LOG, &PROGRESS, &CANCELLATION, &CLOCK, &RANDOM, &STDOUT, &FILES];
    let component = imports.into_iter().fold(component::Component::new(), |it, i| it.import(i));
    component
        .code("(table $table 3 funcref) (elem (i32.const 0) $null $bool) (type $none (func (result i32)))")
        .run(body)
        .build()
}
