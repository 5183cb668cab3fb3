//! What becomes of a plugin whose files or orders changed.
//!
//! **Invariant:** the steps are taken in one order, and the first that fails ends them: nothing
//! is swapped before all have passed, and whatever served goes on serving.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zapjobs_model::port::{LoadError, Plugin, PluginSource};
use zapjobs_model::{Capability, Digest};
use zapjobs_storage::StorageError;

use super::fallback::kept;
use super::publish::unknown_job;
use super::read::Candidate;
use super::scan::{self, PluginFile};
use super::{
    Content, HoldReason, Orders, Origin, PluginDirectory, PluginRecord, PluginState, RescanError,
    SchemaCheck, Tried, TurnedDown, blocking, of_plugin,
};
use crate::breaker::unshare;

/// What time alone may mend, such as a full disk or a queue of old inputs, is tried again after
/// this long.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// What was found out without running anything.
struct LookedInto {
    record: PluginRecord,
    orders: Orders,
    candidate: Result<Candidate, String>,
    origin: Origin,
}

/// What a candidate came to.
enum Verdict {
    /// It was decided on before.
    Unchanged,
    /// It serves.
    Took(PluginState),
    Left(Left),
}

/// Why a candidate does not serve.
enum Left {
    Refused { reason: String, passes: bool },
    Held(HoldReason),
}

impl Left {
    fn refused(reason: impl Into<String>) -> Verdict {
        Verdict::Left(Self::Refused { reason: reason.into(), passes: false })
    }
}

impl PluginDirectory {
    /// Looks at one plugin, and tells what became of it.
    pub(super) async fn refresh(&mut self, file: &PluginFile) -> Result<(), RescanError> {
        let LookedInto { record, orders, candidate, origin } = self.look_into(file).await;
        if !self.is_as_it_was(file).await {
            return Ok(());
        }
        let known = self.known.entry(file.id.clone()).or_default();
        known.path.clone_from(&file.path);
        known.record = record;
        known.again_at = None;
        self.heed_resets(file, &orders).await;
        let digest = candidate.as_ref().ok().map(|candidate| candidate.digest);
        let verdict = match candidate {
            Ok(candidate) => self.consider(file, candidate, &orders, origin).await,
            Err(reason) => Ok(Left::refused(reason)),
        };
        let verdict = verdict.map_err(|error| {
            // The next round must not believe that all was done.
            self.known.entry(file.id.clone()).or_default().tried = None;
            of_plugin(&file.id)(error)
        })?;
        if !matches!(verdict, Verdict::Took(_)) && !self.is_as_it_was(file).await {
            self.known.entry(file.id.clone()).or_default().tried = None;
            return Ok(());
        }
        match verdict {
            Verdict::Unchanged => {}
            Verdict::Took(state) => self.reports.push(file.report(state)),
            Verdict::Left(left) => self.leave(file, digest, left).await?,
        }
        self.known.entry(file.id.clone()).or_default().stamp = Some(file.stamp.clone());
        Ok(())
    }

    /// Reads what there is to read, and checks what can be checked without a sandbox.
    async fn look_into(&self, file: &PluginFile) -> LookedInto {
        let (file, options, store) = (file.clone(), Arc::clone(&self.options), self.store.clone());
        let remembered = self.known.get(&file.id).map(|known| known.record.clone());
        blocking(move || {
            let Some(store) = store else {
                return LookedInto {
                    record: remembered.unwrap_or_default(),
                    orders: Orders::default(),
                    candidate: Candidate::of_file(&file, &options),
                    origin: Origin::File,
                };
            };
            let (record, orders) = (store.record(&file.id), store.orders(&file.id));
            let (candidate, origin) = match orders.pinned {
                Some(pinned) => {
                    let kept = kept(&store, &file, &record, pinned, &options).map_err(|reason| {
                        format!(
                            "the version that is pinned cannot serve: {reason}: `zapjobs plugins \
                             unpin {}` lets the file serve",
                            file.id.name
                        )
                    });
                    (kept, Origin::Pinned)
                }
                None => (Candidate::of_file(&file, &options), Origin::File),
            };
            LookedInto { record, orders, candidate, origin }
        })
        .await
    }

    /// Whether a file still is as it was when it was listed; it may be written to at any time.
    async fn is_as_it_was(&self, file: &PluginFile) -> bool {
        let (path, stamp) = (file.path.clone(), file.stamp.clone());
        let orders = self.store.as_ref().map(|store| store.orders_path(&file.id));
        blocking(move || scan::stamp(&path, orders.as_deref()) == Some(stamp)).await
    }

