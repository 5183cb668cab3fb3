//! Runs as lines of JSON.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use zapjobs_model::{JobType, Json, Priority, QueueName, Tag};

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
    let failed =
        |error: std::io::Error| Failure::usage(format!("the runs {place} cannot be read: {error}"));
    let mut text = String::new();
    let read = match place {
        "-" => std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_string(&mut text),
        path => {
            let file = std::fs::File::open(path).map_err(failed)?;
            file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)
        }
    };
    read.map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::usage(format!("the runs {place} are longer than 64 MiB: split them")));
    }
    Ok(text)
}
