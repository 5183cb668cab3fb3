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

mod attack;
mod attacks;

mod heard;
mod place;
mod scene;

mod machine;
mod neighbour;

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

/// A component whose core modules are these, as the text format has them: `code` stands for
/// what an attack adds. For tests that make modules at random.
pub fn wrapped(fields: &str, run: &str) -> Result<Vec<u8>, String> {
    component::Component::new().code(fields).run(run).try_build()
}
