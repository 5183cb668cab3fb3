//! The benchmarks run; their figures are not judged.

use std::process::Command;

use anyhow::Result;

use super::{Report, Session, Step};
use crate::process;

pub(super) const STEP: Step = Step { name: "bench", about: "the benchmarks run, briefly", run };

fn run(session: &Session) -> Result<Report> {
    session.workspace.build_programs()?;
    process::run(Command::new(session.workspace.program("zapjobs-bench")).arg("--smoke"))?;
    Ok(Report::default())
}
