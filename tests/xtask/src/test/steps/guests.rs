//! The example plugins and the guests of tests build.

use anyhow::{Context, Result};

use super::{Report, Session, Step};
use crate::demo;

pub(super) const STEP: Step = Step { name: "guests", about: "all components build", run };

fn run(session: &Session) -> Result<Report> {
    let mut names = Vec::new();
    for guests in session.workspace.guests() {
        demo::build_components(&session.workspace, &guests, session.wasm()?)
            .with_context(|| format!("build the components in {}", guests.name))?;
        names.push(guests.name);
    }
    Ok(Report::noted(names.join(", ")))
}
