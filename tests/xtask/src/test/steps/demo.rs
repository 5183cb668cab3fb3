//! The demo runs through.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::demo;

pub(super) const STEP: Step = Step { name: "demo", about: "the demo runs through", run };

fn run(session: &Session) -> Result<Report> {
    demo::run(&session.workspace, &demo::Options::once())?;
    Ok(Report::default())
}
