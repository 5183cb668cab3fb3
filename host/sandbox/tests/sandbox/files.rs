//! What a guest may do in granted directories, and that it stays there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use zapjobs_model::port::Plugin;
use zapjobs_model::{Access, DirectoryGrant, Grants, Limits};

use crate::support::{Try, guest, load_with, output, sandbox};

/// A granted directory `data` beside a secret that is not.
struct Place {
    around: TempDir,
    plugin: Arc<dyn Plugin>,
}

impl Place {
    async fn new() -> Self {
        let around = tempfile::tempdir().expect("a directory");
        let data = around.path().join("data");
        fs::create_dir(&data).expect("made");
        fs::write(around.path().join("secret.txt"), "secret").expect("written");
        fs::write(data.join("given.txt"), "given").expect("written");
        let grant =
            DirectoryGrant { host: data, guest: "/data".to_owned(), access: Access::ReadWrite };
        let grants = Grants { directories: vec![grant] };
        let plugin = load_with(&sandbox(), guest("files"), grants).await.expect("loads");
        Self { around, plugin }
    }

    fn data(&self) -> std::path::PathBuf {
        self.around.path().join("data")
    }

    /// What each step came to, and what the log says of it.
    async fn run(&self, steps: &[&str], limit: impl FnOnce(&mut Limits)) -> Ran {
        let attempt = Try::of("files", &format!("\"{}\"", steps.join(";"))).limited(limit);
        let report = attempt.report(&self.plugin).await;
        let results = serde_json::from_str(output(&report)).expect("a list");
        let log = attempt.heard.lines().into_iter().map(|line| line.message).collect();
        Ran { results, log }
    }

    async fn results(&self, steps: &[&str]) -> Vec<String> {
        self.run(steps, |_| {}).await.results
    }
}

struct Ran {
    results: Vec<String>,
    log: Vec<String>,
}

#[tokio::test]
async fn no_path_leaves_a_granted_directory() {
    let place = Place::new().await;
    let data = place.data();
    symlink("../secret.txt", data.join("up")).expect("linked");
    symlink(place.around.path().join("secret.txt"), data.join("absolute")).expect("linked");
    symlink("/", data.join("root")).expect("linked");
    symlink("/proc/self", data.join("proc")).expect("linked");
    symlink("..", data.join("parent")).expect("linked");
    let secret = place.around.path().join("secret.txt");
    let absolute = format!("read {}", secret.display());
    let inside_root = format!("read /data/root{}", secret.display());
    let attempts = [
        "read /data/../secret.txt",
        "read /data/./../secret.txt",
        "read /data/x/../../secret.txt",
        "read /data/up",
        "read /data/absolute",
        "read /data/parent/secret.txt",
        "read /data/proc/environ",
        "read /data/proc/root/etc/passwd",
        "read /etc/passwd",
        "write /data/../made 1",
        "write /data/parent/made 1",
        "write /data/up 1",
        "append /data/absolute 1",
        "list /data/parent",
        "list /data/root",
        "stat /data/up",
        "mkdir /data/../made",
        "mkdir /data/parent/made",
        "rename /data/given.txt /data/../moved",
        "rename /data/given.txt /data/parent/moved",
        "rename /data/../secret.txt /data/mine",
        "link /data/../secret.txt /data/mine",
        "link /data/parent/secret.txt /data/mine",
        "link /data/given.txt /data/parent/mine",
        "remove /data/../secret.txt",
        "remove /data/parent/secret.txt",
        "rmdir /data/../data",
        "symlink /etc/passwd /data/mine",
        "symlink ../secret.txt /data/mine",
        "symlink a/../../secret.txt /data/mine",
        "symlink given.txt /data/parent/mine",
        &absolute,
        &inside_root,
    ];
    let results = place.results(&attempts).await;
    for (attempt, result) in attempts.iter().zip(&results) {
        assert!(
            [
                "PermissionDenied",
                "NotFound",
                "Uncategorized",
                "Other",
                "FilesystemLoop",
                "NotADirectory",
                "InvalidInput"
            ]
            .contains(&result.as_str()),
            "{attempt}: {result}"
        );
    }
    assert_eq!(fs::read_to_string(&secret).expect("there"), "secret");
    let names = |path: &Path| {
        let entries = fs::read_dir(path).expect("lists");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(place.around.path()), ["data", "secret.txt"]);
    assert_eq!(names(&data), ["absolute", "given.txt", "parent", "proc", "root", "up"]);
}

