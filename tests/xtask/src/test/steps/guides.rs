//! What the README and the guides tell people to type works as it stands.

use std::fs;

use anyhow::{Context, Result};

use super::{Report, Session, Step};
use crate::test::guide;

pub(super) const STEP: Step =
    Step { name: "guides", about: "the README and the guides work as they stand", run };

/// Where the guides are.
const GUIDES: &str = "docs/guides";

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    let mut names = vec!["README.md".to_owned()];
    let folder = workspace.root().join(GUIDES);
    let mut guides = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {GUIDES}"))? {
        let name = entry.with_context(|| format!("read {GUIDES}"))?.file_name();
        guides.push(format!("{GUIDES}/{}", name.to_string_lossy()));
    }
    guides.sort();
    names.extend(guides);
    let mut pages = Vec::new();
    for name in names {
        let text = fs::read_to_string(workspace.root().join(&name));
        pages.push((name.clone(), text.with_context(|| format!("read {name}"))?));
    }
    let (script, typed) = guide::script(&pages)?;
    workspace.build_programs()?;
    guide::run(&script, workspace, session.wasm()?)?;
    Ok(Report::noted(format!("{typed} lines of {} pages", pages.len())))
}
