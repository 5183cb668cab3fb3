//! WASI 0.2 with nothing granted: clocks, random numbers, an empty standard input, no
//! arguments, no environment, no network, and of the files only granted directories.

use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::component::Linker;
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use zapjobs_model::{Access, DirectoryGrant};

use super::State;
use super::files::{self, Files, Quota};
use super::journal::{Journal, Stream};
use super::stdio::Output;

/// Random bytes that a guest gets in one call at most.
const RANDOM_BYTES_MAX: u64 = 4 << 20;

/// The interfaces that are provided, in any version 0.2.
pub(crate) const PROVIDED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    files::add_to_linker(linker)
}

/// What a guest finds of the outside. Fails if a granted directory cannot be opened.
pub(super) fn context(
    journal: &Arc<Mutex<Journal>>,
    directories: &[DirectoryGrant],
) -> Result<WasiCtx, String> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(Output::new(journal, Stream::Stdout))
        .stderr(Output::new(journal, Stream::Stderr))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for grant in directories {
        open(&mut builder, grant)?;
    }
    Ok(builder.build())
}

/// Whether the granted directories can be opened now.
pub(crate) fn check(directories: &[DirectoryGrant]) -> Result<(), String> {
    let mut builder = WasiCtxBuilder::new();
    directories.iter().try_for_each(|grant| open(&mut builder, grant))
}

fn open(builder: &mut WasiCtxBuilder, grant: &DirectoryGrant) -> Result<(), String> {
    let permissions = match grant.access {
        Access::ReadOnly => FsPerms::ReadOnly,
        Access::ReadWrite => FsPerms::ReadWrite,
    };
    builder.preopened_dir(&grant.host, &grant.guest, permissions).map(drop).map_err(|error| {
        format!(
            "granted directory {} cannot be opened: {error}: create it or change the grant",
            grant.host.display()
        )
    })
}

/// A context in which nothing is granted.
fn nothing(journal: &Arc<Mutex<Journal>>) -> WasiCtx {
    context(journal, &[]).expect("only directories can fail to open, and there are none")
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| nothing(&self.journal));
        WasiCtxView { ctx, table: &mut self.handles }
    }
}

impl State {
    /// The guest's files, within its limits.
    pub(super) fn files(&mut self) -> Files<'_> {
        let ctx = self.wasi.get_or_insert_with(|| nothing(&self.journal)).filesystem();
        let quota =
            self.quota.get_or_insert_with(|| Arc::new(Mutex::new(Quota::new(&self.limits))));
        Files { inner: WasiFilesystemCtxView { ctx, table: &mut self.handles }, quota }
    }
}
