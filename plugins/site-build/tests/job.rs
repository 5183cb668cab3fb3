//! The job as the host calls it, on real files.

use std::fs;
use std::path::Path;

use site_build as _;
use zapjobs_sdk::ErrorKind;
use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::TestContext;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(folder.path().join("docs/img")).expect("it is made");
    let readme = "# Demo\n\nSee the [guide](docs/guide.md#use).\n\n![](docs/img/a.png)\n";
    let guide = "# Guide\n\n## Use\n\n[Home](../README.md)\n\n[gone](gone.md)\n";
    for (name, text) in [("README.md", readme), ("docs/guide.md", guide), ("docs/img/a.png", "x")] {
        fs::write(folder.path().join(name), text).expect("it is written");
    }
    folder
}

fn input(folder: &Path) -> Value {
    json!({ "from": folder, "to": folder.join("site") })
}

#[test]
fn a_site_is_built_and_its_links_lead_between_pages() {
    let folder = folder();
    let test = TestContext::new();
    let output = test.run_json("site-build", input(folder.path())).expect("it completes");
    assert_eq!((&output["pages"], &output["images"]), (&json!(2), &json!(1)));
    let read = |name: &str| {
        fs::read_to_string(folder.path().join("site").join(name)).expect("the file is written")
    };
    assert!(read("index.html").contains(r#"<a href="docs/guide.html#use">guide</a>"#));
    assert!(read("docs/guide.html").contains(r#"<a href="../index.html">Home</a>"#));
    assert_eq!(read("docs/img/a.png"), "x");
    assert!(read("style.css").contains("light-dark"));
    let index: Value = serde_json::from_str(&read("search.json")).expect("it is JSON");
    assert_eq!(index[1]["title"], "Guide");
    assert!(read("search.js").starts_with("const pages = ["));
}

#[test]
fn a_broken_link_is_a_warning_with_its_place() {
    let folder = folder();
    let test = TestContext::new();
    let output = test.run_json("site-build", input(folder.path())).expect("it completes");
    let broken = json!({
        "file": "docs/guide.md", "line": 7, "link": "gone.md", "problem": "there is no docs/gone.md"
    });
    assert_eq!((&output["broken_links"], &output["broken"]), (&json!(1), &json!([broken])));
    let warned = test.logs().into_iter().find(|line| line.message.starts_with("broken link"));
    assert_eq!(warned.expect("it is said").fields["line"], 7);
    let counts = test.item_counts().expect("pages were counted");
    assert_eq!((counts.processed, counts.succeeded, counts.failed), (2, 1, 1));
}

#[test]
fn a_request_to_stop_is_heeded_between_pages() {
    let folder = folder();
    let test = TestContext::new().cancelled_after(1);
    let error = test.run_json("site-build", input(folder.path())).expect_err("it stops");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!folder.path().join("site/docs/guide.html").exists());
}

#[test]
fn an_empty_input_is_enough() {
    let error = TestContext::new().run_json("site-build", json!({})).expect_err("no /in here");
    assert_eq!(error.error_type(), "no-pages");
}
