//! Logs of runs.

use zapjobs_model::{Lease, LogEntry, LogLevel, LogLine, RunId};
use zapjobs_storage::{LogPage, LogPageRequest};

use crate::Fixture;
use crate::builders::{a_line, a_run, json, run_id, seconds};

impl Fixture {
    async fn append(&self, entries: &[LogEntry]) {
        self.storage.append_logs(entries).await.expect("the entries are kept");
    }

    async fn log_page(&self, run: RunId, after: Option<(u32, u32)>, limit: usize) -> LogPage {
        let after = after.map(|(lease, index)| (Lease(lease), index));
        let request = LogPageRequest { run, after, limit };
        self.storage.log_page(request).await.expect("the log is read")
    }
}

pub(crate) async fn a_run_begins_with_an_empty_log(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let expected = LogPage { entries: Vec::new(), has_more: false };
    assert_eq!(f.log_page(run, None, 10).await, expected);
}

pub(crate) async fn an_unknown_run_has_an_empty_log(f: &Fixture) {
    assert!(f.log(run_id(1)).await.is_empty());
}

pub(crate) async fn every_field_of_an_entry_survives(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let entries: Vec<LogEntry> = LogLevel::ALL
        .into_iter()
        .map(|level| LogEntry {
            run,
            lease: Lease(1),
            index: level.code().into(),
            line: LogLine {
                at: f.now().plus(seconds(u64::from(level.code()))),
                level,
                category: "job::inner".to_owned(),
                message: "it's \"quoted\"\nünïcode \u{1F980}; --".to_owned(),
                fields: (level > LogLevel::Info).then(|| json(r#"{"k":[1,"ä"],"n":1.50}"#)),
            },
        })
        .collect();
    f.append(&entries).await;
    assert_eq!(f.log_page(run, None, 10).await, LogPage { entries, has_more: false });
}

pub(crate) async fn entries_come_in_the_order_of_lease_and_index(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let names = [(2, 0), (1, 10), (1, 2), (10, 0), (1, 0)];
    f.append(&names.map(|(lease, index)| a_line(run, lease, index))).await;
    let expected = ["line 1.0", "line 1.2", "line 1.10", "line 2.0", "line 10.0"];
    assert_eq!(f.log(run).await, expected);
}

pub(crate) async fn a_repeated_entry_is_kept_once(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.append(&[a_line(run, 1, 0), a_line(run, 1, 1)]).await;
    f.append(&[a_line(run, 1, 0), a_line(run, 1, 1), a_line(run, 1, 2)]).await;
    assert_eq!(f.log(run).await, ["line 1.0", "line 1.1", "line 1.2"]);
}

pub(crate) async fn a_repeated_name_leaves_the_first_entry(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let first = a_line(run, 1, 0);
    let mut second = first.clone();
    "other".clone_into(&mut second.line.message);
    f.append(&[first.clone(), second.clone()]).await;
    f.append(&[second]).await;
    assert_eq!(f.log_page(run, None, 10).await.entries, [first]);
}

pub(crate) async fn each_run_has_a_log_of_its_own(f: &Fixture) {
    let [a, b] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    f.append(&[a_line(a, 1, 0), a_line(b, 1, 1)]).await;
    assert_eq!(f.log(a).await, ["line 1.0"]);
    assert_eq!(f.log(b).await, ["line 1.1"]);
}

pub(crate) async fn log_pages_cover_a_log_without_gap_or_repeat(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let names = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)];
    let lines = names.map(|(lease, index)| a_line(run, lease, index));
    f.append(&lines).await;
    let first = f.log_page(run, None, 2).await;
    assert_eq!((&first.entries[..], first.has_more), (&lines[..2], true));
    let second = f.log_page(run, Some((1, 1)), 2).await;
    assert_eq!((&second.entries[..], second.has_more), (&lines[2..4], true));
    let third = f.log_page(run, Some((2, 1)), 2).await;
    assert_eq!((&third.entries[..], third.has_more), (&lines[4..], false));
}

pub(crate) async fn a_full_last_log_page_has_no_more(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.append(&[a_line(run, 1, 0), a_line(run, 1, 1)]).await;
    let page = f.log_page(run, None, 2).await;
    assert_eq!((page.entries.len(), page.has_more), (2, false));
}

pub(crate) async fn following_a_log_finds_what_came_since(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.append(&[a_line(run, 1, 0)]).await;
    assert!(f.log_page(run, Some((1, 0)), 10).await.entries.is_empty());
    f.append(&[a_line(run, 1, 1), a_line(run, 2, 0)]).await;
    let since = f.log_page(run, Some((1, 0)), 10).await;
    assert_eq!(since.entries, [a_line(run, 1, 1), a_line(run, 2, 0)]);
}

pub(crate) async fn a_place_between_entries_is_a_place_to_go_on(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.append(&[a_line(run, 1, 0), a_line(run, 3, 0)]).await;
    let since = f.log_page(run, Some((2, 7)), 10).await;
    assert_eq!(since.entries, [a_line(run, 3, 0)]);
}

pub(crate) async fn appending_nothing_changes_nothing(f: &Fixture) {
    f.append(&[]).await;
}

pub(crate) async fn entries_of_unknown_runs_do_no_harm(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.append(&[a_line(run_id(1), 1, 0), a_line(run, 1, 0)]).await;
    assert_eq!(f.log(run).await, ["line 1.0"]);
    assert!(!f.holds(run_id(1)).await);
}