#[tokio::test]
async fn what_stays_inside_works() {
    let place = Place::new().await;
    let steps = [
        "mkdir /data/sub",
        "write /data/sub/a 10",
        "stat /data/sub/a",
        "append /data/sub/a 5",
        "stat /data/sub/a",
        "at /data/sub/a 2 3",
        "read /data/sub/a",
        "link /data/sub/a /data/b",
        "rename /data/b /data/sub/c",
        "symlink sub/a /data/to-a",
        "read /data/to-a",
        "readlink /data/to-a",
        "read /data/sub/../given.txt",
        "size /data/sub/a 4",
        "stat /data/sub/a",
        "list /data/sub",
        "read /data/given.txt/",
    ];
    let results = place.results(&steps).await;
    let text = "wwssswwwwwaaaaa";
    let expected = [
        "ok", "ok", "10", "ok", "15", "ok", text, "ok", "ok", "ok", text, "sub/a", "given", "ok",
        "4", "2",
    ];
    assert_eq!(results[..16], expected);
    assert_ne!(results[16], "given", "a trailing slash means a directory");
}

#[tokio::test]
async fn open_files_are_bounded() {
    let place = Place::new().await;
    let open = ["open /data/given.txt"; 6].as_slice();
    let rest = ["close", "open /data/given.txt", "read-open"].as_slice();
    let ran = place.run(&[open, rest].concat(), |limits| limits.open_files_max = 4).await;
    let full = "QuotaExceeded";
    assert_eq!(ran.results, ["ok", "ok", "ok", "ok", full, full, "ok", "ok", "given"]);
    assert_eq!(ran.log, ["opening files was refused 2 times: limit open_files_max = 4"]);
}

#[tokio::test]
async fn created_files_are_bounded() {
    let place = Place::new().await;
    let steps = [
        "write /data/given.txt 3",
        "write /data/a 1",
        "mkdir /data/b",
        "write /data/a 2",
        "symlink a /data/c",
        "write /data/d 1",
        "mkdir /data/e",
        "link /data/a /data/f",
        "write /data/a 3",
    ];
    let ran = place.run(&steps, |limits| limits.files_created_max = 3).await;
    let full = "QuotaExceeded";
    assert_eq!(ran.results, ["ok", "ok", "ok", "ok", "ok", full, full, full, "ok"]);
    assert_eq!(ran.log, ["creating files was refused 3 times: limit files_created_max = 3"]);
    assert_eq!(fs::read_dir(place.data()).expect("lists").count(), 4);
}

#[tokio::test]
async fn written_bytes_are_bounded_and_holes_count() {
    let place = Place::new().await;
    let steps = [
        "write /data/a 60000",
        "append /data/a 30000",
        "append /data/a 20000",
        "append /data/a 9000",
        "at /data/a 500000 1",
        "size /data/b 1000000",
        "size /data/b 900",
        "append /data/a 200",
    ];
    let ran = place.run(&steps, |limits| limits.file_bytes_written_max = 100_000).await;
    let full = "QuotaExceeded";
    assert_eq!(ran.results[0..2], ["ok", "ok"]);
    // The guest's C library makes a plain I/O error of whatever a stream reports.
    let refused = |result: &String| ["QuotaExceeded", "Uncategorized"].contains(&result.as_str());
    assert!(refused(&ran.results[2]) && refused(&ran.results[4]), "{:?}", ran.results);
    assert_eq!(ran.results[5], full, "{:?}", ran.results);
    assert!(ran.log[0].ends_with(": limit file_bytes_written_max = 100000"), "{:?}", ran.log);
    let files = fs::read_dir(place.data()).expect("lists").map(|file| file.expect("a file"));
    let bytes: u64 = files.map(|file| file.metadata().expect("there").len()).sum();
    assert!(bytes <= 100_000 + 5, "{bytes}: {:?}", ran.results);
}

#[tokio::test]
async fn paths_and_listings_are_bounded() {
    let place = Place::new().await;
    let ran =
        place.run(&["long-path /data 100000", "list-many /data 3", "list /data"], |_| {}).await;
    assert!(
        ["InvalidFilename", "Uncategorized"].contains(&ran.results[0].as_str()),
        "{:?}",
        ran.results
    );
    assert_eq!(ran.results[1..], ["3", "1"]);
}
