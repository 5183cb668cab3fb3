//! The program as people call it.
//!
//! It is named in how the programs of the project are built: see `Workspace::build_programs`.

use std::process::Command;

fn xtask(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_steps_are_listed() {
    let (succeeded, said) = xtask(&["test", "--list"]);
    assert!(succeeded, "{said}");
    let names: Vec<&str> = said.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"unit") && names.contains(&"demo"), "{said}");
}

#[test]
fn an_unknown_step_fails() {
    let (succeeded, said) = xtask(&["test", "nothing"]);
    assert!(!succeeded && said.contains("there is no step \"nothing\""), "{said}");
}
