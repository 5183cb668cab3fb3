//! Notes on definitions how their latest runs ended: for people, about once a second.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_storage::Result;

use super::Service;
use crate::host_core::Core;

const REST: Duration = Duration::from_secs(1);

pub(crate) struct NoteStatus;

#[async_trait]
impl Service for NoteStatus {
    fn name(&self) -> &'static str {
        "note-status"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let latest = core.take_last_statuses();
        if !latest.is_empty() {
            core.storage.note_last_status(&latest).await?;
        }
        Ok(REST)
    }
}
