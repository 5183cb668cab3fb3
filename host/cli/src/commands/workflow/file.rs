//! A workflow as a file.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use zapjobs_model::{Condition, JobType, Json, Priority, QueueName, Tag};

use crate::commands::text_file;
use crate::errors::{Done, Failure};

/// Bytes of a file at most.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A workflow as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowFile<I> {
    /// What it is called.
    #[serde(default)]
    pub(super) name: String,
    pub(super) nodes: Vec<NodeFile<I>>,
}

/// A node as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeFile<I> {
    pub(super) name: String,
    pub(super) job: JobType,
    pub(super) input: Option<I>,
    /// Names of nodes, each with `:success`, `:failure` or `:always` behind it or nothing.
    #[serde(default)]
    pub(super) after: Vec<String>,
    pub(super) queue: Option<QueueName>,
    #[serde(default)]
    pub(super) priority: Priority,
    pub(super) max_attempts: Option<u32>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// Reads `FILE`, or `-` for stdin. Of TOML, inputs become JSON.
pub(super) fn read(place: &str) -> Done<WorkflowFile<Json>> {
    let text = text(place)?;
    if !place.ends_with(".toml") {
        return parsed(place, serde_json::from_str(&text));
    }
    let file: WorkflowFile<serde_json::Value> = parsed(place, toml::from_str(&text))?;
    let nodes = file.nodes.into_iter().map(|node| {
        let input = node.input.as_ref().map(Json::of).transpose();
        let input = input.map_err(|error| Failure::usage(format!("{place}: {error}")))?;
        let NodeFile { name, job, after, queue, priority, max_attempts, tags, .. } = node;
        Ok(NodeFile { name, job, input, after, queue, priority, max_attempts, tags })
    });
    Ok(WorkflowFile { name: file.name, nodes: nodes.collect::<Done<_>>()? })
}

/// What a node follows, and how that must end.
pub(super) fn followed(node: &str, text: &str) -> Done<(String, Condition)> {
    match text.split_once(':') {
        None => Ok((text.to_owned(), Condition::Success)),
        Some((name, on)) => match on.parse() {
            Ok(on) => Ok((name.to_owned(), on)),
            Err(error) => Err(Failure::usage(format!("node {node:?}, after {text:?}: {error}"))),
        },
    }
}

fn text(place: &str) -> Done<String> {
    let read = text_file::read(place, FILE_BYTES_MAX)
        .map_err(|error| Failure::usage(format!("the workflow {place} cannot be read: {error}")))?;
    read.ok_or_else(|| Failure::usage(format!("the workflow {place} is longer than 64 MiB")))
}

fn parsed<T: DeserializeOwned, E: std::fmt::Display>(place: &str, parsed: Result<T, E>) -> Done<T> {
    parsed.map_err(|error| Failure::usage(format!("the workflow {place}: {error}")))
}
