//! What the API answers about runs, where that is no type of the model.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use zapjobs_model::{
    Dependency, JobType, Lease, Run, RunId, RunStatus, Signal, Step, Timestamp, Wait,
};
use zapjobs_runtime::{BulkReport, DeadLetterGroups, DeadLetters};

#[derive(Deserialize)]
pub(super) struct SubmittedRuns {
    pub(super) ids: Vec<RunId>,
    pub(super) results: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct RunPage {
    pub(super) runs: Vec<Run>,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CutPage {
    pub(super) runs: Vec<CutRun>,
}

/// What is left out of a run on a page.
#[derive(Deserialize)]
pub(super) struct CutRun {
    pub(super) id: RunId,
    #[serde(default)]
    pub(super) cut: Vec<String>,
}

/// What is shown of a run beside itself.
#[derive(Deserialize)]
pub(super) struct Beside {
    pub(super) after: Vec<Dependency>,
    pub(super) wait: Option<Wait>,
    pub(super) signals: Vec<Signal>,
}

#[derive(Deserialize)]
pub(super) struct LogLines<'a> {
    #[serde(borrow)]
    pub(super) entries: Vec<&'a RawValue>,
    pub(super) next: Option<String>,
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct LogPlace {
    pub(super) run: RunId,
    pub(super) lease: Lease,
    pub(super) index: u32,
}

#[derive(Deserialize)]
pub(super) struct StepList {
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
pub(super) struct Changed {
    pub(super) status: Option<RunStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Matching {
    pub(super) matching: usize,
    pub(super) has_more: bool,
}

/// What became of many runs.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Bulk {
    done: usize,
    asked: usize,
    refused: BTreeMap<String, usize>,
    gone: usize,
    has_more: bool,
}

impl From<Bulk> for BulkReport {
    fn from(bulk: Bulk) -> Self {
        let Bulk { done, asked, refused, gone, has_more } = bulk;
        Self { done, asked, refused, gone, has_more }
    }
}

/// Failed runs in groups.
#[derive(Deserialize)]
pub(super) struct Groups {
    groups: Vec<Group>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Group {
    job_type: JobType,
    error_type: String,
    count: usize,
    first_at: Option<Timestamp>,
    latest_at: Option<Timestamp>,
    latest_run: RunId,
    message: String,
}

impl From<Groups> for DeadLetterGroups {
    fn from(groups: Groups) -> Self {
        let group = |it: Group| DeadLetters {
            job_type: it.job_type,
            error_type: it.error_type,
            count: it.count,
            first_at: it.first_at,
            latest_at: it.latest_at,
            latest_run: it.latest_run,
            message: it.message,
        };
        let has_more = groups.has_more;
        Self { groups: groups.groups.into_iter().map(group).collect(), has_more }
    }
}
