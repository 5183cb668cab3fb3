//! All sources are formatted.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::process;

pub(super) const STEP: Step = Step { name: "fmt", about: "all sources are formatted", run };

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    process::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    for guests in workspace.guests() {
        let mut fmt = workspace.cargo(&["fmt", "--all", "--check", "--manifest-path"]);
        process::run(fmt.arg(&guests.manifest))?;
    }
    Ok(Report::default())
}
