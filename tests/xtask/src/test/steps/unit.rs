//! All tests of the workspace.

use anyhow::{Result, bail};

use super::{Report, Session, Step};
use crate::process;
use crate::test::counts::Counts;

pub(super) const STEP: Step = Step { name: "unit", about: "all tests of the workspace", run };

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    // End-to-end tests start them.
    workspace.build_programs()?;
    let arguments: &[&str] = if process::exists("cargo-nextest", "--version") {
        &["nextest", "run", "--release", "--workspace", "--no-fail-fast"]
    } else {
        &["test", "--release", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]
    };
    let mut tests = workspace.cargo(arguments);
    for guests in workspace.guests() {
        // Tests take the components that were built here, and need no compiler of their own.
        if guests.components().is_dir() {
            tests.env(guests.variable, guests.components());
        }
    }
    session.wasm()?.announce(&mut tests);
    session.services()?.announce(&mut tests);
    let counts = Counts::read(&process::run_and_keep(&mut tests)?);
    if counts.ran() == 0 {
        bail!("no test ran");
    }
    Ok(Report::counted(counts))
}
