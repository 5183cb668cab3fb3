//! What lies in the plugins directory: `NAME.wasm`, and `TENANT/NAME.wasm`.
//!
//! **Invariant:** nothing here is opened. What is passed over is named with its reason.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zapjobs_model::TenantId;

use super::{PluginId, PluginReport, PluginState};

/// Entries of one folder that are looked at; the rest is passed over.
const ENTRIES_MAX: usize = 10_000;

/// One component file.
#[derive(Debug, Clone)]
pub(super) struct PluginFile {
    pub(super) id: PluginId,
    pub(super) path: PathBuf,
    /// The folder that it must not lead out of.
    pub(super) within: PathBuf,
    pub(super) stamp: FileStamp,
}

/// What tells that a plugin may have changed: length and time of the component, its manifest,
/// its signature, and its operator's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileStamp([Option<(u64, Option<SystemTime>)>; 4]);

/// What a look at the directory showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) files: Vec<PluginFile>,
    /// What was passed over, and why.
    pub(super) passed_over: BTreeMap<PathBuf, String>,
}

impl PluginFile {
    pub(super) fn report(&self, state: PluginState) -> PluginReport {
        let PluginId { tenant, name } = self.id.clone();
        PluginReport { tenant, name, path: self.path.clone(), state }
    }
}

impl FileStamp {
    /// Whether nothing was written within this time. A time in the future says nothing.
    pub(super) fn is_settled(&self, now: SystemTime, settle: Duration) -> bool {
        let times = self.0.iter().flatten().filter_map(|(_, modified)| *modified);
        times.into_iter().all(|at| now.duration_since(at).is_ok_and(|age| age >= settle))
    }

    pub(super) fn has_manifest(&self) -> bool {
        self.0[1].is_some()
    }

    pub(super) fn has_signature(&self) -> bool {
        self.0[2].is_some()
    }
}

/// The component files, by tenant and name. Names that begin with a dot are passed over, so
/// that a tool may write a file under a hidden name and rename it.
pub(super) fn list(
    root: &Path,
    tenant: &TenantId,
    orders: &dyn Fn(&PluginId) -> Option<PathBuf>,
) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut folders = Vec::new();
    for path in entries(root, &mut seen)? {
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            folders.push(path);
        } else {
            seen.take(path, root, tenant, orders);
        }
    }
    for folder in folders {
        let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
        match TenantId::new(name) {
            Ok(owner) => seen.folder(&folder, &owner, orders),
            Err(error) => seen.pass_over(&folder, &error.to_string()),
        }
    }
    seen.files.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(seen)
}

/// The stamp of a component file; `None` once it is gone or no file.
pub(super) fn stamp(component: &Path, orders: Option<&Path>) -> Option<FileStamp> {
    let one = |path: &Path| {
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some((meta.len(), meta.modified().ok()))
    };
    Some(FileStamp([
        Some(one(component)?),
        one(&manifest_path(component)),
        one(&signature_path(component)),
        orders.and_then(one),
    ]))
}

pub(super) fn manifest_path(component: &Path) -> PathBuf {
    component.with_extension("toml")
}

pub(super) fn signature_path(component: &Path) -> PathBuf {
    component.with_extension("wasm.minisig")
}

impl Seen {
    fn folder(
        &mut self,
        folder: &Path,
        owner: &TenantId,
        orders: &dyn Fn(&PluginId) -> Option<PathBuf>,
    ) {
        let paths = match entries(folder, self) {
            Ok(paths) => paths,
            Err(error) => return self.pass_over(folder, &format!("it cannot be read: {error}")),
        };
        for path in paths {
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
                self.pass_over(&path, "folders of tenants have no folders of their own");
            } else {
                self.take(path, folder, owner, orders);
            }
        }
    }

    fn take(
        &mut self,
        path: PathBuf,
        within: &Path,
        tenant: &TenantId,
        orders: &dyn Fn(&PluginId) -> Option<PathBuf>,
    ) {
        if path.extension().is_none_or(|ending| ending != "wasm") {
            if fs::metadata(&path).is_ok_and(|meta| meta.is_dir()) {
                self.pass_over(&path, "it is a link to a folder: put the folder itself here");
            }
            return;
        }
        let Some(name) = path.file_stem().and_then(OsStr::to_str) else {
            return self.pass_over(&path, "its name is not UTF-8: rename it");
        };
        let id = PluginId { tenant: tenant.clone(), name: name.to_owned() };
        if let Some(other) = self.files.iter().find(|file| file.id == id) {
            let reason = format!("the plugin {id} is {} already", other.path.display());
            return self.pass_over(&path, &reason);
        }
        if let Some(stamp) = stamp(&path, orders(&id).as_deref()) {
            self.files.push(PluginFile { id, path, within: within.to_owned(), stamp });
        }
    }

    fn pass_over(&mut self, path: &Path, reason: &str) {
        self.passed_over.insert(path.to_owned(), reason.to_owned());
    }
}

/// The entries of a folder that are not hidden, by name.
fn entries(folder: &Path, seen: &mut Seen) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (at, entry) in fs::read_dir(folder)?.enumerate() {
        if at == ENTRIES_MAX {
            seen.pass_over(folder, &format!("only {ENTRIES_MAX} of its entries are looked at"));
            break;
        }
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_just_now_or_in_the_future_is_not_settled() {
        let settle = Duration::from_millis(80);
        let now = SystemTime::now();
        let written = |at| FileStamp([Some((1, Some(at))), None, None, None]);
        assert!(written(now - settle).is_settled(now, settle));
        assert!(!written(now - settle / 2).is_settled(now, settle));
        assert!(!written(now + settle).is_settled(now, settle));
        let manifest_new =
            FileStamp([Some((1, Some(now - settle))), Some((1, Some(now))), None, None]);
        assert!(!manifest_new.is_settled(now, settle), "the youngest part counts");
    }
}
