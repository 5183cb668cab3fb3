//! Sizes, unfinished code, paths, links.

use anyhow::Result;

use super::{Report, Session, Step};
use crate::hygiene;

pub(super) const STEP: Step =
    Step { name: "hygiene", about: "no unfinished code, stray paths or broken links", run };

fn run(session: &Session) -> Result<Report> {
    let files = hygiene::check(&session.workspace)?;
    Ok(Report::noted(format!("{files} files")))
}
