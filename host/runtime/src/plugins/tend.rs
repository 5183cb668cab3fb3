//! Looks after versions that serve no more: those that runs still need are held ready or kept,
//! the rest goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use zapjobs_model::port::Plugin;
use zapjobs_model::{Digest, JobKey, RetryCode, RunStatus};
use zapjobs_storage::{Cursor, RunFilter, RunPageRequest, StorageError};

use super::fallback::kept;
use super::publish::overridden;
use super::scan::PluginFile;
use super::{PluginDirectory, PluginId, RescanError, blocking, of_plugin};

/// How often versions are looked after, beside after every change.
const TEND_INTERVAL: Duration = Duration::from_secs(60);
/// Unfinished runs of a job type that are asked for their code. Where there are more, all
/// versions count as needed.
const RUNS_ASKED_MAX: usize = 10_000;
/// Runs read at a time.
const PAGE: usize = 500;
/// Earlier versions of one plugin held ready at most, latest first.
const HELD_READY_MAX: usize = 4;
/// The record of a plugin whose file is gone is forgotten after this long.
const RETIRED_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

impl PluginDirectory {
    /// Does so once, if it is time.
    pub(super) async fn tend(&mut self) -> Result<(), RescanError> {
        if self.tended_at.is_some_and(|at| at.elapsed() < TEND_INTERVAL) {
            return Ok(());
        }
        let ids: Vec<PluginId> = self.known.keys().cloned().collect();
        for id in &ids {
            self.tend_one(id).await.map_err(of_plugin(id))?;
        }
        self.sweep().await;
        self.tended_at = Some(Instant::now());
        Ok(())
    }

    async fn tend_one(&mut self, id: &PluginId) -> Result<(), StorageError> {
        let Some(known) = self.known.get(id) else { return Ok(()) };
        let (kept, past) = (self.options.versions_kept, known.record.history.len());
        let retries_stay = self.options.retry_code == RetryCode::SameDigest;
        if past < 2 || (!retries_stay && past <= kept) {
            return Ok(());
        }
        let history: Vec<Digest> = known.record.history.iter().map(|it| it.digest).collect();
        let jobs: BTreeSet<JobKey> = known.record.history.iter().flat_map(|it| &it.jobs).fold(
            BTreeSet::new(),
            |mut jobs, job_type| {
                jobs.insert(JobKey { tenant: id.tenant.clone(), job_type: job_type.clone() });
                jobs
            },
        );
        let mut needed = BTreeSet::new();
        for job in &jobs {
            match self.needed_by_runs(job).await? {
                Some(some) => needed.extend(some),
                None => needed.extend(history.iter().copied()),
            }
        }
        if retries_stay {
            self.hold_ready(id, &jobs, &history, &needed).await?;
        }
        let known = self.known.entry(id.clone()).or_default();
        known.record.trim(kept, &needed);
        if known.record.history.len() < past {
            self.save(id).await;
        }
        Ok(())
    }

    /// The code of runs that have begun and not ended; `None` where there are too many to ask.
    async fn needed_by_runs(&self, key: &JobKey) -> Result<Option<BTreeSet<Digest>>, StorageError> {
        let unfinished = RunStatus::ALL.into_iter().filter(|status| !status.is_final());
        let filter = RunFilter {
            statuses: unfinished.collect(),
            tenant: Some(key.tenant.clone()),
            job_type: Some(key.job_type.clone()),
            ..RunFilter::default()
        };
        let (mut needed, mut asked, mut after) = (BTreeSet::new(), 0, None::<Cursor>);
        loop {
            let request = RunPageRequest { filter: filter.clone(), after, limit: PAGE };
            let page = self.storage.runs(request).await?;
            asked += page.runs.len();
            needed.extend(page.runs.iter().filter_map(|run| run.digest));
            after = page.next;
            if after.is_none() {
                return Ok(Some(needed));
            }
            if asked >= RUNS_ASKED_MAX {
                return Ok(None);
            }
        }
    }

    /// Holds those versions ready that runs need, and lets go of the others.
    async fn hold_ready(
        &self,
        id: &PluginId,
        jobs: &BTreeSet<JobKey>,
        history: &[Digest],
        needed: &BTreeSet<Digest>,
    ) -> Result<(), StorageError> {
        let Some(known) = self.known.get(id) else { return Ok(()) };
        let Some(current) = known.serving.as_ref().map(|it| it.content.digest) else {
            return Ok(());
        };
        let earlier = history.iter().copied().filter(|digest| *digest != current);
        let (wanted, rest): (Vec<_>, Vec<_>) = earlier.partition(|digest| needed.contains(digest));
        let surplus = wanted.iter().skip(HELD_READY_MAX).copied();
        self.catalog.drop_earlier(jobs, &rest.into_iter().chain(surplus).collect());
        for digest in wanted.into_iter().take(HELD_READY_MAX) {
            let is_ready = jobs.iter().any(|key| self.catalog.earlier(key, digest).is_some());
            if !is_ready && let Err(reason) = self.make_ready(id, digest).await? {
                tracing::warn!(
                    plugin = %id, digest = %digest.short(), %reason,
                    "runs that wait for another attempt will use newer code"
                );
            }
        }
        Ok(())
    }

    async fn make_ready(
        &self,
        id: &PluginId,
        digest: Digest,
    ) -> Result<Result<(), String>, StorageError> {
        let (Some(store), Some(known)) = (self.store.clone(), self.known.get(id)) else {
            return Ok(Ok(()));
        };
        let Some(stamp) = known.stamp.clone() else { return Ok(Ok(())) };
        let path = known.path.clone();
        let within = path.parent().unwrap_or(&self.path).to_owned();
        let file = PluginFile { id: id.clone(), path, within, stamp };
        let (inner, options, record) =
            (file.clone(), Arc::clone(&self.options), known.record.clone());
        let candidate = blocking(move || kept(&store, &inner, &record, digest, &options)).await;
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(reason) => return Ok(Err(reason)),
        };
        let plugin: Arc<dyn Plugin> = match self.load(&file, &candidate).await {
            Ok(plugin) => plugin,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let declared = plugin
            .jobs()
            .iter()
            .map(|job| overridden(id.tenant.clone(), job, digest, &candidate.manifest));
        let served = self.served(&plugin, &candidate, &declared.collect::<Vec<_>>());
        self.catalog.keep_earlier(&served);
        Ok(Ok(()))
    }

    /// Deletes code that no record names, and records of plugins that are gone for long.
    async fn sweep(&self) {
        let Some(store) = self.store.clone() else { return };
        let Ok(now) = self.storage.now().await else { return };
        let swept = blocking(move || {
            let mut needed = BTreeSet::new();
            for id in store.plugins()? {
                let record = store.record(&id);
                if record.retired_at.is_some_and(|at| now.since(at) >= RETIRED_KEPT) {
                    store.forget(&id)?;
                    continue;
                }
                needed.extend(record.current);
                needed.extend(record.history.iter().map(|version| version.digest));
                needed.extend(store.orders(&id).pinned);
            }
            store.sweep(&needed, SystemTime::now())
        });
        match swept.await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "versions of plugins that nobody needs were deleted"),
            Err(error) => tracing::warn!(%error, "versions of plugins were not tidied up"),
        }
    }
}
