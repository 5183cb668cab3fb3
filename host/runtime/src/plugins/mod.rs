//! A directory of components, kept equal to the [`Catalog`].
//!
//! **Invariant:** a component that fails any step (reading, manifest, signature, sandbox, names,
//! approval) leaves the version before it serving, and its reason visible. Attempts under way
//! keep the code they began with.
//!
//! In reading order: [`scan`] says what lies there, [`read`] makes a candidate of a file,
//! [`refresh`] decides what becomes of it, [`publish`] swaps it in, [`fallback`] lets a
//! kept version serve instead, [`tend`] looks after earlier
//! versions. [`store`] keeps versions, [`record`] is what is remembered of each plugin, and
//! [`operator`] how people overrule it. [`standing`] and [`desk`] tell them how plugins stand.
//! [`watch`] notices changes.

mod desk;
mod fallback;
mod manifest;
mod operator;
mod options;
mod publish;
mod read;
mod record;
mod refresh;
mod report;
mod scan;
mod schema_check;
mod signature;
mod standing;
mod store;
mod tend;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use zapjobs_model::port::Sandbox;
use zapjobs_model::{Digest, JobKey};
use zapjobs_storage::{Storage, StorageError};

use crate::Catalog;
pub use desk::{DeskError, PluginDesk, PluginOrder, PluginPage, PluginPageRequest};
pub use manifest::{Manifest, ManifestError};
pub use operator::OrderError;
pub use options::PluginOptions;
pub use record::{Orders, PluginRecord, PluginVersion, TurnedDown};
pub use report::{HoldReason, Origin, PluginId, PluginReport, PluginState, RescanError};
use scan::{FileStamp, PluginFile, Seen};
pub use schema_check::{Misfits, SchemaCheck};
pub use signature::TrustedKeys;
pub use standing::{PluginOverview, ServedCode, Standing};
pub use store::VersionStore;

/// A directory of components. [`PluginDirectory::rescan`] does one round of work;
/// [`PluginDirectory::watch`] repeats it whenever files change.
pub struct PluginDirectory {
    path: PathBuf,
    options: Arc<PluginOptions>,
    sandbox: Arc<dyn Sandbox>,
    storage: Arc<dyn Storage>,
    catalog: Arc<Catalog>,
    /// Absent where versions cannot be kept; then nothing outlives the process.
    store: Option<Arc<VersionStore>>,
    known: BTreeMap<PluginId, Known>,
    passed_over: BTreeMap<PathBuf, String>,
    /// What the caller has not been told of yet.
    reports: Vec<PluginReport>,
    tended_at: Option<Instant>,
}

/// What is known of a plugin that was looked at.
#[derive(Default)]
struct Known {
    path: PathBuf,
    stamp: Option<FileStamp>,
    /// What was last tried.
    tried: Option<Tried>,
    /// When to try again, though nothing changed.
    again_at: Option<Instant>,
    serving: Option<Serving>,
    record: PluginRecord,
    /// The breakers' resets that were seen.
    resets: Option<u64>,
}

struct Serving {
    content: Content,
    jobs: Vec<JobKey>,
}

/// What makes one load equal to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    digest: Digest,
    manifest: Manifest,
}

/// What makes one decision equal to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tried {
    content: Content,
    pinned: Option<Digest>,
    approved: Vec<Digest>,
}

impl PluginDirectory {
    /// The directory at `path`, which is created where it is missing.
    pub fn open(
        path: &Path,
        options: PluginOptions,
        sandbox: Arc<dyn Sandbox>,
        storage: Arc<dyn Storage>,
        catalog: Arc<Catalog>,
    ) -> std::io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        let store = VersionStore::open(&path, options.versions_dir.as_deref());
        let store = store.inspect_err(|error| {
            tracing::warn!(
                %error, plugins = %path.display(),
                "no versions of plugins are kept, so that none can be gone back to: give the host \
                 a directory of its own with plugin.versions_dir"
            );
        });
        Ok(Self {
            path,
            options: Arc::new(options),
            sandbox,
            storage,
            catalog,
            store: store.ok().map(Arc::new),
            known: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            reports: Vec::new(),
            tended_at: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What operators are told of its plugins and may order of them; `None` where no versions are
    /// kept.
    pub fn desk(&self) -> Option<PluginDesk> {
        self.store.as_ref().map(|store| PluginDesk::new(Arc::clone(store), &self.options))
    }

    /// What lies in the directory and is no plugin, with the reason.
    pub fn passed_over(&self) -> &BTreeMap<PathBuf, String> {
        &self.passed_over
    }

    /// Looks at every file once: loads what is new or changed, retires what is gone. Answers
    /// what changed. An error means that the directory or the storage failed; the next round
    /// does what this one left, and answers what this one came to.
    pub async fn rescan(&mut self) -> Result<Vec<PluginReport>, RescanError> {
        let seen = self.look().await?;
        self.tell_passed_over(seen.passed_over);
        self.retire_missing(&seen.files).await?;
        let now = SystemTime::now();
        let changed = seen.files.into_iter().filter(|file| self.is_owed_a_look(file));
        let (settled, fresh): (Vec<_>, Vec<_>) =
            changed.partition(|file| file.stamp.is_settled(now, self.options.settle));
        for file in settled {
            self.refresh(&file).await?;
        }
        if !fresh.is_empty() {
            // Whatever is still being written then is left to the next round.
            tokio::time::sleep(self.options.settle).await;
            for file in fresh {
                self.refresh(&file).await?;
            }
        }
        self.tend().await?;
        Ok(std::mem::take(&mut self.reports))
    }

    async fn look(&self) -> Result<Seen, RescanError> {
        let (path, options, store) =
            (self.path.clone(), Arc::clone(&self.options), self.store.clone());
        let seen = blocking(move || {
            let orders = |id: &PluginId| store.as_ref().map(|store| store.orders_path(id));
            scan::list(&path, &options.tenant, &orders)
        });
        seen.await.map_err(|error| RescanError::Directory { path: self.path.clone(), error })
    }

    fn tell_passed_over(&mut self, seen: BTreeMap<PathBuf, String>) {
        for (path, reason) in &seen {
            if self.passed_over.get(path) != Some(reason) {
                tracing::warn!(path = %path.display(), %reason, "not a plugin: passed over");
            }
        }
        self.passed_over = seen;
    }

    fn is_owed_a_look(&self, file: &PluginFile) -> bool {
        let known = self.known.get(&file.id);
        known.is_none_or(|known| {
            known.stamp.as_ref() != Some(&file.stamp)
                || known.path != file.path
                || known.again_at.is_some_and(|at| at <= Instant::now())
        })
    }

    /// Writes down what is known of a plugin. A failure is told: the plugin serves nevertheless.
    async fn save(&self, id: &PluginId) {
        let (Some(store), Some(known)) = (self.store.clone(), self.known.get(id)) else { return };
        let (named, record) = (id.clone(), known.record.clone());
        if let Err(error) = blocking(move || store.write_record(&named, &record)).await {
            tracing::error!(plugin = %id, %error, "its versions were not noted");
        }
    }
}

/// Does work that may wait for the disk, away from the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("reading plugins does not panic")
}

/// A storage's failure, with the plugin that it came upon.
fn of_plugin(plugin: &PluginId) -> impl Fn(StorageError) -> RescanError + '_ {
    |error| RescanError::Storage { plugin: plugin.clone(), error }
}
