//! Keeps compiled code on disk, so that a host's next start need not compile again.
//!
//! **Invariant:** only code that this program compiled is ever loaded. The contract with
//! wasmtime's unsafe `deserialize` is that the bytes come from its own `serialize`,
//! unchanged: whoever could change them could run anything in this process. It is kept by
//!
//! 1. the directory, which belongs to this process's user, and which no one else can write to
//!    (checked when it is opened);
//! 2. the name of a file, which holds the component's digest and a hash of the compiler's
//!    version and settings (wasmtime checks these two once more);
//! 3. a SHA-256 over name and code in front of the code, which finds files that were damaged
//!    or renamed;
//! 4. files that are written under another name and renamed when they are complete.
//!
//! A cache that does not work is slow, never wrong: failures are logged and forgotten.
#![allow(unsafe_code, reason = "loading compiled code, under the contract above")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use zapjobs_model::Digest;

use crate::options::{ErrorKind, SandboxError};

/// Files that are kept at most; the oldest go first.
const FILES_MAX: usize = 256;
/// Bytes of one file at most.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the checksum in front of the code.
const CHECKSUM_BYTES: usize = 32;
/// How the files of the cache end.
const ENDING: &str = "code";

/// A directory of compiled code.
pub(crate) struct Cache {
    directory: PathBuf,
    files_written: AtomicU64,
}

impl Cache {
    /// Opens the directory, and makes it for its owner alone where it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self, SandboxError> {
        let refused = |problem: String| {
            let message = format!("cache_dir {}: {problem}", directory.display());
            SandboxError::new(ErrorKind::Cache, message)
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| refused(error.to_string()))?;
        let metadata = fs::metadata(directory).map_err(|error| refused(error.to_string()))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(refused("it belongs to another user: use one of your own".to_owned()));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(refused("others can write to it: chmod it to 0700".to_owned()));
        }
        Ok(Self { directory: directory.to_owned(), files_written: AtomicU64::new(0) })
    }

    /// The compiled component, if it is here and whole.
    pub(crate) fn get(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let name = name(engine, digest);
        let code = match self.read(&name) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(name, %error, "compiled code is not usable: compiling again");
                return None;
            }
        };
        // SAFETY: `read` answers only what `put` wrote, see the contract above.
        match unsafe { Component::deserialize(engine, &code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(name, %error, "compiled code is not usable: compiling again");
                None
            }
        }
    }

    /// Keeps a compiled component.
    pub(crate) fn put(&self, digest: &Digest, component: &Component) {
        let name = name(component.engine(), digest);
        let written = component
            .serialize()
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(|code| self.write(&name, &code))
            .and_then(|()| self.prune());
        if let Err(error) = written {
            tracing::warn!(name, %error, "compiled code cannot be kept: the next start is slower");
        }
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.directory.join(name))?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        if bytes.len() < CHECKSUM_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is truncated"));
        }
        let code = bytes.split_off(CHECKSUM_BYTES);
        if bytes != checksum(name, &code) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is damaged"));
        }
        Ok(code)
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let number = self.files_written.fetch_add(1, Ordering::Relaxed);
        let partial = self.directory.join(format!("{name}.{}.{number}", std::process::id()));
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&partial)?;
            file.write_all(&checksum(name, code))?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&partial, self.directory.join(name))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written
    }

    /// Removes the oldest files beyond [`FILES_MAX`].
    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|ending| ending == ENDING) {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort();
        let excess = files.len().saturating_sub(FILES_MAX);
        files.iter().take(excess).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// Which code, compiled how.
fn name(engine: &Engine, digest: &Digest) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{digest}-{:016x}.{ENDING}", settings.finish())
}

fn checksum(name: &str, code: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update(code);
    hasher.finalize().into()
}
