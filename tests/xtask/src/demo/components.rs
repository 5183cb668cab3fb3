//! Building components.

use anyhow::Result;

use crate::process;
use crate::wasm_target::{TARGET, WasmToolchain};
use crate::workspace::{GuestWorkspace, Workspace};

/// Builds every component of a workspace.
pub(crate) fn build(
    workspace: &Workspace,
    guests: &GuestWorkspace,
    toolchain: &WasmToolchain,
) -> Result<()> {
    let mut build = workspace.cargo(&["build", "--release", "--workspace", "--target", TARGET]);
    guests.aim(&mut build);
    toolchain.apply(&mut build);
    process::run(&mut build)
}
