//! The versions kept: accepted code under its digest, a record and orders for each plugin.
//!
//! ```text
//! sha256/DIGEST.wasm          accepted code
//! records/TENANT/NAME.json    what a host remembers: written by hosts alone
//! orders/TENANT/NAME.json     what an operator ordered: written by the command line and the HTTP API
//! ```
//!
//! **Invariant:** only its owner may read or write it, a file is there whole or not at all, and
//! code is checked against its digest whenever it is read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zapjobs_model::{Digest, TenantId};

use super::{Orders, PluginId, PluginRecord};

/// Where versions are kept unless said: a hidden folder of the plugins directory.
const FOLDER: &str = ".versions";
/// Bytes of a record or of orders at most.
const RECORD_BYTES_MAX: u64 = 16 << 20;
/// What nobody refers to is deleted once it is this old: another host may be about to refer to it.
const UNREFERENCED_KEPT: Duration = Duration::from_secs(3_600);

/// The versions kept. A host opens them, whoever looks from outside finds them existing.
#[derive(Debug, Clone)]
pub struct VersionStore {
    root: PathBuf,
}

impl VersionStore {
    /// The versions of a plugins directory, in `named` or in a hidden folder of it, which are
    /// made where they are missing.
    pub fn open(plugins: &Path, named: Option<&Path>) -> io::Result<Self> {
        let store = Self::at(plugins, named);
        for folder in [&store.root, &store.code(), &store.records(), &store.orders_folder()] {
            private_folder(folder)?;
        }
        Ok(store)
    }

    /// The same where a host has made them; an error where none has.
    pub fn existing(plugins: &Path, named: Option<&Path>) -> io::Result<Self> {
        let store = Self::at(plugins, named);
        fs::read_dir(store.records()).map(|_| store)
    }

    fn at(plugins: &Path, named: Option<&Path>) -> Self {
        Self { root: named.map_or_else(|| plugins.join(FOLDER), Path::to_owned) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The plugins that have a record.
    pub fn plugins(&self) -> io::Result<Vec<PluginId>> {
        let mut ids = Vec::new();
        for folder in paths(&self.records())? {
            let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let Ok(tenant) = TenantId::new(name) else { continue };
            for record in paths(&folder)? {
                let is_record = record.extension().is_some_and(|ending| ending == "json");
                let name = record.file_stem().and_then(OsStr::to_str);
                if let (true, Some(name)) = (is_record, name) {
                    ids.push(PluginId { tenant: tenant.clone(), name: name.to_owned() });
                }
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// What hosts remember of a plugin; a damaged record counts as none, and is told of.
    pub fn record(&self, id: &PluginId) -> PluginRecord {
        read_json(&self.record_path(id))
    }

    /// What an operator ordered; damaged orders count as none, and are told of.
    pub fn orders(&self, id: &PluginId) -> Orders {
        read_json(&self.orders_path(id))
    }

    fn record_path(&self, id: &PluginId) -> PathBuf {
        self.records().join(id.tenant.as_str()).join(format!("{}.json", id.name))
    }

    pub(super) fn orders_path(&self, id: &PluginId) -> PathBuf {
        self.orders_folder().join(id.tenant.as_str()).join(format!("{}.json", id.name))
    }

    pub(super) fn write_record(&self, id: &PluginId, record: &PluginRecord) -> io::Result<()> {
        write_json(&self.records().join(id.tenant.as_str()), &id.name, record)
    }

    pub(super) fn write_orders(&self, id: &PluginId, orders: &Orders) -> io::Result<()> {
        write_json(&self.orders_folder().join(id.tenant.as_str()), &id.name, orders)
    }

    /// Forgets a plugin.
    pub(super) fn forget(&self, id: &PluginId) -> io::Result<()> {
        let file = format!("{}.json", id.name);
        let _ = fs::remove_file(self.orders_folder().join(id.tenant.as_str()).join(&file));
        fs::remove_file(self.records().join(id.tenant.as_str()).join(file))
    }

    /// Keeps code. What is there already, whole, stays as it is.
    pub(super) fn keep(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        if self.read(digest, bytes.len() as u64).is_ok() {
            return Ok(());
        }
        write_whole(&self.code_path(digest), bytes)
    }

    /// Reads code, and checks that it is this.
    pub(super) fn read(&self, digest: Digest, bytes_max: u64) -> Result<Vec<u8>, String> {
        let path = self.code_path(digest);
        let lost = |problem: String| format!("the version {} is {problem}", digest.short());
        let file = File::open(&path).map_err(|error| lost(format!("not kept: {error}")))?;
        let mut bytes = Vec::new();
        file.take(bytes_max + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| lost(format!("unreadable: {error}")))?;
        if bytes.len() as u64 > bytes_max {
            return Err(lost(format!("longer than the {bytes_max} bytes that are allowed")));
        }
        if Digest::of(&bytes) != digest {
            return Err(lost(format!("damaged: remove {}", path.display())));
        }
        Ok(bytes)
    }

    /// Whether code is kept under this digest; it may still be damaged.
    pub fn holds(&self, digest: Digest) -> bool {
        self.code_path(digest).is_file()
    }

    /// Bytes of the code that is kept under this digest.
    pub fn bytes(&self, digest: Digest) -> Option<u64> {
        fs::metadata(self.code_path(digest)).ok().map(|meta| meta.len())
    }

    /// Whether hosts have a record of this plugin. A name that leads elsewhere is none.
    pub fn knows(&self, id: &PluginId) -> bool {
        is_plain(&id.name) && self.record_path(id).is_file()
    }

    /// Deletes code that nobody needs, and drafts that nobody finished; answers how many files
    /// went. What is younger than an hour stays.
    pub(super) fn sweep(&self, needed: &BTreeSet<Digest>, now: SystemTime) -> io::Result<usize> {
        let mut gone = 0;
        for path in paths(&self.code())? {
            let digest = path.file_stem().and_then(OsStr::to_str).and_then(|it| it.parse().ok());
            let modified = fs::metadata(&path).and_then(|meta| meta.modified());
            let age = modified.ok().and_then(|at| now.duration_since(at).ok());
            let is_old = age.is_some_and(|age| age >= UNREFERENCED_KEPT);
            if is_old && digest.is_none_or(|digest| !needed.contains(&digest)) {
                fs::remove_file(&path)?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    fn code(&self) -> PathBuf {
        self.root.join("sha256")
    }

    fn code_path(&self, digest: Digest) -> PathBuf {
        self.code().join(format!("{digest}.wasm"))
    }

    fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    fn orders_folder(&self) -> PathBuf {
        self.root.join("orders")
    }
}

/// Whether a plugin's name names a file of its tenant's folder, and no other.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn read_json<T: DeserializeOwned + Default>(path: &Path) -> T {
    let parsed = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return T::default(),
        Err(error) => Err(error.to_string()),
        Ok(file) => serde_json::from_reader(io::BufReader::new(file.take(RECORD_BYTES_MAX)))
            .map_err(|error| error.to_string()),
    };
    parsed.unwrap_or_else(|error| {
        let path = path.display();
        tracing::error!(%path, %error, "what was noted of this plugin is damaged: it begins anew");
        T::default()
    })
}

fn write_json(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    private_folder(folder)?;
    let text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    write_whole(&folder.join(format!("{name}.json")), &text)
}

/// Writes a file so that it is there whole or not at all, whatever dies meanwhile.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let draft = folder.join(format!(".{}.part", Uuid::now_v7()));
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // The failure itself is what counts.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Makes a folder that only its owner may use.
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
