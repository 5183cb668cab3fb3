//! Manual pages.

use std::process::{Command, Stdio};

use crate::support::Folder;

#[test]
fn a_page_is_written_for_each_command() {
    let folder = Folder::new();
    let made = folder.json(&["man", "--dir", "share/man1"]);
    let pages = made["pages"].as_array().expect("a list");
    assert!(pages.len() > 50, "{}", pages.len());
    for page in pages {
        let path = folder.path(page.as_str().expect("a path"));
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.contains(".SH SYNOPSIS"), "{}", path.display());
    }
    // Where a typesetter is installed, it has nothing to complain of.
    let first = folder.path("share/man1/zapjobs-enqueue.1");
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(first).stdout(Stdio::null());
    if let Ok(linted) = groff.output() {
        let complaints = String::from_utf8_lossy(&linted.stderr).into_owned();
        assert!(linted.status.success(), "{complaints}");
    }
}
