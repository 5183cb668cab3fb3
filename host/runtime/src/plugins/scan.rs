//! What lies in the plugins directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Manifest, PluginReport, PluginState};

/// Bytes of a component at most.
pub(super) const PLUGIN_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a manifest at most.
const MANIFEST_BYTES_MAX: u64 = 256 << 10;

/// One component file.
pub(super) struct PluginFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) stamp: FileStamp,
}

/// What tells that a file, or the manifest beside it, may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileStamp {
    component: (u64, Option<SystemTime>),
    manifest: Option<(u64, Option<SystemTime>)>,
}

impl PluginFile {
    pub(super) fn report(&self, state: PluginState) -> PluginReport {
        PluginReport { name: self.name.clone(), path: self.path.clone(), state }
    }
}

/// The component files, by name. Files that begin with a dot are passed over, so that a tool
/// may write one under a hidden name and rename it.
pub(super) fn list(directory: &Path) -> io::Result<Vec<PluginFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        let is_component = path.extension().is_some_and(|ending| ending == "wasm");
        let Some(name) = name.filter(|name| is_component && !name.starts_with('.')) else {
            continue;
        };
        if let Some(stamp) = stamp(&path) {
            files.push(PluginFile { name, path, stamp });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The stamp of a component file; `None` once it is gone or no file.
pub(super) fn stamp(path: &Path) -> Option<FileStamp> {
    let one = |path: &Path| {
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some((meta.len(), meta.modified().ok()))
    };
    Some(FileStamp { component: one(path)?, manifest: one(&manifest_path(path)) })
}

/// Reads a component and the manifest beside it.
pub(super) fn read(file: &PluginFile) -> Result<(Vec<u8>, Manifest), String> {
    let bytes = read_bounded(&file.path, PLUGIN_BYTES_MAX)?;
    let path = manifest_path(&file.path);
    if file.stamp.manifest.is_none() {
        return Ok((bytes, Manifest::default()));
    }
    let text = String::from_utf8(read_bounded(&path, MANIFEST_BYTES_MAX)?)
        .map_err(|_| format!("the manifest {} is not UTF-8", path.display()))?;
    let manifest = Manifest::parse(&text)
        .map_err(|error| format!("the manifest {} is invalid: {error}", path.display()))?;
    Ok((bytes, manifest))
}

fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > bytes_max {
        return Err(format!("{} is {bytes} bytes long, {bytes_max} are allowed", path.display()));
    }
    fs::read(path).map_err(unreadable)
}

fn manifest_path(component: &Path) -> PathBuf {
    component.with_extension("toml")
}
