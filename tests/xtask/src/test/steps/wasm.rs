//! Components can be compiled.

use anyhow::Result;

use super::{Report, Session, Step};

pub(super) const STEP: Step = Step { name: "wasm", about: "components can be compiled", run };

fn run(session: &Session) -> Result<Report> {
    Ok(Report::noted(session.wasm()?.to_string()))
}
