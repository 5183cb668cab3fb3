//! Whether two folders hold the same files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Files of a folder at most: more means that it is another folder than was meant.
const FILES_MAX: usize = 1_000;

/// Fails where a folder is not, file by file, what was built.
pub(crate) fn compare(committed: &Path, built: &Path) -> Result<usize> {
    let (left, right) = (files(committed)?, files(built)?);
    let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
    let other: Vec<String> = names
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| name.display().to_string())
        .collect();
    if !other.is_empty() {
        bail!(
            "{} is not what its sources build ({}): run `npm run build` there and commit it",
            committed.display(),
            other.join(", ")
        );
    }
    Ok(left.len())
}

fn files(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let path = entry.context("list a folder")?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if found.len() >= FILES_MAX {
                bail!("{} has more than {FILES_MAX} files", root.display());
            }
            let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            found.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), bytes);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn folders_are_the_same_where_every_file_is() {
        let left = folder(&[("a", "1"), ("b/c", "2")]);
        let right = folder(&[("b/c", "2"), ("a", "1")]);
        assert_eq!(compare(left.path(), right.path()).expect("the same"), 2);
    }

    #[test]
    fn a_file_that_differs_or_is_missing_or_is_new_is_named() {
        let left = folder(&[("a", "1"), ("b", "2"), ("gone", "")]);
        let right = folder(&[("a", "1"), ("b", "3"), ("new", "")]);
        let error = compare(left.path(), right.path()).expect_err("they differ").to_string();
        assert!(error.contains("(b, gone, new)"), "{error}");
    }
}
