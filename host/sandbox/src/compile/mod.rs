//! Compiles a component, here or in a process of its own.
//!
//! **Invariant:** what comes out was compiled by this same program with this same engine's
//! settings; nothing of the component has run.
//!
//! Compiling code from strangers is the sandbox's largest piece of work outside every guest
//! limit: a component within [`crate::structure`]'s bounds can still be made to take long or
//! much memory. A child process ([`child`]) has limits that the kernel keeps, and if the
//! compiler crashes or is taken over, it is in a process without files, environment or
//! connections. The parent loads what the child answers. That asks for the same trust as
//! compiling here: whoever could make the compiler emit code of his choice could do so in
//! either process, and the code only ever runs as a guest's.

pub(crate) mod child;
mod order;
mod parent;

use wasmtime::Engine;
use wasmtime::component::Component;
use zapjobs_model::port::LoadError;

use crate::options::{Compiler, SandboxOptions};
use crate::text;

/// Compiles, within the options' bounds where that is done by a child.
pub(crate) fn component(
    engine: &Engine,
    options: &SandboxOptions,
    bytes: &[u8],
) -> Result<Component, LoadError> {
    match &options.compiler {
        Compiler::InThisProcess => Component::from_binary(engine, bytes)
            .map_err(|error| not_allowed(&format!("{error:#}"))),
        Compiler::Child { program, arguments } => {
            parent::component(engine, options, (program, arguments), bytes)
        }
    }
}

/// What the compiler says of a component that it does not take.
fn not_allowed(problem: &str) -> LoadError {
    LoadError(format!(
        "this component uses what this host does not allow: {}: rebuild it without",
        text::name(problem, 500)
    ))
}
