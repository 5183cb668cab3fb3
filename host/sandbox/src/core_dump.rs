//! Core dumps of guests that were stopped, for whoever looks into it.
//!
//! **Invariant:** at most [`FILES_MAX`] files of [`FILE_BYTES_MAX`] are kept, readable by their
//! owner alone. A dump that fails is said in the run's details, and changes nothing else.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::{Store, WasmCoreDump};
use zapjobs_model::port::RunContext;

use crate::directory;
use crate::host::State;
use crate::options::{ErrorKind, SandboxError};

/// Files that are kept at most; the oldest go first.
const FILES_MAX: usize = 20;
/// Bytes of a guest's memories at most that are dumped, and so about of one file.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// How the files end: the format of the WebAssembly tool conventions.
const ENDING: &str = "coredump";

/// A directory of core dumps.
pub(crate) struct CoreDumps {
    directory: PathBuf,
}

impl CoreDumps {
    /// Opens the directory, and makes it for its owner alone where it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self, SandboxError> {
        directory::own(directory).map_err(|problem| {
            let message = format!("core_dump_dir {}: {problem}", directory.display());
            SandboxError::new(ErrorKind::CoreDumps, message)
        })?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Writes what the error has caught of the guest. Answers the file's path, or why there is
    /// none.
    pub(crate) async fn write(
        self: &Arc<Self>,
        store: &mut Store<State>,
        error: &wasmtime::Error,
    ) -> String {
        let Some(dump) = error.downcast_ref::<WasmCoreDump>() else {
            return "none: the guest did not compute when it was stopped".to_owned();
        };
        let bytes = store.data().memory.bytes();
        if bytes > FILE_BYTES_MAX {
            return format!("none: {bytes} bytes of memory are more than {FILE_BYTES_MAX}");
        }
        let name = name(&store.data().context);
        let dump = dump.serialize(store, &name);
        let (dumps, path) = (Arc::clone(self), self.directory.join(&name));
        let written = tokio::task::spawn_blocking(move || dumps.keep(&path, &dump)).await;
        match written {
            Ok(Ok(path)) => path,
            Ok(Err(error)) => format!("none: {error}"),
            Err(error) => format!("none: {error}"),
        }
    }

    fn keep(&self, path: &Path, dump: &[u8]) -> std::io::Result<String> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(dump)?;
        directory::prune(&self.directory, ENDING, FILES_MAX)?;
        Ok(path.display().to_string())
    }
}

fn name(context: &RunContext) -> String {
    format!("{}-{}.{ENDING}", context.run, context.attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let dumps = CoreDumps::open(directory.path()).expect("opens");
        for n in 0..FILES_MAX + 5 {
            let path = directory.path().join(format!("{n:03}.{ENDING}"));
            dumps.keep(&path, b"dump").expect("kept");
        }
        let kept = std::fs::read_dir(directory.path()).expect("lists").count();
        assert_eq!(kept, FILES_MAX);
        assert!(directory.path().join(format!("{:03}.{ENDING}", FILES_MAX + 4)).exists());
    }
}
