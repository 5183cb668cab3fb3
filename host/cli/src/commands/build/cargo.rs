//! The Rust tools, as `zapjobs build` uses them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::errors::{Code, Done, Failure};

/// What plugins are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Cargo and its companions, of the toolchain in use or of the one that
/// `ZAPJOBS_CARGO_TOOLCHAIN` names.
pub(super) struct Cargo {
    toolchain: Option<String>,
}

/// The package to build.
pub(super) struct Package {
    pub(super) name: String,
    manifest: PathBuf,
    library: String,
    target_directory: PathBuf,
}

impl Package {
    /// Where the compiled component is.
    pub(super) fn artifact(&self, debug: bool) -> PathBuf {
        let profile = if debug { "debug" } else { "release" };
        let file = format!("{}.wasm", self.library.replace('-', "_"));
        self.target_directory.join(TARGET).join(profile).join(file)
    }
}

impl Cargo {
    pub(super) fn from_environment() -> Self {
        let toolchain = std::env::var("ZAPJOBS_CARGO_TOOLCHAIN").ok();
        Self { toolchain: toolchain.filter(|name| !name.is_empty()) }
    }

    /// The plugin's package in this directory.
    pub(super) fn package(&self, directory: &Path) -> Done<Package> {
        let manifest = directory.join("Cargo.toml");
        let manifest = manifest.canonicalize().map_err(|error| {
            Failure::usage(format!(
                "{} is no plugin's directory: Cargo.toml: {error}: name one with --dir, or begin \
                 one with `zapjobs new NAME`",
                directory.display()
            ))
        })?;
        let arguments = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path"];
        let metadata = self.cargo_for(&manifest).args(arguments).arg(&manifest).output();
        let output = metadata.map_err(|error| missing("cargo", &error))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::usage(format!("cargo cannot read the plugin: {message}")));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| {
            Failure::unavailable(format!("cargo's metadata cannot be read: {error}"))
        })?;
        metadata.package(&manifest)
    }

    /// Adds the target where it is missing; answers what was done.
    pub(super) fn ensure_target(&self) -> Done<Option<String>> {
        if self.has_target()? {
            return Ok(None);
        }
        let by_hand = format!("add it with `rustup target add {TARGET}`");
        let mut arguments = vec!["target", "add", TARGET];
        if let Some(toolchain) = &self.toolchain {
            arguments.extend(["--toolchain", toolchain]);
        }
        let added = Command::new("rustup").args(arguments).stdin(Stdio::null()).output();
        let problem = match added {
            Ok(added) if added.status.success() => {
                return Ok(Some(format!("added the target {TARGET} to the Rust toolchain")));
            }
            Ok(added) => String::from_utf8_lossy(&added.stderr).into_owned(),
            Err(error) => format!("rustup cannot be run: {error}"),
        };
        Err(Failure::unavailable(format!(
            "the Rust toolchain has no target {TARGET}: {by_hand}: {problem}"
        )))
    }

    fn has_target(&self) -> Done<bool> {
        let arguments = ["--print", "target-libdir", "--target", TARGET];
        let output = self.command("rustc").args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| missing("rustc", &error))?;
        let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(false) };
        let is_std = |name: &str| name.starts_with("libstd-") && name.ends_with(".rlib");
        Ok(entries.flatten().any(|entry| is_std(&entry.file_name().to_string_lossy())))
    }

    /// Compiles the package; cargo's own words go to stderr.
    pub(super) fn build(&self, package: &Package, debug: bool) -> Done {
        let mut command = self.cargo_for(&package.manifest);
        command.arg("build").arg("--target").arg(TARGET);
        command.arg("--manifest-path").arg(&package.manifest);
        if !debug {
            command.arg("--release");
        }
        let status = command.stdout(io::stderr()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Failure::new(
                Code::Failed,
                format!("{} does not compile: see cargo's words above", package.name),
            )),
            Err(error) => Err(missing("cargo", &error)),
        }
    }

    /// Cargo, run where the plugin is: that is where it looks for the plugin's configuration.
    fn cargo_for(&self, manifest: &Path) -> Command {
        let mut command = self.command("cargo");
        command.stdin(Stdio::null()).current_dir(manifest.parent().unwrap_or(manifest));
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(toolchain) = &self.toolchain {
            command.arg(format!("+{toolchain}"));
        }
        command
    }
}

fn missing(program: &str, error: &io::Error) -> Failure {
    Failure::unavailable(format!(
        "{program} cannot be run: {error}: install Rust from https://rustup.rs"
    ))
}

/// What `cargo metadata` says.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<PackageMetadata>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct PackageMetadata {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<TargetMetadata>,
}

#[derive(Deserialize)]
struct TargetMetadata {
    name: String,
    crate_types: Vec<String>,
}

impl Metadata {
    fn package(self, manifest: &Path) -> Done<Package> {
        let is_meant = |it: &PackageMetadata| it.manifest_path == manifest;
        let package = self.packages.into_iter().find(is_meant).ok_or_else(|| {
            Failure::usage(format!("{} describes no package", manifest.display()))
        })?;
        let is_component = |it: &TargetMetadata| it.crate_types.iter().any(|it| it == "cdylib");
        let library = package.targets.into_iter().find(is_component).ok_or_else(|| {
            Failure::usage(format!(
                "{} makes no component: add `[lib] crate-type = [\"cdylib\", \"rlib\"]` to {}",
                package.name,
                manifest.display()
            ))
        })?;
        Ok(Package {
            name: package.name,
            manifest: manifest.to_owned(),
            library: library.name,
            target_directory: self.target_directory,
        })
    }
}
