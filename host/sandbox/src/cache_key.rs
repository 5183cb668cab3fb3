//! The key that files of compiled code are sealed with.
//!
//! **Invariant:** the key never leaves this process and its one file, which only its owner can
//! read. Two processes that begin at the same time end up with the same key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes of a key: as many as of a seal.
const KEY_BYTES: usize = 32;
/// Bytes of a seal.
pub(crate) const SEAL_BYTES: usize = 32;
/// The file that the key is in.
const FILE: &str = "key";

/// Seals code, and tells whether a seal is its own.
pub(crate) struct Key(hmac::Key);

impl Key {
    /// The key of this directory, made where there is none.
    pub(crate) fn of(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        let bytes = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(directory, &path)?,
            read => read?,
        };
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// HMAC-SHA-256 over name and code.
    pub(crate) fn seal(&self, name: &str, code: &[u8]) -> [u8; SEAL_BYTES] {
        let tag = self.context(name, code).sign();
        tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// Whether this is the seal of name and code. Takes as long for any wrong seal.
    pub(crate) fn fits(&self, name: &str, code: &[u8], seal: &[u8]) -> bool {
        let own = self.seal(name, code);
        // Compared as the tag of a tag, in constant time.
        hmac::verify(&self.0, &own, hmac::sign(&self.0, seal).as_ref()).is_ok()
    }

    fn context(&self, name: &str, code: &[u8]) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(name.len() as u64).to_le_bytes());
        context.update(name.as_bytes());
        context.update(code);
        context
    }
}

fn read(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(invalid("others can read it, or it belongs to another user: remove it"));
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    bytes.try_into().map_err(|_| invalid("it does not have 32 bytes: remove it"))
}

/// Makes a key under another name first, so that no one reads half a key. Where another process
/// was quicker, its key counts.
fn make(directory: &Path, path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    let partial = directory.join(format!("{FILE}.{}", std::process::id()));
    let _ = fs::remove_file(&partial);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    let made = file
        .write_all(&bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&partial, path));
    let _ = fs::remove_file(&partial);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        made => made.map(|()| bytes),
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_fits_its_own_name_and_code_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let key = Key::of(directory.path()).expect("a key");
        let seal = key.seal("name", b"code");
        assert!(key.fits("name", b"code", &seal));
        assert!(!key.fits("name", b"cod", &seal));
        assert!(!key.fits("namec", b"ode", &seal));
        assert!(!key.fits("name", b"code", &seal[..31]));
        assert!(!key.fits("name", b"code", &[0; SEAL_BYTES]));
        let again = Key::of(directory.path()).expect("the same key");
        assert!(again.fits("name", b"code", &seal));
    }

    #[test]
    fn another_directory_has_another_key() {
        let directories = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let [one, two] = directories.each_ref().map(|it| Key::of(it.path()).expect("a key"));
        assert!(!two.fits("name", b"code", &one.seal("name", b"code")));
    }

    #[test]
    fn a_key_that_is_no_secret_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        Key::of(directory.path()).expect("a key");
        let path = directory.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let error = Key::of(directory.path()).err().expect("a refusal");
        assert!(error.to_string().contains("others can read it"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        fs::write(&path, b"short").expect("written");
        let error = Key::of(directory.path()).err().expect("a refusal");
        assert!(error.to_string().contains("32 bytes"), "{error}");
    }
}
