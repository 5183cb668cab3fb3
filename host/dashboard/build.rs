//! Lists the files of `dist/` as Rust: each with its place, its type, its hash and its bytes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest as _, Sha256};

/// Files in `dist/` at most: more means that something else was put there.
const FILES_MAX: usize = 100;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("dist");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    list(&root, &mut files);
    assert!(files.len() <= FILES_MAX, "{} has more than {FILES_MAX} files", root.display());
    files.sort();
    let entries: String = files.iter().map(|path| entry(&root, path)).collect();
    let target = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("files.rs");
    fs::write(&target, format!("&[\n{entries}]\n")).expect("the folder for what is built is there");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| {
        panic!(
            "failed to list {}: {error}: build it with `npm run build` in web/",
            folder.display()
        )
    });
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

fn entry(root: &Path, path: &Path) -> String {
    let name = path.strip_prefix(root).expect("it was found in there");
    let name = name.to_str().expect("names in dist are ASCII").replace('\\', "/");
    let bytes = fs::read(path).expect("it was just listed");
    let hash: String =
        Sha256::digest(&bytes).iter().take(16).map(|it| format!("{it:02x}")).collect();
    format!(
        "    File {{ path: {name:?}, kind: {:?}, etag: \"\\\"{hash}\\\"\", bytes: include_bytes!({:?}) }},\n",
        kind(&name),
        path.display().to_string(),
    )
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        other => panic!("dist has a .{other} file: say here what type it has"),
    }
}
