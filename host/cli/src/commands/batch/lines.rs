//! Runs as lines of JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use zapjobs_model::{JobType, Json, Priority, QueueName, Tag};

use crate::commands::text_file;
use crate::errors::{Done, Failure};

/// Bytes of a file at most.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A run as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunLine {
    pub(super) job: JobType,
    pub(super) input: Option<Json>,
    pub(super) queue: Option<QueueName>,
    #[serde(default)]
    pub(super) priority: Priority,
    pub(super) max_attempts: Option<u32>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads `FILE`, or `-` for stdin. Empty lines are passed over.
pub(super) fn read(place: &str) -> Done<Vec<RunLine>> {
    let text = text(place)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(at, line)| {
        serde_json::from_str(line)
            .map_err(|error| Failure::usage(format!("{place} line {}: {error}", at + 1)))
    });
    read.collect()
}

fn text(place: &str) -> Done<String> {
    let read = text_file::read(place, FILE_BYTES_MAX)
        .map_err(|error| Failure::usage(format!("the runs {place} cannot be read: {error}")))?;
    read.ok_or_else(|| {
        Failure::usage(format!("the runs {place} are longer than 64 MiB: split them"))
    })
}
