//! Imports run one way.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::layers;

pub(super) const STEP: Step = Step { name: "layers", about: "imports run one way", run };

fn run(session: &Session) -> Result<Report> {
    let edges = layers::check(&session.workspace)?;
    Ok(Report::noted(format!("{edges} imports")))
}
