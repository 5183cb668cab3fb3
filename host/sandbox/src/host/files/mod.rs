//! `wasi:filesystem/types`, within an attempt's limits on files.
//!
//! **Invariant:** every function that opens, creates, writes or lists asks [`quota::Quota`]
//! first, and otherwise does what wasmtime-wasi does, which keeps every path inside its granted
//! directory. A refusal is the error code `quota`, which a guest can handle. (Where it writes
//! through a stream, it has to ask `filesystem-error-code` for it: Rust's standard library does
//! not, and sees an I/O error, as with a full disk. The run's log names the limit.)
//!
//! Beyond the limits of a run, three rules hold: a path has at most [`PATH_BYTES_MAX`]; a
//! symbolic link that a guest makes points down, so that no program of the host that follows it
//! is led out of the directory; and listings hold at most [`quota::ENTRIES_HELD_MAX`] entries.
//!
//! A hole counts as written, whether it comes from setting a size or from writing beyond the
//! end: a file that takes no space now may do so when it is copied.

mod quota;
mod stream;

use std::path::{Component, Path};
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, Host, HostDescriptor, HostDirectoryEntryStream,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::State;
use quota::Exceeded;
pub(super) use quota::Quota;
use stream::Counted;

/// Bytes of a path at most, as on Linux.
const PATH_BYTES_MAX: usize = 4 << 10;

/// The files of one attempt.
pub(crate) struct Files<'a> {
    pub(super) inner: WasiFilesystemCtxView<'a>,
    pub(super) quota: &'a Arc<Mutex<Quota>>,
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

/// Replaces wasmtime-wasi's own functions.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<State, HasFiles>(linker, State::files)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Files<'_> {
    /// Bytes from a file's end to `offset`; none where it is inside.
    fn gap(&self, fd: &Resource<Descriptor>, offset: u64) -> FsResult<u64> {
        match self.inner.table.get(fd)? {
            Descriptor::File(file) => Ok(offset.saturating_sub(file.file.metadata()?.len())),
            // Refused as such by the function itself.
            Descriptor::Dir(_) => Ok(0),
        }
    }

    /// Counts something that is created if `creation` succeeds.
    async fn create(
        &mut self,
        creation: impl AsyncFnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<()>,
    ) -> FsResult<()> {
        self.quota.lock().create().map_err(refused)?;
        let created = creation(&mut self.inner).await;
        if created.is_err() {
            self.quota.lock().not_created();
        }
        created
    }

    fn counted(
        &mut self,
        stream: Resource<DynOutputStream>,
        gap: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.inner.table.delete(stream)?;
        let counted: DynOutputStream = Box::new(Counted::new(inner, self.quota, gap));
        Ok(self.inner.table.push(counted)?)
    }
}

/// The error code of a refusal.
fn refused(limit: Exceeded) -> FsError {
    match limit {
        Exceeded::Entries => ErrorCode::InsufficientMemory.into(),
        Exceeded::Open | Exceeded::Created | Exceeded::Bytes => ErrorCode::Quota.into(),
    }
}

fn bounded(path: &str) -> FsResult<()> {
    if path.len() > PATH_BYTES_MAX {
        return Err(ErrorCode::NameTooLong.into());
    }
    Ok(())
}

/// Whether a link to this leads to where it is or below.
fn points_down(target: &str) -> bool {
    let mut parts = Path::new(target).components();
    parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A handle for one more call.
fn again(fd: &Resource<Descriptor>) -> Resource<Descriptor> {
    Resource::new_borrow(fd.rep())
}

impl Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        if self.inner.table.get(&error)?.downcast_ref::<Exceeded>().is_some() {
            return Ok(Some(ErrorCode::Quota));
        }
        self.inner.filesystem_error_code(error)
    }
}

/// Functions on a descriptor that only pass on what they get.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $ty:ty),*) -> $output:ty;)+) => {
        $(async fn $name(
            &mut self,
            fd: Resource<Descriptor>,
            $($argument: $ty,)*
        ) -> $output {
            HostDescriptor::$name(&mut self.inner, fd, $($argument),*).await
        })+
    };
}

/// The same for functions whose first argument after the flags is a path.
macro_rules! pass_on_path {
    ($($name:ident($([$flags:ident: $flags_ty:ty],)? path $(, $argument:ident: $ty:ty)*) -> $output:ty;)+) => {
        $(async fn $name(
            &mut self,
            fd: Resource<Descriptor>,
            $($flags: $flags_ty,)?
            path: String,
            $($argument: $ty,)*
        ) -> $output {
            bounded(&path)?;
            HostDescriptor::$name(&mut self.inner, fd, $($flags,)? path $(, $argument)*).await
        })+
    };
}

