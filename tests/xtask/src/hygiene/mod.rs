//! What the compiler does not check: sizes of files, unfinished code, switched-off tests, paths
//! of someone's machine, links between documents.
//!
//! **Invariant:** it looks at every text file of the checkout that is not built.

mod links;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Files that are looked at, at most: more means that something is walked which should not be.
const FILES_MAX: usize = 20_000;
/// Folders that are not sources.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "dist"];
/// Endings of the names of files that hold text.
const TEXTS: [&str; 11] =
    ["rs", "md", "toml", "wit", "sh", "yml", "yaml", "json", "sql", "lua", "html"];

/// Checks every file; answers how many there were.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let files = Files::read(workspace.root(), workspace.target())?;
    let mut problems = Vec::new();
    for (path, text) in &files.texts {
        problems.extend(rules::problems(path, text));
        if path.extension().is_some_and(|ending| ending == "md") {
            problems.extend(links::problems(path, text, workspace.root()));
        }
    }
    if !problems.is_empty() {
        bail!("{} things to mend:\n  {}", problems.len(), problems.join("\n  "));
    }
    Ok(files.texts.len())
}

/// The text files of a checkout, by their path in it.
struct Files {
    texts: BTreeMap<PathBuf, String>,
}

impl Files {
    fn read(root: &Path, target: &Path) -> Result<Self> {
        let mut files = Self { texts: BTreeMap::new() };
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
            for entry in entries.flatten() {
                let path = entry.path();
                let kind = entry.file_type().context("look at a file")?;
                if kind.is_dir() && path != target && !is_skipped(&path) {
                    folders.push(path);
                } else if kind.is_file() && is_text(&path) {
                    files.add(root, &path)?;
                }
            }
        }
        Ok(files)
    }

    fn add(&mut self, root: &Path, path: &Path) -> Result<()> {
        if self.texts.len() >= FILES_MAX {
            bail!("more than {FILES_MAX} text files: is something built inside the checkout?");
        }
        let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let inside = path.strip_prefix(root).unwrap_or(path).to_owned();
        self.texts.insert(inside, String::from_utf8_lossy(&bytes).into_owned());
        Ok(())
    }
}

fn is_skipped(folder: &Path) -> bool {
    let is_build = fs::exists(folder.join("CACHEDIR.TAG")).unwrap_or(false);
    is_build || folder.file_name().is_some_and(|name| SKIPPED.iter().any(|skip| name == *skip))
}

fn is_text(path: &Path) -> bool {
    match path.extension() {
        Some(ending) => TEXTS.iter().any(|text| ending == *text),
        // Scripts such as `.ci/run` have none.
        None => true,
    }
}
