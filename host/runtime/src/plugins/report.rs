//! What is told of plugins.

use std::fmt;
use std::path::PathBuf;

use zapjobs_model::{Capability, Digest, JobKey, TenantId};
use zapjobs_storage::StorageError;

use super::Misfits;

/// Names a plugin: names are each tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId {
    /// Whose.
    pub tenant: TenantId,
    /// The file's name without its ending.
    pub name: String,
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

/// What became of one file in the plugins directory.
#[derive(Debug, Clone)]
pub struct PluginReport {
    /// Whose plugin it is.
    pub tenant: TenantId,
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
        /// Where the code was taken from.
        origin: Origin,
        /// What an operator should know nevertheless, on one line.
        warning: Option<String>,
    },
    /// It was not taken. Whatever served before goes on serving.
    Refused {
        /// What is wrong and what to do, on one line.
        reason: String,
        /// The version that goes on serving, if there is one.
        still_serving: Option<Digest>,
    },
    /// It is sound, and waits for an operator's approval. Whatever served before goes on serving.
    Held {
        /// Which code.
        digest: Digest,
        /// Why.
        reason: HoldReason,
        /// The version that goes on serving, if there is one.
        still_serving: Option<Digest>,
    },
    /// Its file is gone; what it served is retired.
    Retired {
        /// What it served.
        jobs: Vec<JobKey>,
    },
}

/// Where a version's code was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file in the plugins directory.
    File,
    /// The versions kept, because the file cannot be taken.
    Kept,
    /// The versions kept, because an operator pinned it.
    Pinned,
}

/// Why a sound version is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// It wants more than the version before had.
    WantsMore(Vec<Capability>),
    /// Inputs that wait do not fit its schema.
    Inputs(Vec<Misfits>),
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WantsMore(more) => {
                write!(f, "it wants more than the version before: {}", listed(more))
            }
            Self::Inputs(misfits) => f.write_str(&listed(misfits)),
        }
    }
}

/// Words with commas between.
pub(super) fn listed(words: &[impl fmt::Display]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
    #[error("failed to bring the plugin {plugin} up to date: failed to {error}")]
    Storage {
        /// Which plugin was being looked at.
        plugin: PluginId,
        /// Why.
        error: StorageError,
    },
}