impl HostDescriptor for Files<'_> {
    pass_on! {
        advise(offset: u64, length: u64, advice: Advice) -> FsResult<()>;
        sync_data() -> FsResult<()>;
        sync() -> FsResult<()>;
        get_flags() -> FsResult<DescriptorFlags>;
        get_type() -> FsResult<DescriptorType>;
        set_times(accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()>;
        read(length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)>;
        stat() -> FsResult<DescriptorStat>;
        is_same_object(other: Resource<Descriptor>) -> wasmtime::Result<bool>;
        metadata_hash() -> FsResult<MetadataHashValue>;
    }

    pass_on_path! {
        stat_at([flags: PathFlags], path) -> FsResult<DescriptorStat>;
        set_times_at(
            [flags: PathFlags], path, accessed: NewTimestamp, modified: NewTimestamp
        ) -> FsResult<()>;
        readlink_at(path) -> FsResult<String>;
        remove_directory_at(path) -> FsResult<()>;
        unlink_file_at(path) -> FsResult<()>;
        metadata_hash_at([flags: PathFlags], path) -> FsResult<MetadataHashValue>;
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        bounded(&path)?;
        self.quota.lock().may_open().map_err(refused)?;
        // What cannot be looked at cannot be opened either, unless this creates it.
        let creates = open_flags.contains(OpenFlags::CREATE)
            && self.inner.stat_at(again(&fd), path_flags, path.clone()).await.is_err();
        if creates {
            self.quota.lock().create().map_err(refused)?;
        }
        let opened = self.inner.open_at(fd, path_flags, path, open_flags, flags).await;
        let mut quota = self.quota.lock();
        match &opened {
            Ok(opened) => match self.inner.table.get(opened)? {
                Descriptor::File(file) => quota.opened(&file.file),
                Descriptor::Dir(directory) => quota.opened(&directory.dir),
            },
            Err(_) if creates => quota.not_created(),
            Err(_) => {}
        }
        opened
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let growth = self.gap(&fd, size)?;
        self.quota.lock().write(growth).map_err(refused)?;
        let set = self.inner.set_size(fd, size).await;
        if set.is_err() {
            self.quota.lock().not_written(growth);
        }
        set
    }

    async fn write(
        &mut self,
        fd: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: u64,
    ) -> FsResult<u64> {
        let (gap, length) = (self.gap(&fd, offset)?, bytes.len() as u64);
        self.quota.lock().write(gap.saturating_add(length)).map_err(refused)?;
        let written = self.inner.write(fd, bytes, offset).await?;
        self.quota.lock().not_written(length.saturating_sub(written));
        Ok(written)
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(fd, offset)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let gap = self.gap(&fd, offset)?;
        let stream = self.inner.write_via_stream(fd, offset)?;
        self.counted(stream, gap)
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.inner.append_via_stream(fd)?;
        self.counted(stream, 0)
    }

    async fn create_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        bounded(&path)?;
        self.create(async |inner| inner.create_directory_at(fd, path).await).await
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        bounded(&path).and(bounded(&new_path))?;
        self.create(async |inner| inner.link_at(fd, flags, path, new_fd, new_path).await).await
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        bounded(&target).and(bounded(&path))?;
        if !points_down(&target) {
            return Err(ErrorCode::NotPermitted.into());
        }
        self.create(async |inner| inner.symlink_at(fd, target, path).await).await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        bounded(&path).and(bounded(&new_path))?;
        self.inner.rename_at(fd, path, new_fd, new_path).await
    }

    async fn read_directory(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let entries = match self.inner.table.get(&fd)? {
            Descriptor::Dir(directory) => {
                let (directory, left) =
                    (Arc::clone(&directory.dir), self.quota.lock().entries_left());
                let counted = tokio::task::spawn_blocking(move || entries(&directory, left)).await;
                counted.map_err(FsError::trap)??
            }
            Descriptor::File(_) => Some(0),
        };
        let Some(entries) = entries else {
            return Err(refused(self.quota.lock().refuse_listing()));
        };
        let listing = self.inner.read_directory(fd).await?;
        self.quota.lock().listed(listing.rep(), entries);
        Ok(listing)
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.inner, fd)
    }
}

/// How many entries a directory has, if that is not more than `entries_max`.
fn entries(directory: &std::fs::File, entries_max: usize) -> std::io::Result<Option<usize>> {
    let mut count = 0;
    for entry in rustix::fs::Dir::read_from(directory)? {
        entry?;
        count += 1;
        if count > entries_max {
            return Ok(None);
        }
    }
    Ok(Some(count))
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.quota.lock().unlisted(stream.rep());
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_point_down() {
        for target in ["a", "./a", "a/b/c", "a/./b"] {
            assert!(points_down(target), "{target}");
        }
        for target in ["/", "/etc/passwd", "..", "../a", "a/../../b", "a/.."] {
            assert!(!points_down(target), "{target}");
        }
    }
}
