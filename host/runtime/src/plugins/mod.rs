//! A directory of components, kept equal to the [`Catalog`].
//!
//! **Invariant:** a component that fails any step (reading, manifest, sandbox, names) leaves
//! the version before it serving, and its reason visible. Attempts under way keep the code
//! they began with. [`manifest`] holds what the operator grants, [`watch`] notices changes.

mod manifest;
mod publish;
mod scan;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zapjobs_model::port::{LoadError, Plugin, PluginSource, Sandbox};
use zapjobs_model::{Digest, JobKey, Limits, TenantId};
use zapjobs_storage::{Storage, StorageError};

use crate::Catalog;
pub use manifest::{Manifest, ManifestError};
use scan::{FileStamp, PluginFile};

/// What became of one file in the plugins directory.
#[derive(Debug, Clone)]
pub struct PluginReport {
    /// The file's name without its ending.
    pub name: String,
    /// Where it is or was.
    pub path: PathBuf,
    /// How it stands now.
    pub state: PluginState,
}

/// How a plugin stands.
#[derive(Debug, Clone)]
pub enum PluginState {
    /// It serves these job types.
    Serving {
        /// Which code.
        digest: Digest,
        /// What it serves.
        jobs: Vec<JobKey>,
        /// Whether it took the place of an earlier version.
        replaced: bool,
    },
    /// It was not taken. Whatever served before goes on serving.
    Refused {
        /// What is wrong and what to do, on one line.
        reason: String,
        /// The version that goes on serving, if there is one.
        still_serving: Option<Digest>,
    },
    /// Its file is gone; what it served is retired.
    Retired {
        /// What it served.
        jobs: Vec<JobKey>,
    },
}

/// A directory of components. [`PluginDirectory::rescan`] does one round of work;
/// [`PluginDirectory::watch`] repeats it whenever files change.
pub struct PluginDirectory {
    path: PathBuf,
    tenant: TenantId,
    limits: Limits,
    sandbox: Arc<dyn Sandbox>,
    storage: Arc<dyn Storage>,
    catalog: Arc<Catalog>,
    known: BTreeMap<PathBuf, Known>,
}

/// What is known of a file that was looked at.
#[derive(Default)]
struct Known {
    stamp: Option<FileStamp>,
    /// The content last tried: the component's digest, and its manifest.
    tried: Option<(Digest, Manifest)>,
    serving: Option<Serving>,
}

struct Serving {
    digest: Digest,
    jobs: Vec<JobKey>,
}

impl PluginDirectory {
    /// The directory at `path`, which is created where it is missing. Its job types belong to
    /// `tenant`; no plugin may use more than `limits`.
    pub fn open(
        path: &Path,
        tenant: TenantId,
        limits: Limits,
        sandbox: Arc<dyn Sandbox>,
        storage: Arc<dyn Storage>,
        catalog: Arc<Catalog>,
    ) -> std::io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        Ok(Self { path, tenant, limits, sandbox, storage, catalog, known: BTreeMap::new() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at every file once: loads what is new or changed, retires what is gone. Answers
    /// what changed. An error means that the directory or the storage failed; the next round
    /// does what this one left.
    pub async fn rescan(&mut self) -> Result<Vec<PluginReport>, RescanError> {
        let files = scan::list(&self.path)
            .map_err(|error| RescanError::Directory { path: self.path.clone(), error })?;
        let mut reports = self.retire_missing(&files).await?;
        for file in files {
            let known = self.known.entry(file.path.clone()).or_default();
            if known.stamp.as_ref() == Some(&file.stamp) {
                continue;
            }
            reports.extend(self.refresh(&file).await?);
        }
        Ok(reports)
    }

    async fn refresh(&mut self, file: &PluginFile) -> Result<Option<PluginReport>, RescanError> {
        let outcome = self.load(file).await;
        if scan::stamp(&file.path).as_ref() != Some(&file.stamp) {
            // It changed while it was read: the next round sees the rest.
            return Ok(None);
        }
        let state = match outcome {
            Ok(Loaded::Unchanged) => None,
            Ok(Loaded::New(plugin, manifest)) => {
                Some(self.publish_or_forget(file, plugin, &manifest).await?)
            }
            Err(reason) => Some(self.refuse(file, reason)),
        };
        self.known.entry(file.path.clone()).or_default().stamp = Some(file.stamp.clone());
        Ok(state.map(|state| file.report(state)))
    }

    /// A storage that fails must not make the next round believe that all was done.
    async fn publish_or_forget(
        &mut self,
        file: &PluginFile,
        plugin: Arc<dyn Plugin>,
        manifest: &Manifest,
    ) -> Result<PluginState, RescanError> {
        let state = self.publish(file, plugin, manifest).await;
        if state.is_err() {
            self.known.entry(file.path.clone()).or_default().tried = None;
        }
        state
    }

    async fn load(&mut self, file: &PluginFile) -> Result<Loaded, String> {
        let (bytes, manifest) = scan::read(file)?;
        let known = self.known.entry(file.path.clone()).or_default();
        let content = (Digest::of(&bytes), manifest.clone());
        if known.tried.as_ref() == Some(&content) {
            return Ok(Loaded::Unchanged);
        }
        known.tried = Some(content);
        let source = PluginSource {
            name: file.name.clone(),
            bytes: bytes.into(),
            grants: manifest.grants(),
        };
        let plugin = self.sandbox.load(source).await.map_err(|LoadError(reason)| reason)?;
        Ok(Loaded::New(plugin, manifest))
    }

    fn refuse(&self, file: &PluginFile, reason: String) -> PluginState {
        let serving = self.known.get(&file.path).and_then(|known| known.serving.as_ref());
        PluginState::Refused { reason, still_serving: serving.map(|serving| serving.digest) }
    }
}

/// What loading a file came to.
enum Loaded {
    Unchanged,
    New(Arc<dyn Plugin>, Manifest),
}

/// Why a round of looking at the plugins directory ended early.
#[derive(Debug, thiserror::Error)]
pub enum RescanError {
    /// The directory cannot be read.
    #[error("failed to read the plugins directory {path}: {error}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}
