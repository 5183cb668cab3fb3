//! Compiled code that is kept between starts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zapjobs_model::Grants;
use zapjobs_sandbox::{ErrorKind, SandboxOptions, WasmSandbox};

use crate::support::{Try, guest, load_with, output, sandbox_with};

fn options(directory: &Path) -> SandboxOptions {
    SandboxOptions { cache_dir: Some(directory.to_owned()), ..SandboxOptions::default() }
}

async fn runs(directory: &Path) {
    let sandbox = sandbox_with(options(directory));
    let plugin = load_with(&sandbox, guest("noop"), Grants::default()).await.expect("loads");
    assert_eq!(output(&Try::of("noop", "7").report(&plugin).await), "7");
}

fn only_file(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).expect("lists").map(|file| file.expect("lists").path());
    let files: Vec<_> = files.filter(|file| !file.ends_with("key")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[tokio::test]
async fn compiled_code_is_kept_for_its_owner_and_used_again() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("cache");
    runs(&directory).await;
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let file = only_file(&directory);
    assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
    let written = fs::metadata(&file).expect("there").modified().expect("a time");
    runs(&directory).await;
    let again = fs::metadata(only_file(&directory)).expect("there").modified().expect("a time");
    assert_eq!(again, written, "it was compiled again");
}

#[tokio::test]
async fn damaged_code_is_compiled_again() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("set");
    runs(directory.path()).await;
    let file = only_file(directory.path());
    let whole = fs::read(&file).expect("read");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for wrong in [damaged.as_slice(), &whole[..whole.len() / 2], &[]] {
        fs::write(&file, wrong).expect("written");
        runs(directory.path()).await;
        assert_eq!(fs::read(&file).expect("read").len(), whole.len(), "it was not written anew");
    }
}

#[tokio::test]
async fn code_that_another_host_sealed_is_not_loaded() {
    let [mine, other] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    for directory in [&mine, &other] {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("set");
        runs(directory.path()).await;
    }
    let (file, foreign) = (only_file(mine.path()), only_file(other.path()));
    assert_eq!(file.file_name(), foreign.file_name());
    let foreign = fs::read(foreign).expect("read");
    fs::write(&file, &foreign).expect("written");
    runs(mine.path()).await;
    assert_ne!(fs::read(&file).expect("read")[..32], foreign[..32], "it was not written anew");
}

#[tokio::test]
async fn the_key_is_its_owners_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("set");
    runs(directory.path()).await;
    let key = directory.path().join("key");
    assert_eq!(fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("set");
    let error = WasmSandbox::new(options(directory.path())).err().expect("a refusal");
    assert!(error.to_string().contains("key: others can read it"), "{error}");
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let error = WasmSandbox::new(options(directory.path())).err().expect("a refusal");
    assert_eq!(error.kind(), ErrorKind::Cache);
    assert!(error.to_string().ends_with("others can write to it: chmod it to 0700"), "{error}");
}
