//! A compiler for components: the target `wasm32-wasip2`.
//!
//! Three ways, tried in order: the toolchain has it; `rustup target add` brings it; on Debian
//! 12, where rustup's server cannot be reached, Debian's own packages make one.
//! `ZAPJOBS_WASM_TOOLCHAIN` set to `rustup` or `debian` leaves only that way.
//!
//! **Invariant:** the toolchain that builds the host is never changed, save for the target that
//! rustup adds to it.
//!
//! Look next: [`debian`].

mod apt;
mod debian;
mod sysroot;

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::say::say;
use crate::workspace::Workspace;

/// What components are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";
/// Leaves only one way to come by the target: `rustup` or `debian`.
const CHOICE: &str = "ZAPJOBS_WASM_TOOLCHAIN";

/// How components are compiled on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// As everything else is.
    Default,
    /// By a toolchain of this name, which rustup knows.
    Linked(&'static str),
}

impl WasmToolchain {
    /// Tells `zapjobs build`, wherever below a command it is called, to use it.
    pub(crate) fn announce(&self, command: &mut Command) {
        if let Self::Linked(name) = self {
            command.env("ZAPJOBS_CARGO_TOOLCHAIN", name);
        }
    }

    /// Makes a cargo command use it.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Self::Linked(name) = self {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
    }

    /// Whether it has clippy for the target.
    pub(crate) fn has_clippy(&self) -> bool {
        *self == Self::Default
    }
}

impl fmt::Display for WasmToolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "components build with `cargo build --target {TARGET}`"),
            Self::Linked(name) => {
                write!(f, "components build with `cargo +{name} build --target {TARGET}`")
            }
        }
    }
}

/// Makes sure that components can be compiled.
pub(crate) fn ensure(workspace: &Workspace) -> Result<WasmToolchain> {
    match env::var(CHOICE).unwrap_or_default().as_str() {
        "" if is_installed(workspace.root())? => Ok(WasmToolchain::Default),
        "" => by_rustup(workspace).or_else(|error| by_debian(workspace, &error)),
        "rustup" if is_installed(workspace.root())? => Ok(WasmToolchain::Default),
        "rustup" => by_rustup(workspace),
        "debian" => debian::ensure(workspace),
        other => bail!("{CHOICE} is {other:?}: use rustup or debian, or leave it out"),
    }
}

fn by_rustup(workspace: &Workspace) -> Result<WasmToolchain> {
    say!("The target {TARGET} is missing; rustup adds it.");
    process::run(
        Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace.root()),
    )?;
    if !is_installed(workspace.root())? {
        bail!("rustup added {TARGET}, but the rustc in PATH does not have it: is it rustup's?");
    }
    Ok(WasmToolchain::Default)
}

fn by_debian(workspace: &Workspace, error: &anyhow::Error) -> Result<WasmToolchain> {
    if !debian::is_supported() {
        bail!(
            "components cannot be compiled here: {error:#}\n\
             Install the target with `rustup target add {TARGET}` while the network can be \
             reached. (On Debian 12 for x86-64 and with apt-get, this program could have used \
             Debian's packages instead.)"
        );
    }
    say!("{error:#}");
    say!("Debian's packages make a compiler for {TARGET} instead.");
    debian::ensure(workspace)
}

/// Whether the rustc that builds in `directory` has the standard library for the target.
fn is_installed(directory: &Path) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(directory);
    let libraries = process::capture(&mut rustc).context("ask rustc for its target libraries")?;
    Ok(has_standard_library(Path::new(libraries.trim())))
}

/// Whether a library directory of rustc holds `libstd-*.rlib`.
fn has_standard_library(libraries: &Path) -> bool {
    let Ok(entries) = fs::read_dir(libraries) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_directory_without_std_does_not_count() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(!has_standard_library(&directory.path().join("absent")));
        fs::write(directory.path().join("libcore-1.rlib"), "").expect("writable");
        assert!(!has_standard_library(directory.path()));
        fs::write(directory.path().join("libstd-1.rlib"), "").expect("writable");
        assert!(has_standard_library(directory.path()));
    }

    #[test]
    fn a_linked_toolchain_is_named_to_cargo_and_to_zapjobs() {
        let mut command = Command::new("cargo");
        WasmToolchain::Linked("other").apply(&mut command);
        WasmToolchain::Linked("other").announce(&mut command);
        let variables: Vec<_> = command.get_envs().collect();
        let expected = ["RUSTUP_TOOLCHAIN", "ZAPJOBS_CARGO_TOOLCHAIN"]
            .map(|name| (name.as_ref(), Some("other".as_ref())));
        assert_eq!(variables, expected);
    }
}
