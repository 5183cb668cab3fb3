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
//! 3. an HMAC-SHA-256 over name and code in front of the code, under a random key
//!    ([`crate::cache_key`]), which finds files that were damaged, renamed or written by
//!    someone else;
//! 4. files that are written under another name and renamed when they are complete.
//!
//! The seal guards against whoever can write files here and cannot read the key: a directory
//! restored from elsewhere, a mount that others share, a tool that writes where it should not.
//! It does not guard against this process's own user or root, who can read the key, and who
//! could change this program as well.
//!
//! A cache that does not work is slow, never wrong: failures are logged and forgotten.
#![allow(unsafe_code, reason = "loading compiled code, under the contract above")]

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;
use wasmtime::component::Component;
use zapjobs_model::Digest;

use crate::cache_key::{Key, SEAL_BYTES};
use crate::directory;
use crate::options::{ErrorKind, SandboxError};

/// Files that are kept at most; the oldest go first.
const FILES_MAX: usize = 256;
/// Bytes of one file at most.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// How the files of the cache end.
const ENDING: &str = "code";

/// A directory of compiled code.
pub(crate) struct Cache {
    directory: PathBuf,
    key: Key,
    files_written: AtomicU64,
}

impl Cache {
    /// Opens the directory, and makes it for its owner alone where it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self, SandboxError> {
        let refused = |problem: String| {
            let message = format!("cache_dir {}: {problem}", directory.display());
            SandboxError::new(ErrorKind::Cache, message)
        };
        directory::own(directory).map_err(refused)?;
        let key = Key::of(directory).map_err(|error| refused(error.to_string()))?;
        Ok(Self { directory: directory.to_owned(), key, files_written: AtomicU64::new(0) })
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
            .and_then(|()| directory::prune(&self.directory, ENDING, FILES_MAX));
        if let Err(error) = written {
            tracing::warn!(name, %error, "compiled code cannot be kept: the next start is slower");
        }
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.directory.join(name))?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        if bytes.len() < SEAL_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is truncated"));
        }
        let code = bytes.split_off(SEAL_BYTES);
        if !self.key.fits(name, &code, &bytes) {
            let problem = "the file is damaged, or this host did not write it";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(code)
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let number = self.files_written.fetch_add(1, Ordering::Relaxed);
        let partial = self.directory.join(format!("{name}.{}.{number}", std::process::id()));
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&partial)?;
            file.write_all(&self.key.seal(name, code))?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&partial, self.directory.join(name))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written
    }
}

/// Which code, compiled how.
fn name(engine: &Engine, digest: &Digest) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{digest}-{:016x}.{ENDING}", settings.finish())
}
