//! The demo's folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Tells that a folder is a demo's, and may be removed.
const MARK: &str = ".zapjobs-demo";

/// The demo's folder, new and empty but for its parts.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes it, in place of that of an earlier demo.
    pub(super) fn make(workspace: &Workspace, wanted: Option<&Path>) -> Result<Self> {
        let path = wanted.map_or_else(|| workspace.target().join("demo"), Path::to_owned);
        let path = std::path::absolute(path).context("find the demo's folder")?;
        if path.exists() {
            empty(&path)?;
        }
        let folder = Self { path };
        for part in [folder.path.clone(), folder.plugins(), folder.input(), folder.output()] {
            fs::create_dir_all(&part).with_context(|| format!("create {}", part.display()))?;
        }
        fs::write(folder.path.join(MARK), "").context("mark the demo's folder")?;
        Ok(folder)
    }

    /// Where the host finds components and manifests.
    pub(super) fn plugins(&self) -> PathBuf {
        self.path.join("plugins")
    }

    /// What the jobs read.
    pub(super) fn input(&self) -> PathBuf {
        self.path.join("input")
    }

    /// What the jobs write.
    pub(super) fn output(&self) -> PathBuf {
        self.path.join("output")
    }

    /// What the host says.
    pub(super) fn host_log(&self) -> PathBuf {
        self.path.join("host.log")
    }

    /// The file that the host writes once its plugins are loaded.
    pub(super) fn ready(&self) -> PathBuf {
        self.path.join("ready.json")
    }

    /// The address of the demo's own storage.
    pub(super) fn storage(&self) -> String {
        format!("sqlite:{}", self.path.join("zapjobs.db").display())
    }
}

fn empty(path: &Path) -> Result<()> {
    let mut entries = fs::read_dir(path).with_context(|| format!("list {}", path.display()))?;
    if entries.next().is_some() && !path.join(MARK).is_file() {
        bail!("{} holds something else than a demo: name another folder", path.display());
    }
    fs::remove_dir_all(path).with_context(|| format!("remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("mine.txt");
        fs::write(&file, "mine").expect("writable");
        let error = empty(directory.path()).expect_err("not a demo's").to_string();
        assert!(error.contains("something else") && file.exists(), "{error}");
        fs::write(directory.path().join(MARK), "").expect("writable");
        empty(directory.path()).expect("a demo's");
        assert!(!file.exists());
    }
}
