//! Which host processes are there.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::{Timestamp, WorkerId};
use zapjobs_storage::{Result, WorkerRecord, WorkerRegistry};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::unexpected;
use crate::record::encoded;
use crate::script::{Call, SCRIPTS, Script};
use crate::storage::micros;

/// Silent workers that one script forgets at most.
const STALE_PER_SCRIPT: usize = 500;

#[async_trait]
impl WorkerRegistry for RedisStorage {
    async fn heartbeat(&self, worker: &WorkerRecord) -> Result<()> {
        let mut call = self.worker_call(&SCRIPTS.heartbeat);
        call.arg(self.given_now()).arg(worker.id.to_string()).arg(encoded(worker));
        self.call("note a sign of life", &call).await.map(drop)
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        const OPERATION: &str = "list workers";
        let answer = self.call(OPERATION, &self.worker_call(&SCRIPTS.workers)).await?;
        let answer = Answer::of(OPERATION, &answer);
        let records: HashMap<&[u8], &[u8]> = answer.at(0)?.fields()?.into_iter().collect();
        let mut workers = Vec::with_capacity(records.len());
        for (id, seen_at) in answer.at(1)?.fields()? {
            let seen_at = std::str::from_utf8(seen_at).ok().and_then(|text| text.parse().ok());
            let record = records.get(id).and_then(|json| serde_json::from_slice(json).ok());
            match (record, seen_at.map(Timestamp::from_micros)) {
                (Some(record), Some(seen_at)) => workers.push(WorkerRecord { seen_at, ..record }),
                _ => tracing::error!("passed over an unreadable worker"),
            }
        }
        workers.sort_by_key(|worker| worker.id);
        Ok(workers)
    }

    async fn remove_worker(&self, worker: WorkerId) -> Result<bool> {
        const OPERATION: &str = "remove the worker";
        let mut call = self.worker_call(&SCRIPTS.forget);
        call.arg(worker.to_string());
        let answer = self.call(OPERATION, &call).await?;
        Ok(Answer::of(OPERATION, &answer).number()? == 1)
    }

    async fn remove_stale_workers(&self, silence: Duration) -> Result<Vec<WorkerId>> {
        const OPERATION: &str = "remove stale workers";
        let mut gone = Vec::new();
        loop {
            let mut call = self.worker_call(&SCRIPTS.stale);
            call.arg(self.given_now()).arg(micros(silence)).arg(STALE_PER_SCRIPT);
            let answer = self.call(OPERATION, &call).await?;
            let ids = Answer::of(OPERATION, &answer);
            for id in ids.items()? {
                gone.push(id.text()?.parse().map_err(|_| unexpected(OPERATION))?);
            }
            if ids.list()?.len() < STALE_PER_SCRIPT {
                return Ok(gone);
            }
        }
    }
}

impl RedisStorage {
    fn worker_call(&self, script: &'static Script) -> Call {
        let mut call = Call::new(script, 2);
        call.arg(self.keys.named("workers")).arg(self.keys.named("workers:seen"));
        call
    }
}
