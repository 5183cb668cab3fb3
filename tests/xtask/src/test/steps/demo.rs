//! The demo runs through, on each kind of storage.

use anyhow::{Context, Result};

use super::{Report, Session, Step};
use crate::demo;

pub(super) const STEP: Step =
    Step { name: "demo", about: "the demo runs through on each storage", run };

/// The servers that it runs on, beside a SQLite file.
const SERVERS: [&str; 4] = [
    "ZAPJOBS_TEST_POSTGRES",
    "ZAPJOBS_TEST_REDIS",
    "ZAPJOBS_TEST_REDIS_SENTINEL",
    "ZAPJOBS_TEST_REDIS_CLUSTER",
];

fn run(session: &Session) -> Result<Report> {
    demo::run(&session.workspace, &demo::Options::once(None))?;
    for server in SERVERS {
        let url = session.services()?.url(server)?;
        demo::run(&session.workspace, &demo::Options::once(Some(url)))
            .with_context(|| format!("the demo on {server}"))?;
    }
    Ok(Report::noted("SQLite, PostgreSQL, Redis, Redis Sentinel, Redis Cluster"))
}
