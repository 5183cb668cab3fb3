//! What the README tells newcomers to type works as it stands.

use std::fs;

use anyhow::{Context, Result};

use super::{Report, Session, Step};
use crate::test::quickstart;

pub(super) const STEP: Step =
    Step { name: "quickstart", about: "the README's quick start works as it stands", run };

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    let readme =
        fs::read_to_string(workspace.root().join("README.md")).context("read README.md")?;
    let script = quickstart::script(&readme)?;
    workspace.build_programs()?;
    quickstart::run(&script, workspace, session.wasm()?)?;
    Ok(Report::noted(format!("{} lines", script.lines().count())))
}
