//! How a version that is kept serves again, because the file cannot be taken.
//!
//! **Invariant:** it passes the checks of a file, those of its digest, its signature and the
//! manifest included; only approval, which it had, and waiting inputs are not asked again.

use std::sync::Arc;

use zapjobs_model::Digest;
use zapjobs_model::port::LoadError;
use zapjobs_storage::StorageError;

use super::read::{self, Candidate};
use super::scan::PluginFile;
use super::{
    Origin, PluginDirectory, PluginOptions, PluginRecord, PluginState, RescanError, VersionStore,
    blocking, of_plugin,
};

impl PluginDirectory {
    /// Lets the version serve that served when the host last ran.
    pub(super) async fn fall_back(
        &mut self,
        file: &PluginFile,
        left: Option<Digest>,
    ) -> Result<(), RescanError> {
        let Some(known) = self.known.get(&file.id) else { return Ok(()) };
        let last = known.record.current.filter(|last| Some(*last) != left);
        let (Some(store), Some(last)) = (self.store.clone(), last) else { return Ok(()) };
        let (inner, options, record) =
            (file.clone(), Arc::clone(&self.options), known.record.clone());
        let candidate = blocking(move || kept(&store, &inner, &record, last, &options)).await;
        let outcome = match candidate {
            Err(reason) => Err(reason),
            Ok(candidate) => self.restore(file, candidate).await.map_err(of_plugin(&file.id))?,
        };
        match outcome {
            Ok(state) => self.reports.push(file.report(state)),
            Err(reason) => {
                tracing::error!(plugin = %file.id, %reason, "the version before cannot serve either");
            }
        }
        Ok(())
    }

    async fn restore(
        &mut self,
        file: &PluginFile,
        candidate: Candidate,
    ) -> Result<Result<PluginState, String>, StorageError> {
        let plugin = match self.load(file, &candidate).await {
            Ok(plugin) => plugin,
            Err(LoadError(reason)) => return Ok(Err(reason)),
        };
        let unservable = self
            .quota_reached(file)
            .or_else(|| self.unservable(file, &*plugin, &candidate.manifest));
        if let Some(reason) = unservable {
            return Ok(Err(reason));
        }
        let prepared = self.prepare(file, &*plugin, &candidate.manifest).await?;
        self.publish(file, plugin, &candidate, prepared, Origin::Kept).await.map(Ok)
    }
}

/// A version that is kept, under the manifest that lies beside the file now; the one that it
/// was accepted with where that cannot be read.
pub(super) fn kept(
    store: &VersionStore,
    file: &PluginFile,
    record: &PluginRecord,
    digest: Digest,
    options: &PluginOptions,
) -> Result<Candidate, String> {
    let bytes = store.read(digest, options.component_bytes_max)?;
    let version = record.version(digest);
    let manifest = read::manifest_text(file)
        .unwrap_or_else(|_| version.and_then(|version| version.manifest.clone()));
    let signature = version.and_then(|version| version.signature.clone());
    Candidate::new(bytes, manifest, signature, options)
}
