//! The components that tests run, built when they are first asked for.
//!
//! Where `ZAPJOBS_PLUGINS_DIR` or `ZAPJOBS_GUESTS_DIR` names a directory, components are taken
//! from there and nothing is built: `cargo xtask test` builds them once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// An example plugin, by the name of its package.
pub fn plugin(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    read(FOLDER.get_or_init(|| folder("plugins", "plugins", "ZAPJOBS_PLUGINS_DIR")), name)
}

/// A guest that only tests want, from `tests/guests`, by the name of its package.
pub fn guest(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    read(FOLDER.get_or_init(|| folder("tests/guests", "guests", "ZAPJOBS_GUESTS_DIR")), name)
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(format!("{}.wasm", name.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder(workspace: &str, target: &str, variable: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| build(workspace, target), PathBuf::from)
}

/// Cargo's own lock keeps test processes from building at the same time.
fn build(workspace: &str, target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let targets = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let target = targets.join(target);
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--workspace", "--locked"])
        .args(["--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .current_dir(root.join(workspace))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo starts");
    assert!(built.success(), "{workspace} does not build: see `cargo xtask test guests`");
    target.join("wasm32-wasip2/release")
}
