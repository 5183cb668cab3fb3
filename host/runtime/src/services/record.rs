//! Hands what runs say to the storage while they run.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_storage::Result;

use super::{PAUSE, Service};
use crate::host_core::Core;
use crate::recorder::FLUSH_INTERVAL;

pub(crate) struct Record;

#[async_trait]
impl Service for Record {
    fn name(&self) -> &'static str {
        "record"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        core.recorder.dirty().await;
        tokio::time::sleep(FLUSH_INTERVAL).await;
        let all_taken = core.recorder.flush(core.clock.now()).await;
        Ok(if all_taken { Duration::ZERO } else { PAUSE })
    }
}
