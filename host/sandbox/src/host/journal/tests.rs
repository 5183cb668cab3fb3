use super::*;
use parking_lot::Mutex;
use zapjobs_model::{ItemCounts, Progress};

#[derive(Default)]
struct Lines(Mutex<Vec<LogLine>>);

impl RunSink for Lines {
    fn log(&self, line: LogLine) {
        self.0.lock().push(line);
    }
    fn progress(&self, _progress: Progress) {}
    fn counts(&self, _counts: ItemCounts) {}
}

fn journal(limits: Limits) -> (Arc<Lines>, Journal) {
    let lines = Arc::new(Lines::default());
    let sink: Arc<dyn RunSink> = lines.clone();
    (lines, Journal::new(sink, &limits, LogLevel::Debug))
}

fn messages(lines: &Lines) -> Vec<String> {
    lines.0.lock().iter().map(|line| line.message.clone()).collect()
}

#[test]
fn streams_become_lines_however_they_are_cut_up() {
    let (lines, mut journal) = journal(Limits::default());
    journal.read(Stream::Stdout, b"one\ntw");
    journal.read(Stream::Stderr, b"other\n");
    journal.read(Stream::Stdout, b"o\r\n\nthr\xffee");
    journal.finish();
    assert_eq!(messages(&lines), ["one", "other", "two", "thr\u{fffd}ee"]);
    let levels: Vec<_> = lines.0.lock().iter().map(|line| line.level).collect();
    assert_eq!(levels, [LogLevel::Info, LogLevel::Warn, LogLevel::Info, LogLevel::Info]);
}

#[test]
fn a_line_without_end_takes_no_more_than_its_limit() {
    let (lines, mut journal) = journal(Limits { log_line_bytes_max: 30, ..Limits::default() });
    for _ in 0..1_000 {
        journal.read(Stream::Stdout, &[b'x'; 1_000]);
    }
    assert!(journal.stdout.bytes.capacity() < 100);
    journal.finish();
    let message = messages(&lines).remove(0);
    assert!(message.starts_with("xxx") && message.ends_with("bytes cut)"), "{message}");
}

#[test]
fn lines_beyond_a_limit_are_counted_and_said_at_the_end() {
    let (lines, mut journal) = journal(Limits { log_lines_max: 2, ..Limits::default() });
    for _ in 0..5 {
        if journal.takes(LogLevel::Info) {
            journal.write(LogLevel::Info, "job", "hello", None);
        }
    }
    journal.finish();
    let said = messages(&lines);
    assert_eq!(said.len(), 3);
    assert_eq!(said[2], "3 log lines dropped: limit log_lines_max = 2");
    let mut usage = Usage::default();
    journal.count(&mut usage);
    assert_eq!((usage.log_lines, usage.log_bytes, usage.log_lines_dropped), (2, 16, 3));
}

#[test]
fn lines_below_the_least_level_are_not_counted_as_dropped() {
    let (_, mut journal) = journal(Limits::default());
    assert!(!journal.takes(LogLevel::Trace));
    assert_eq!(journal.dropped.total(), 0);
}

#[test]
fn each_reason_to_drop_lines_is_counted_and_said_apart() {
    let limits = Limits {
        log_lines_burst_max: 10,
        log_lines_max: 1_500,
        log_bytes_max: 1 << 20,
        ..Limits::default()
    };
    let (lines, mut journal) = journal(limits);
    let mut log = |at, line: &str| {
        if journal.takes_at(at) {
            journal.write(LogLevel::Info, "job", line, None);
        }
    };
    for _ in 0..1_214 {
        log(Duration::ZERO, "hello");
    }
    for n in 0..2_000 {
        log(Duration::from_millis(1_000 + 2 * n), "hello");
    }
    journal.finish();
    let said = messages(&lines);
    assert_eq!(said.len(), 1_502);
    assert_eq!(
        said[1_500..],
        [
            "1,204 log lines dropped: rate limit 500/s (limit log_lines_per_second_max = 500)",
            "510 log lines dropped: limit log_lines_max = 1500",
        ]
    );
    let mut usage = Usage::default();
    journal.count(&mut usage);
    assert_eq!((usage.log_lines, usage.log_lines_dropped), (1_500, 1_714));
}

#[test]
fn the_last_lines_are_remembered_and_cut() {
    let (_, mut journal) = journal(Limits::default());
    for n in 0..30 {
        journal.write(LogLevel::Info, "job", &format!("{n} {}", "x".repeat(1_000)), None);
    }
    let last = journal.last_lines();
    assert_eq!(last.len(), LAST_LINES_MAX);
    assert!(last[0].starts_with("10 xxx") && last[19].starts_with("29 xxx"), "{last:?}");
    assert!(last.iter().all(|line| line.len() == LAST_LINE_BYTES_MAX));
}
