//! The steps, in the order in which they run: what is quick to fail comes first.

pub(super) mod deny;

mod bench;
mod browser;
mod clippy;
mod demo;
mod doc;
mod fmt;
mod fuzz_api;
mod guests;
mod guides;
mod hygiene;
mod layers;
mod plugins;
mod unit;
mod wasm;

use super::{Report, Session, Step};

/// Every step.
pub(super) const ALL: &[&Step] = &[
    &fmt::STEP,
    &layers::STEP,
    &hygiene::STEP,
    &wasm::STEP,
    &guests::STEP,
    &clippy::STEP,
    &unit::STEP,
    &doc::STEP,
    &plugins::STEP,
    &browser::STEP,
    &fuzz_api::STEP,
    &deny::STEP,
    &guides::STEP,
    &demo::STEP,
    &bench::STEP,
];
