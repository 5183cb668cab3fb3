//! What an examination finds, and that it leaves all as it is.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use zapjobs_conformance::samples::{a_claim, a_run};
use zapjobs_sqlite::{
    Migrating, QUICK_CHECK_BYTES_MAX, SqliteOptions, SqliteStorage, Synchronous, examine,
};
use zapjobs_storage::{Finding, RunStore, Storage, Verdict};

fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    (home, file)
}

/// A database with some runs in it, closed.
async fn filled(file: &Path) {
    let storage = SqliteStorage::open(SqliteOptions::file(file)).unwrap();
    let runs: Vec<_> = (0..500).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    storage.close().await.unwrap();
}

fn execute(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

/// What there is to say on one subject.
fn on(findings: &[Finding], subject: &str) -> Finding {
    let found = findings.iter().find(|finding| finding.subject == subject);
    found.unwrap_or_else(|| panic!("nothing on {subject}: {findings:#?}")).clone()
}

fn found(file: &Path, subject: &str) -> Finding {
    on(&examine(&SqliteOptions::file(file)), subject)
}

/// The verdict, and whether all these words are in what was found.
fn assert_found(finding: &Finding, verdict: Verdict, words: &[&str]) {
    assert_eq!(finding.verdict, verdict, "{finding:?}");
    for word in words {
        assert!(finding.found.contains(word), "{word}: {finding:?}");
    }
}

#[tokio::test]
async fn a_sound_database_is_found_good() {
    let (_home, file) = home();
    filled(&file).await;
    let findings = examine(&SqliteOptions::file(&file));
    let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
    for subject in [
        "directory",
        "file",
        "journal mode",
        "schema",
        "integrity",
        "schema objects",
        "quarantine",
        "durability",
        "write-ahead log",
    ] {
        assert!(subjects.contains(&subject), "{subject} of {subjects:?}");
    }
    // What the machine under test is like, is not of this test.
    for finding in findings.iter().filter(|f| !["file system", "free space"].contains(&&*f.subject))
    {
        assert_eq!(finding.verdict, Verdict::Good, "{finding:?}");
    }
}

#[tokio::test]
async fn each_finding_is_a_sentence_and_each_fault_has_a_remedy() {
    let (_home, file) = home();
    filled(&file).await;
    execute(&file, "DROP TABLE zapjobs_tags; CREATE INDEX slow ON zapjobs_runs (worker);");
    let (_other_home, missing) = home();
    let mut findings = examine(&SqliteOptions::file(&file));
    findings.extend(examine(&SqliteOptions::file(missing)));
    findings.extend(examine(&SqliteOptions::memory()));
    findings.extend(examine(&SqliteOptions { readers: 0, ..SqliteOptions::memory() }));
    for finding in findings {
        assert!(!finding.found.ends_with('.') && !finding.found.contains('\n'), "{finding:?}");
        assert_eq!(finding.remedy.is_some(), finding.verdict != Verdict::Good, "{finding:?}");
    }
}

#[test]
fn a_missing_file_is_said_and_not_made() {
    let (home, file) = home();
    assert_found(&found(&file, "file"), Verdict::Warning, &["there is no file", "jobs.db"]);
    assert!(fs::read_dir(home.path()).unwrap().next().is_none(), "nothing was made");
    let below = home.path().join("missing/jobs.db");
    assert_found(&found(&below, "directory"), Verdict::Problem, &["missing does not exist"]);
}

#[test]
fn what_is_no_database_is_a_problem_and_left_as_it_is() {
    let (home, file) = home();
    assert_found(&found(home.path(), "file"), Verdict::Problem, &["is a directory"]);
    fs::write(&file, "Dear all, this is a letter.").unwrap();
    assert_found(&found(&file, "file"), Verdict::Problem, &["no SQLite database"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "Dear all, this is a letter.");
}

#[test]
fn an_empty_file_lacks_its_schema() {
    let (_home, file) = home();
    fs::write(&file, "").unwrap();
    assert_found(&found(&file, "schema"), Verdict::Warning, &["no schema", "zapjobs_"]);
    let manual = SqliteOptions { migrating: Migrating::Manual, ..SqliteOptions::file(&file) };
    assert_found(&on(&examine(&manual), "schema"), Verdict::Problem, &["no schema"]);
    assert_eq!(fs::metadata(&file).unwrap().len(), 0, "it was not written");
}

#[tokio::test]
async fn a_schema_of_another_program_is_a_problem() {
    let (_home, file) = home();
    filled(&file).await;
    execute(&file, "UPDATE zapjobs_schema SET checksum = 'x'");
    assert_found(&found(&file, "schema"), Verdict::Problem, &["different build"]);
    execute(
        &file,
        "INSERT INTO zapjobs_schema VALUES (9999, 'x', 0); DELETE FROM zapjobs_schema WHERE version < 9999",
    );
    assert_found(&found(&file, "schema"), Verdict::Problem, &["version 9999", "newer program"]);
}

#[tokio::test]
async fn objects_that_drifted_are_said_by_name() {
    let (_home, file) = home();
    filled(&file).await;
    // Another storage's, with a longer prefix.
    execute(
        &file,
        "CREATE TABLE zapjobs_2_runs (id BLOB); CREATE INDEX zapjobs_2_x ON zapjobs_2_runs (id)",
    );
    assert_eq!(found(&file, "schema objects").verdict, Verdict::Good);

    execute(&file, "CREATE INDEX by_worker ON zapjobs_runs (worker)");
    let extra = found(&file, "schema objects");
    assert_found(&extra, Verdict::Warning, &["not of this program: index by_worker"]);

    execute(&file, "ALTER TABLE zapjobs_workers ADD COLUMN mood TEXT");
    let changed = found(&file, "schema objects");
    assert_found(&changed, Verdict::Problem, &["changed: table zapjobs_workers", "by_worker"]);

    execute(&file, "DROP INDEX zapjobs_runs_by_job; DROP TABLE zapjobs_quarantine");
    let findings = examine(&SqliteOptions::file(&file));
    let missing = ["missing: table zapjobs_quarantine, index zapjobs_runs_by_job;"];
    assert_found(&on(&findings, "schema objects"), Verdict::Problem, &missing);
}

#[tokio::test]
async fn runs_that_were_set_aside_are_counted_with_the_way_to_look_at_them() {
    let (_home, file) = home();
    filled(&file).await;
    execute(
        &file,
        "UPDATE zapjobs_runs SET priority = 9999 WHERE id IN (SELECT id FROM zapjobs_runs LIMIT 3)",
    );
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    assert_eq!(storage.claim(a_claim(500)).await.unwrap().len(), 497);
    storage.close().await.unwrap();
    let finding = found(&file, "quarantine");
    assert_found(&finding, Verdict::Warning, &["3 run(s) were set aside"]);
    let remedy = finding.remedy.unwrap();
    let sql = remedy.split('`').nth(1).unwrap();
    let reasons: usize = {
        let conn = Connection::open(&file).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        statement.query_map([], |row| row.get::<_, String>(1)).unwrap().count()
    };
    assert_eq!(reasons, 3, "the statement that it names works");
}

#[tokio::test]
async fn a_file_without_write_ahead_logging_is_a_warning() {
    let (_home, file) = home();
    filled(&file).await;
    execute(&file, "PRAGMA journal_mode = DELETE");
    assert_found(&found(&file, "journal mode"), Verdict::Warning, &["\"delete\""]);
}

#[tokio::test]
async fn damaged_pages_are_found() {
    let (_home, file) = home();
    filled(&file).await;
    // The schema stays; the first pages of a table and its indices do not.
    let pages: Vec<u32> = {
        let db = Connection::open(&file).unwrap();
        let mut roots = db
            .prepare(
                "SELECT rootpage FROM sqlite_schema WHERE tbl_name LIKE '%runs' AND rootpage > 0",
            )
            .unwrap();
        let pages = roots.query_map([], |row| row.get(0)).unwrap();
        pages.collect::<Result<_, _>>().unwrap()
    };
    let mut raw = OpenOptions::new().write(true).open(&file).unwrap();
    for page in pages {
        raw.seek(SeekFrom::Start(u64::from(page - 1) * 4_096)).unwrap();
        raw.write_all(&[0xa5; 512]).unwrap();
    }
    drop(raw);
    assert_found(&found(&file, "integrity"), Verdict::Problem, &["damaged"]);
}

#[tokio::test]
async fn a_large_file_is_not_checked_and_it_is_said() {
    let (_home, file) = home();
    filled(&file).await;
    // Sparse: the database itself stays as small as it was.
    let raw = OpenOptions::new().write(true).open(&file).unwrap();
    raw.set_len(QUICK_CHECK_BYTES_MAX + 1).unwrap();
    assert_found(&found(&file, "integrity"), Verdict::Warning, &["not checked", "1.0 GiB"]);
}

#[tokio::test]
async fn what_a_power_failure_may_take_is_said() {
    let (_home, file) = home();
    filled(&file).await;
    for (synchronous, words) in [
        (Synchronous::Normal, "a power failure may lose"),
        (Synchronous::Full, "and a power failure (synchronous is FULL)"),
    ] {
        let options = SqliteOptions { synchronous, ..SqliteOptions::file(&file) };
        assert_found(&on(&examine(&options), "durability"), Verdict::Good, &[words]);
    }
}

#[tokio::test]
async fn an_examination_disturbs_no_open_storage() {
    let (_home, file) = home();
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    storage.enqueue(&[a_run("q")]).await.unwrap();
    assert!(examine(&SqliteOptions::file(&file)).iter().all(|f| f.verdict != Verdict::Problem));
    assert_eq!(storage.claim(a_claim(1)).await.unwrap().len(), 1);
    storage.close().await.unwrap();
}
