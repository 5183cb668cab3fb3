//! Finds the Markdown files that become pages.
//!
//! **Invariant:** paths are relative to the input's folder, with `/` between names, and
//! never lead out of it. Folders whose name begins with a dot are passed over.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Pages of a site.
pub const PAGES_MAX: usize = 2_000;
/// Bytes of a Markdown file.
pub const PAGE_BYTES_MAX: u64 = 4 << 20;
/// Folders within folders.
const DEPTH_MAX: usize = 16;

/// A file that becomes a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Such as `docs/guide.md`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The Markdown files at these paths and in the folders at these paths, each once, by path.
/// What is not there is left out.
///
/// # Errors
/// Where a file or folder cannot be read, is no UTF-8, or a bound is exceeded.
pub fn sources(root: &Path, paths: &[String]) -> io::Result<Vec<Source>> {
    let mut found = BTreeSet::new();
    for path in paths {
        let Some(path) = normalize(path) else {
            return Err(refused(&format!("{path} leads out of the input's folder")));
        };
        let at = root.join(&path);
        if at.is_dir() {
            collect(root, &path, 0, &mut found)?;
        } else if at.is_file() {
            found.insert(path);
        }
    }
    if found.len() > PAGES_MAX {
        return Err(refused(&format!("{} pages, at most {PAGES_MAX} are built", found.len())));
    }
    found.into_iter().map(|path| read(root, path)).collect()
}

/// A path without `.` and `..`; `None` where it leads out.
pub fn normalize(path: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

fn collect(
    root: &Path,
    folder: &str,
    depth: usize,
    found: &mut BTreeSet<String>,
) -> io::Result<()> {
    if depth > DEPTH_MAX || found.len() > PAGES_MAX {
        return Ok(());
    }
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &path, depth + 1, found)?;
        } else if kind.is_file() && path.ends_with(".md") {
            found.insert(path);
        }
    }
    Ok(())
}

fn read(root: &Path, path: String) -> io::Result<Source> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
    let bytes = fs::metadata(root.join(&path)).map_err(at)?.len();
    if bytes > PAGE_BYTES_MAX {
        return Err(refused(&format!("{path} has {bytes} bytes, at most {PAGE_BYTES_MAX}")));
    }
    let text = fs::read_to_string(root.join(&path)).map_err(at)?;
    Ok(Source { path, text })
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_taken_once_and_missing_ones_left_out() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("docs/.hidden")).expect("it is made");
        for name in ["README.md", "docs/a.md", "docs/b.txt", "docs/.hidden/c.md"] {
            fs::write(root.path().join(name), "# x").expect("it is written");
        }
        let paths = ["README.md", "docs", "docs/a.md", "nope.md"].map(str::to_owned);
        let found = sources(root.path(), &paths).expect("they are read");
        let found: Vec<_> = found.iter().map(|source| source.path.as_str()).collect();
        assert_eq!(found, ["README.md", "docs/a.md"]);
        assert!(sources(root.path(), &["../x".to_owned()]).is_err());
    }

    #[test]
    fn paths_are_normalized_and_never_lead_out() {
        assert_eq!(normalize("docs/../a/./b.md").as_deref(), Some("a/b.md"));
        assert_eq!(normalize("../a"), None);
        assert_eq!(normalize("a/../../b"), None);
    }
}
