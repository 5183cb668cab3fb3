//! Changes of all runs that a filter takes.
//!
//! **Invariant:** a call looks at no more runs than it was told, goes from the newest to the
//! oldest, and counts what became of each: nothing is passed over in silence.

use std::collections::BTreeMap;

use serde::Serialize;
use zapjobs_model::{InvalidRequest, Json, Run, RunId, RunStatus};
use zapjobs_storage::{AlterResult, Alteration, PAGE_MAX, RunFilter, RunPageRequest, StorageError};

use crate::client::{Client, SubmitError};

/// Runs that one call looks at, unless it is told another number: 100,000.
pub const BULK_MAX: usize = 100_000;

/// Which runs a change of many is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Those that this takes. Where it names no status, those that the change can be made to.
    pub filter: RunFilter,
    /// Of these, those whose error has this type.
    pub error_type: Option<String>,
    /// How many to look at at most; [`BULK_MAX`] where absent.
    pub up_to: Option<usize>,
}

/// What became of the runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BulkReport {
    /// The change is made.
    pub done: usize,
    /// Running runs that were asked to stop.
    pub asked: usize,
    /// Runs that stood so meanwhile, or always, which does not allow it.
    pub refused: BTreeMap<String, usize>,
    /// Runs that were not there any more.
    pub gone: usize,
    /// Whether there were more runs than were looked at.
    pub has_more: bool,
}

impl BulkReport {
    /// Adds what another call did.
    pub(crate) fn add(&mut self, other: Self) {
        self.done += other.done;
        self.asked += other.asked;
        self.gone += other.gone;
        self.has_more |= other.has_more;
        for (status, count) in other.refused {
            *self.refused.entry(status).or_default() += count;
        }
    }

    fn count(&mut self, results: &[AlterResult]) {
        for result in results {
            match result {
                AlterResult::Altered => self.done += 1,
                AlterResult::Requested => self.asked += 1,
                AlterResult::NotFound => self.gone += 1,
                AlterResult::KeyHeld(_) => {
                    *self
                        .refused
                        .entry("barred by another run with their key".to_owned())
                        .or_default() += 1;
                }
                AlterResult::WrongStatus(status) => {
                    *self.refused.entry(status.name().to_owned()).or_default() += 1;
                }
            }
        }
    }
}

impl Client {
    /// Changes these runs, each once.
    pub async fn alter(
        &self,
        runs: &[RunId],
        alteration: &Alteration,
    ) -> Result<BulkReport, StorageError> {
        let mut runs = runs.to_vec();
        runs.sort_unstable();
        runs.dedup();
        let mut report = BulkReport::default();
        for runs in runs.chunks(PAGE_MAX) {
            report.count(&self.storage().alter(runs, alteration).await?);
        }
        Ok(report)
    }

    /// Changes all runs of a selection, page by page, newest first. Runs that come to match
    /// while it goes on may be left out.
    pub async fn alter_all(
        &self,
        selection: &Selection,
        alteration: &Alteration,
    ) -> Result<BulkReport, StorageError> {
        let mut report = BulkReport::default();
        let mut pages = Pages::new(selection, &alteration.statuses());
        while let Some(runs) = pages.next(self).await? {
            let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
            report.count(&self.storage().alter(&ids, alteration).await?);
        }
        report.has_more = pages.has_more;
        Ok(report)
    }

    /// How many runs of a selection a change would be made to, and whether there are more than
    /// were looked at.
    pub async fn count_matching(
        &self,
        selection: &Selection,
        alteration: &Alteration,
    ) -> Result<(usize, bool), StorageError> {
        let mut pages = Pages::new(selection, &alteration.statuses());
        let mut count = 0;
        while let Some(runs) = pages.next(self).await? {
            count += runs.len();
        }
        Ok((count, pages.has_more))
    }

    /// Checks an input against the schema of a run's job, as it is now.
    pub async fn check_input(&self, run: &Run, input: &Json) -> Result<(), SubmitError> {
        let bytes = input.as_str().len() as u64;
        let bytes_max = self.input_bytes_max();
        if bytes > bytes_max {
            return Err(InvalidRequest::InputTooLarge { bytes, bytes_max }.into());
        }
        let Some(definition) = self.storage().definition(&run.job_key()).await? else {
            return Ok(());
        };
        self.check_against_schema(&definition, input)
    }
}

/// The runs of a selection, page by page.
struct Pages<'a> {
    selection: &'a Selection,
    request: RunPageRequest,
    left: usize,
    is_over: bool,
    has_more: bool,
}

impl<'a> Pages<'a> {
    fn new(selection: &'a Selection, statuses: &[RunStatus]) -> Self {
        let mut filter = selection.filter.clone();
        if filter.statuses.is_empty() {
            filter.statuses = statuses.to_vec();
        }
        let request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
        let left = selection.up_to.unwrap_or(BULK_MAX);
        Self { selection, request, left, is_over: false, has_more: false }
    }

    /// The matches of the next page; none at the end.
    async fn next(&mut self, client: &Client) -> Result<Option<Vec<Run>>, StorageError> {
        if self.is_over {
            return Ok(None);
        }
        if self.left == 0 {
            self.has_more = true;
            return Ok(None);
        }
        self.request.limit = self.left.min(PAGE_MAX);
        let page = client.storage().runs(self.request.clone()).await?;
        self.left -= page.runs.len().min(self.left);
        self.request.after = page.next;
        self.is_over = page.next.is_none();
        let wanted = self.selection.error_type.as_deref();
        let is_wanted = |run: &Run| {
            wanted.is_none_or(|wanted| {
                run.error.as_ref().is_some_and(|error| error.error_type == wanted)
            })
        };
        Ok(Some(page.runs.into_iter().filter(is_wanted).collect()))
    }
}
