//! The benchmarks run; their figures are not judged.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::{bench, process};

pub(super) const STEP: Step = Step { name: "bench", about: "the benchmarks run, briefly", run };

fn run(session: &Session) -> Result<Report> {
    session.workspace.build_programs()?;
    process::run(&mut bench::program(&session.workspace, &["--smoke".to_owned()]))?;
    Ok(Report::default())
}