    /// Lets a candidate serve, if nothing speaks against it.
    async fn consider(
        &mut self,
        file: &PluginFile,
        candidate: Candidate,
        orders: &Orders,
        origin: Origin,
    ) -> Result<Verdict, StorageError> {
        if self.is_decided(file, &candidate, orders).await {
            return Ok(Verdict::Unchanged);
        }
        if let Some(reason) = self.quota_reached(file) {
            return Ok(Left::refused(reason));
        }
        let plugin = match self.load(file, &candidate).await {
            Ok(plugin) => plugin,
            Err(LoadError(reason)) => return Ok(Left::refused(reason)),
        };
        let is_new = origin == Origin::File;
        let unknown = || unknown_job(&*plugin, &candidate.manifest).filter(|_| is_new);
        let unservable = self.unservable(file, &*plugin, &candidate.manifest);
        if let Some(reason) = unservable.or_else(unknown) {
            return Ok(Left::refused(reason));
        }
        let wants = Capability::of_imports(plugin.imports());
        let known = self.known.entry(file.id.clone()).or_default();
        let granted = Capability::granted_by(&candidate.manifest.grants());
        let more = known.record.unapproved(candidate.digest, &wants, &granted, orders);
        if origin == Origin::File && !more.is_empty() {
            return Ok(Verdict::Left(Left::Held(HoldReason::WantsMore(more))));
        }
        let prepared = self.prepare(file, &*plugin, &candidate.manifest).await?;
        let is_approved = origin != Origin::File || orders.approved.contains(&candidate.digest);
        let holds = self.options.schema_check == SchemaCheck::Hold && !is_approved;
        if holds && !prepared.misfits.is_empty() {
            return Ok(Verdict::Left(Left::Held(HoldReason::Inputs(prepared.misfits))));
        }
        if let Err(error) = self.keep(&candidate).await {
            let reason = format!("it cannot be kept for later: {error}: make room, or let it be");
            return Ok(Verdict::Left(Left::Refused { reason, passes: true }));
        }
        self.publish(file, plugin, &candidate, prepared, origin).await.map(Verdict::Took)
    }

    /// Whether the same was decided on before, or serves already.
    async fn is_decided(
        &mut self,
        file: &PluginFile,
        candidate: &Candidate,
        orders: &Orders,
    ) -> bool {
        let known = self.known.entry(file.id.clone()).or_default();
        let content = Content { digest: candidate.digest, manifest: candidate.manifest.clone() };
        let serves = known.serving.as_ref().is_some_and(|serving| serving.content == content);
        let (pinned, approved) = (orders.pinned, orders.approved.clone());
        let tried = Some(Tried { content, pinned, approved });
        let was_tried = known.tried == tried;
        known.tried = tried;
        if serves && known.record.turned_down.take().is_some() {
            self.save(&file.id).await;
        }
        serves || was_tried
    }

    pub(super) async fn load(
        &self,
        file: &PluginFile,
        candidate: &Candidate,
    ) -> Result<Arc<dyn Plugin>, LoadError> {
        let source = PluginSource {
            name: file.id.name.clone(),
            bytes: Arc::clone(&candidate.bytes),
            grants: candidate.manifest.grants(),
        };
        self.sandbox.load(source).await
    }

    async fn keep(&self, candidate: &Candidate) -> std::io::Result<()> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        let (digest, bytes) = (candidate.digest, Arc::clone(&candidate.bytes));
        blocking(move || store.keep(digest, &bytes)).await
    }

    /// Notes and tells why a candidate does not serve. Where nothing serves yet, the version
    /// that served last does.
    async fn leave(
        &mut self,
        file: &PluginFile,
        digest: Option<Digest>,
        left: Left,
    ) -> Result<(), RescanError> {
        let (reason, wants_more, held) = match &left {
            Left::Refused { reason, .. } => (reason.clone(), Vec::new(), false),
            Left::Held(HoldReason::WantsMore(more)) => {
                (HoldReason::WantsMore(more.clone()).to_string(), more.clone(), true)
            }
            Left::Held(reason) => (reason.to_string(), Vec::new(), true),
        };
        let known = self.known.entry(file.id.clone()).or_default();
        let mends_itself =
            matches!(left, Left::Refused { passes: true, .. } | Left::Held(HoldReason::Inputs(_)));
        if mends_itself {
            known.again_at = Some(Instant::now() + TRY_AGAIN);
            known.tried = None;
        }
        let turned_down = Some(TurnedDown { digest, reason, held, wants_more });
        let is_told = known.record.turned_down == turned_down && known.stamp.is_some();
        known.record.turned_down = turned_down;
        known.record.retired_at = None;
        if known.serving.is_none() {
            self.fall_back(file, digest).await?;
        }
        self.save(&file.id).await;
        if is_told && mends_itself {
            return Ok(());
        }
        let serving = self.known.get(&file.id).and_then(|known| known.serving.as_ref());
        let still_serving = serving.map(|serving| serving.content.digest);
        let state = match (left, digest) {
            (Left::Held(reason), Some(digest)) => {
                PluginState::Held { digest, reason, still_serving }
            }
            (Left::Held(reason), None) => {
                PluginState::Refused { reason: reason.to_string(), still_serving }
            }
            (Left::Refused { reason, .. }, _) => PluginState::Refused { reason, still_serving },
        };
        self.reports.push(file.report(state));
        Ok(())
    }

    /// Puts code into service again whose breaker an operator reset.
    async fn heed_resets(&mut self, file: &PluginFile, orders: &Orders) {
        let known = self.known.entry(file.id.clone()).or_default();
        let seen = known.resets.replace(orders.resets);
        if seen.is_some_and(|seen| seen != orders.resets) {
            let jobs = known.serving.as_ref().map(|serving| serving.jobs.clone());
            for (key, digest) in self.catalog.breakers().reset(&jobs.unwrap_or_default()) {
                tracing::warn!(job = %key, digest = %digest.short(), "in service again: reset");
                unshare(&*self.storage, &key, digest).await;
            }
        }
    }
}
