//! What an operator allows a plugin beyond computing. Nothing, unless said.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What an operator allows one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grants {
    /// Directories it sees.
    pub directories: Vec<DirectoryGrant>,
}

/// A directory of the host that a plugin sees under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryGrant {
    /// The directory on the host, absolute.
    pub host: PathBuf,
    /// Its path inside the sandbox, such as `/in`.
    pub guest: String,
    /// What may be done there.
    pub access: Access,
}

/// What may be done in a granted directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Read files and list directories.
    #[serde(rename = "ro")]
    ReadOnly,
    /// Also create, change and remove.
    #[serde(rename = "rw")]
    ReadWrite,
}
