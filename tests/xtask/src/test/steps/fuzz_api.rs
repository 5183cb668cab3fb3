//! The HTTP API answers as its OpenAPI document says, whatever it is asked.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::fuzz_api::Fuzzer;
use crate::test::counts::Counts;
use crate::{browser, process};

pub(super) const STEP: Step =
    Step { name: "fuzz-api", about: "requests made of the OpenAPI document, against a host", run };

/// The same requests every time.
const SEED: u32 = 1;

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    let fuzzer = Fuzzer::find(workspace)?;
    workspace.build_programs()?;
    let host = browser::Host::start(workspace)?;
    process::run(&mut fuzzer.against(host.url(), SEED))?;
    let tests = Counts { passed: 1, ..Counts::default() };
    Ok(Report { tests, note: format!("seed {SEED}") })
}
