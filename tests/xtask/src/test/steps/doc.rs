//! The documentation builds without warnings, and its examples run.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::process;
use crate::test::counts::Counts;

pub(super) const STEP: Step =
    Step { name: "doc", about: "documentation builds and its examples run", run };

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    let mut doc = workspace.cargo(&["doc", "--release", "--workspace", "--no-deps"]);
    process::run(doc.arg("--document-private-items").env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut examples = workspace.cargo(&["test", "--release", "--workspace", "--doc"]);
    Ok(Report::counted(Counts::read(&process::run_and_keep(&mut examples)?)))
}
