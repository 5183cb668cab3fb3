//! Clippy has nothing to say, for this machine and for components.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::process;
use crate::wasm_target::TARGET;
use crate::workspace::GuestWorkspace;

pub(super) const STEP: Step = Step { name: "clippy", about: "no warnings", run };

/// The host is checked in the profile that it is built in: build scripts and macros are shared.
const HOST: [&str; 4] = ["clippy", "--release", "--workspace", "--all-targets"];

fn run(session: &Session) -> Result<Report> {
    let mut host = session.workspace.cargo(&HOST);
    process::run(host.args(["--", "-D", "warnings"]))?;
    for guests in session.workspace.guests() {
        if guests.name == "plugins" {
            native(session, &guests)?;
        }
        if session.wasm()?.has_clippy() {
            components(session, &guests)?;
        }
    }
    let has_clippy = session.wasm()?.has_clippy();
    Ok(Report::noted(if has_clippy { "" } else { "components not checked: no clippy for them" }))
}

/// Plugins have tests that run natively; these are built in the dev profile.
fn native(session: &Session, guests: &GuestWorkspace) -> Result<()> {
    let mut clippy = session.workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
    guests.aim(&mut clippy);
    process::run(clippy.args(["--", "-D", "warnings"]))
}

fn components(session: &Session, guests: &GuestWorkspace) -> Result<()> {
    let mut clippy = session.workspace.cargo(&["clippy", "--release", "--workspace"]);
    guests.aim(&mut clippy);
    process::run(clippy.args(["--target", TARGET, "--", "-D", "warnings"]))
}
