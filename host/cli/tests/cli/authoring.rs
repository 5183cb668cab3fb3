//! From nothing to a plugin that runs.

use std::process::Command;

use serde_json::json;

use crate::support::{Folder, targets};

#[test]
fn a_new_plugin_is_tested_built_and_run() {
    let folder = Folder::new();
    let data = folder.path("data");
    // Kept between test runs: what plugins depend on is compiled once.
    let target = targets().join("scaffold");
    let zapjobs = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("XDG_DATA_HOME", &data).env("CARGO_TARGET_DIR", &target);
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = command.output().expect("the command starts");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    zapjobs(&["new", "my-tool"]);
    let tested = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--manifest-path"])
        .arg(folder.path("my-tool/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .expect("cargo starts");
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));

    let built: serde_json::Value =
        serde_json::from_str(&zapjobs(&["--json", "build", "--dir", "my-tool"])).unwrap();
    assert_eq!(built["jobs"], json!(["greet"]));
    let result = zapjobs(&["run", "my-tool/my-tool.wasm", "--input", r#"{"name":"Ada"}"#]);
    assert_eq!(result, "\"Hello, Ada!\"\n");

    let again = folder.command(&["new", "my-tool"]).env("XDG_DATA_HOME", &data).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn a_directory_without_a_plugin_is_named() {
    let folder = Folder::new();
    let ended = folder.run(&["build", "--dir", "plugins"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("zapjobs new"), "{}", ended.stderr);
    let ended = folder.run(&["new", "No Good"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("such as image-tools"), "{}", ended.stderr);
}

#[test]
fn the_template_shows_every_setting_and_completions_are_written() {
    let folder = Folder::new();
    let template = folder.run(&["config", "--template"]);
    assert!(template.stdout.contains("# concurrency = 128"), "{}", template.stdout);
    std::fs::write(folder.path("zapjobs.toml"), &template.stdout).unwrap();
    let config = folder.json(&["config"]);
    assert_eq!(config["storage"], json!({ "value": "sqlite:zapjobs.db", "source": "default" }));
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.run(&["completions", shell]).stdout.contains("zapjobs"));
    }
}
