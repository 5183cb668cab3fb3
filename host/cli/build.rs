//! Embeds the guest SDK and the template of a new plugin, so that `zapjobs new` works on any
//! machine, whether or not the SDK is published.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What a plugin needs of the SDK: its two crates, without their tests.
const SDK: [&str; 5] = ["sdk/Cargo.toml", "sdk/src", "sdk/wit", "macros/Cargo.toml", "macros/src"];
const TEMPLATE: [&str; 1] = ["template"];

fn main() {
    let manifest_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let root = Path::new(&manifest_dir).join("../../guest-sdk/rust");
    let root = root.canonicalize().expect("guest-sdk/rust lies in the same repository");
    let mut hash = Sha256::new();
    let sdk = list("SDK", &root, &SDK, &mut hash);
    let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let template = list("TEMPLATE", &root, &TEMPLATE, &mut Sha256::new());
    let code = format!(
        "{sdk}{template}/// The beginning of the SHA-256 of the SDK's files.\n\
         pub(super) const SDK_HASH: &str = {hash:?};\n"
    );
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("embedded.rs");
    fs::write(out, code).expect("the output directory can be written");
}

/// A constant that holds the files below some places as pairs of path and text.
fn list(name: &str, root: &Path, places: &[&str], hash: &mut Sha256) -> String {
    let mut files = Vec::new();
    for place in places {
        let path = root.join(place);
        println!("cargo::rerun-if-changed={}", path.display());
        collect(&path, &mut files);
    }
    files.sort();
    let mut code = format!(
        "/// Files as pairs of path and text.\npub(super) const {name}: &[(&str, &str)] = &[\n"
    );
    for file in files {
        let relative = file.strip_prefix(root).expect("it lies below the root");
        let relative = relative.to_str().expect("the repository's names are UTF-8");
        hash.update(relative);
        hash.update([0]);
        hash.update(fs::read(&file).expect("the file can be read"));
        writeln!(code, "    ({relative:?}, include_str!({:?})),", file.display().to_string())
            .expect("writing to a string never fails");
    }
    code.push_str("];\n");
    code
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("the directory can be read") {
        collect(&entry.expect("the entry can be read").path(), files);
    }
}
