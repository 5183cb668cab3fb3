//! The tests of the example plugins, natively.

use anyhow::{Result, bail};

use super::{Report, Session, Step};
use crate::process;
use crate::test::counts::Counts;

pub(super) const STEP: Step =
    Step { name: "plugins", about: "native tests of the example plugins", run };

fn run(session: &Session) -> Result<Report> {
    let mut counts = Vec::new();
    for guests in session.workspace.guests().iter().filter(|guests| guests.name == "plugins") {
        let mut tests = session.workspace.cargo(&["test", "--workspace", "--no-fail-fast"]);
        guests.aim(&mut tests);
        counts.push(Counts::read(&process::run_and_keep(&mut tests)?));
    }
    let counts: Counts = counts.into_iter().sum();
    if counts.ran() == 0 {
        bail!("no test ran");
    }
    Ok(Report::counted(counts))
}
