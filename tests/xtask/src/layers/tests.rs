//! Violations that do not exist, each found.

use serde_json::json;

use super::*;

fn package(name: &str, folder: &str, uses: &[&str]) -> Package {
    let uses = uses.iter().map(|name| Use { name: (*name).to_owned(), in_tests_only: false });
    Package { name: name.to_owned(), folder: folder.to_owned(), uses: uses.collect() }
}

fn in_tests(mut package: Package) -> Package {
    package.uses.iter_mut().for_each(|used| used.in_tests_only = true);
    package
}

/// The packages that the others below use.
fn others() -> Vec<Package> {
    [
        ("zapjobs-model", "storage"),
        ("zapjobs-storage", "storage"),
        ("zapjobs-memory", "storage"),
        ("zapjobs-conformance", "storage"),
        ("zapjobs-sandbox", "host"),
        ("zapjobs-sdk", "guest-sdk"),
        ("zapjobs-e2e", "tests"),
    ]
    .map(|(name, folder)| package(name, folder, &[]))
    .to_vec()
}

fn problems_of(package: Package) -> Vec<String> {
    let mut packages = others();
    packages.retain(|other| other.name != package.name);
    packages.push(package);
    violations(&packages)
}

#[test]
fn an_import_against_the_direction_is_found() {
    let model = package("zapjobs-model", "storage", &["zapjobs-storage"]);
    assert_eq!(problems_of(model), ["zapjobs-model may not use zapjobs-storage"]);
}

#[test]
fn an_import_between_folders_is_found() {
    let driver = package("zapjobs-sqlite", "storage", &["zapjobs-sandbox"]);
    assert_eq!(
        problems_of(driver),
        ["zapjobs-sqlite uses zapjobs-sandbox: storage/ may not depend on host/"]
    );
    let plugin = package("any-plugin", "plugins", &["zapjobs-model"]);
    assert_eq!(
        problems_of(plugin),
        ["any-plugin uses zapjobs-model: plugins/ may not depend on storage/"]
    );
}

#[test]
fn nothing_uses_tests() {
    let runtime = in_tests(package("zapjobs-runtime", "host", &["zapjobs-e2e"]));
    assert_eq!(
        problems_of(runtime),
        ["zapjobs-runtime uses zapjobs-e2e: nothing may depend on tests/"]
    );
}

#[test]
fn the_suite_is_for_tests_of_drivers_only() {
    let uses = ["zapjobs-conformance", "zapjobs-memory"];
    let driver = package("zapjobs-sqlite", "storage", &uses);
    assert_eq!(problems_of(driver.clone()).len(), 2);
    assert_eq!(problems_of(in_tests(driver)), [""; 0]);
    let runtime = in_tests(package("zapjobs-runtime", "host", &uses));
    assert_eq!(problems_of(runtime), ["zapjobs-runtime may not use zapjobs-conformance in tests"]);
}

#[test]
fn only_the_sandbox_knows_wasmtime() {
    assert_eq!(problems_of(package("zapjobs-sandbox", "host", &["wasmtime"])), [""; 0]);
    assert_eq!(
        problems_of(package("zapjobs-runtime", "host", &["wasmtime"])),
        ["zapjobs-runtime uses wasmtime, which only zapjobs-sandbox may know"]
    );
}

#[test]
fn a_package_that_the_table_does_not_name_is_found() {
    let found = problems_of(package("zapjobs-new", "host", &[]));
    assert!(found[0].starts_with("zapjobs-new is not in the table"), "{found:?}");
}

#[test]
fn tests_and_plugins_use_what_they_are_for() {
    let all = ["zapjobs-model", "zapjobs-sandbox", "wasmtime"];
    assert_eq!(problems_of(package("zapjobs-bench", "tests", &all)), [""; 0]);
    assert_eq!(problems_of(package("any-plugin", "plugins", &["zapjobs-sdk"])), [""; 0]);
}

#[test]
fn packages_are_read_from_cargo() {
    let metadata = json!({ "packages": [{
        "name": "zapjobs-model",
        "manifest_path": "/src/storage/model/Cargo.toml",
        "dependencies": [{ "name": "serde", "kind": null }, { "name": "proptest", "kind": "dev" }],
    }]});
    let packages = packages(&metadata, Path::new("/src")).expect("a package");
    assert_eq!(packages[0].folder, "storage");
    let kinds: Vec<bool> = packages[0].uses.iter().map(|used| used.in_tests_only).collect();
    assert_eq!(kinds, [false, true]);
}
