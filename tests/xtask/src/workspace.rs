//! Where things are: the checkout, what cargo builds, and what is kept per user.
//!
//! **Invariant:** nothing here or elsewhere assumes `./target`. Cargo is asked once for its
//! target directory, so that `CARGO_TARGET_DIR` and every cargo configuration hold.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The checkout and its target directory.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Value,
}

impl Workspace {
    /// Asks cargo about the workspace that this program belongs to.
    pub(crate) fn find() -> Result<Self> {
        let metadata = metadata(Path::new("Cargo.toml"), start().as_deref())?;
        let path = |key: &str| {
            let text = metadata[key].as_str().with_context(|| format!("cargo named no {key}"));
            text.map(PathBuf::from)
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, metadata })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds for this machine.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What cargo knows of the packages here.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// Where the programs of the one profile are.
    pub(crate) fn programs(&self) -> PathBuf {
        self.target.join("release")
    }

    /// The program `name` of the one profile.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name).with_extension(env::consts::EXE_EXTENSION)
    }

    /// Builds all programs of this workspace.
    ///
    /// Cargo unites the features of what it is asked to build, those of tests included once it
    /// builds a test. So everything here is built as tests are, a small one named along: any
    /// other selection would compile wasmtime once more, with other features.
    pub(crate) fn build_programs(&self) -> Result<()> {
        let arguments = ["build", "--release", "--workspace", "--bins", "--test", "program"];
        process::run(&mut self.cargo(&arguments))
    }

    /// The workspaces beside this one whose packages are components, with the directory that
    /// each is built into. Only those that exist.
    pub(crate) fn guests(&self) -> Vec<GuestWorkspace> {
        let known = [
            ("plugins", "plugins", "ZAPJOBS_PLUGINS_DIR"),
            ("tests/guests", "guests", "ZAPJOBS_GUESTS_DIR"),
        ];
        known
            .into_iter()
            .map(|(folder, target, variable)| GuestWorkspace {
                name: folder,
                variable,
                manifest: self.root.join(folder).join("Cargo.toml"),
                target: self.target.join(target),
            })
            .filter(|guests| guests.manifest.is_file())
            .collect()
    }

    /// A cargo command, run in the checkout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// A workspace of components.
#[derive(Debug)]
pub(crate) struct GuestWorkspace {
    /// Its folder in the checkout.
    pub(crate) name: &'static str,
    /// The variable that tells tests where its components are.
    pub(crate) variable: &'static str,
    /// Its `Cargo.toml`.
    pub(crate) manifest: PathBuf,
    /// Where cargo puts what it builds of it.
    pub(crate) target: PathBuf,
}

impl GuestWorkspace {
    /// Points a cargo command at this workspace.
    pub(crate) fn aim(&self, command: &mut Command) {
        command.arg("--manifest-path").arg(&self.manifest);
        command.arg("--target-dir").arg(&self.target);
    }

    /// Where the components of the release profile are.
    pub(crate) fn components(&self) -> PathBuf {
        self.target.join(crate::wasm_target::TARGET).join("release")
    }
}

/// The folder per user that outlives checkouts: `$XDG_CACHE_HOME/zapjobs`, else
/// `~/.cache/zapjobs`.
pub(crate) fn user_cache() -> Result<PathBuf> {
    let absolute =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let base = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .context("find the cache folder: set XDG_CACHE_HOME or HOME to an absolute path")?;
    Ok(base.join("zapjobs"))
}

/// What `cargo metadata` says of the packages of a workspace, without their dependencies' own.
pub(crate) fn metadata(manifest: &Path, directory: Option<&Path>) -> Result<Value> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]);
    command.arg(manifest);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let text = process::capture(&mut command)?;
    serde_json::from_str(&text).context("read what cargo metadata printed")
}

/// The checkout's root as cargo told this program, so that the tasks work from any folder.
fn start() -> Option<PathBuf> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    package.ancestors().nth(2).map(Path::to_owned)
}
