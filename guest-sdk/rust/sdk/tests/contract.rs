//! The SDK against the repository it belongs to: the interface it carries, and the components
//! that its users' crates become.

use std::path::{Path, PathBuf};
use std::process::Command;

use wit_component::{DecodedWasm, WitPrinter};

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    root.canonicalize().expect("these tests run in the repository")
}

#[test]
fn the_carried_interface_is_that_of_the_repository() {
    let theirs = std::fs::read_to_string(repository().join("wit/job.wit")).expect("wit/job.wit");
    let ours = include_str!("../wit/job.wit");
    assert!(ours == theirs, "copy wit/job.wit to guest-sdk/rust/sdk/wit/job.wit");
}

/// The component of a plugin: from `ZAPJOBS_PLUGINS_DIR` where that names a directory of built
/// components, built as its users would otherwise.
fn component(plugin: &str) -> PathBuf {
    if let Some(built) = std::env::var_os("ZAPJOBS_PLUGINS_DIR") {
        return Path::new(&built).join(format!("{plugin}.wasm"));
    }
    let (root, cargo) = (repository(), std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let target = target.join("plugins");
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--target", "wasm32-wasip2"]);
    build.args(["--package", plugin, "--manifest-path"]).arg(root.join("plugins/Cargo.toml"));
    build.arg("--target-dir").arg(&target).env_remove("RUSTFLAGS");
    assert!(
        build.status().expect("cargo runs").success(),
        "{plugin} does not build; is the target there? rustup target add wasm32-wasip2"
    );
    target.join("wasm32-wasip2/release").join(format!("{plugin}.wasm"))
}

fn interface(plugin: &str) -> String {
    let bytes = std::fs::read(component(plugin)).expect("the component");
    let DecodedWasm::Component(resolve, world) =
        wit_component::decode(&bytes).expect("a component")
    else {
        panic!("{plugin}.wasm holds a WIT package, no component")
    };
    let mut printer = WitPrinter::default();
    let package = resolve.worlds[world].package.expect("the world's package");
    printer.print(&resolve, package, &[]).expect("printable");
    printer.output.to_string()
}

#[test]
fn the_attribute_alone_makes_a_component_that_exports_its_jobs() {
    let interface = interface("hello");
    assert!(interface.contains("export zapjobs:job/jobs@0.1.0;"), "{interface}");
    assert!(interface.contains("import zapjobs:job/log@0.1.0;"), "{interface}");
}

#[test]
fn a_component_imports_neither_network_nor_files_nor_clocks_that_it_does_not_use() {
    let interface = interface("noop");
    assert!(interface.contains("export zapjobs:job/jobs@0.1.0;"), "{interface}");
    for unused in ["wasi:sockets", "wasi:http", "wasi:filesystem", "wasi:clocks", "wasi:random"] {
        assert!(!interface.contains(unused), "imports {unused}: {interface}");
    }
}
