//! Hostile components against this installation.

use serde_json::json;

use crate::errors::assert_says;
use crate::support::Folder;

#[test]
fn attacks_are_held_and_told_in_a_table_or_as_json() {
    let folder = Folder::new();
    let verdicts = folder.json(&["torture", "--only", "trap-divide"]);
    let verdict = &verdicts[0];
    assert_eq!(verdicts.as_array().unwrap().len(), 1);
    assert_eq!(verdict["attack"], json!("trap-divide-by-zero"));
    assert_eq!((&verdict["held"], &verdict["limit"]), (&json!(true), &json!("trap")));
    assert!(verdict["ms"].is_u64(), "{verdict}");

    let ended = folder.run(&["torture", "--only", "memory-bomb"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("memory_bytes_max"), "{}", ended.stdout);
    assert!(ended.stderr.contains("attacks held"), "{}", ended.stderr);
    assert!(!folder.path("zapjobs.db").exists(), "no storage is made");
}

#[test]
fn attacks_are_listed_without_being_let_loose() {
    let folder = Folder::new();
    let listed = folder.json(&["torture", "--list"]);
    assert!(listed.as_array().unwrap().len() >= 100);
    assert!(listed[0]["tries"].is_string() && listed[0]["limit"].is_string());
    assert_says(&folder.run(&["torture", "--only", "kindness"]), 2, &["kindness", "--list"]);
}
