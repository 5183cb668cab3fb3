//! The benchmarks run; their figures are not judged.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::{bench, process};

pub(super) const STEP: Step = Step { name: "bench", about: "the benchmarks run, briefly", run };

/// A small round of each.
const SMOKES: [&[&str]; 5] = [
    &["--smoke"],
    &["neighbours", "--seconds", "1", "--attacks", "200"],
    &["waiting", "--runs", "1000"],
    &["swaps", "--swaps", "20"],
    &["limits", "--storage", "memory:", "--jobs", "2000", "--keys", "100", "--batch", "50"],
];

fn run(session: &Session) -> Result<Report> {
    session.workspace.build_programs()?;
    for arguments in SMOKES {
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        process::run(&mut bench::program(&session.workspace, &arguments))?;
    }
    Ok(Report::default())
}
