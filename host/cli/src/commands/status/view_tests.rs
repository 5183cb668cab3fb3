//! The view as text, in several sizes.

use uuid::Uuid;
use zapjobs_api::ListedQueue;
use zapjobs_model::{QueueName, TenantId, WorkerId};
use zapjobs_storage::SpanStatistics;

use super::*;

const NOW: i64 = 1_790_000_000_000_000;

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW - seconds * 1_000_000)
}

fn queue(name: &str) -> QueueName {
    QueueName::new(name).expect("a name")
}

fn worker(pid: u32, running: u32, seen: i64) -> WorkerRecord {
    WorkerRecord {
        id: WorkerId(Uuid::from_u128(u128::from(pid))),
        hostname: "web-1".to_owned(),
        pid,
        version: "0.1.0".to_owned(),
        started_at: ago(1_000),
        seen_at: ago(seen),
        queues: if pid == 2 { vec![queue("mail"), queue("slow")] } else { Vec::new() },
        concurrency: 128,
        running,
    }
}

fn run(at: u128, done: u64, total: Option<u64>, message: &str) -> RunningRun {
    RunningRun {
        id: RunId(Uuid::from_u128(at)),
        job_type: "thumbnail".parse().expect("a name"),
        queue: queue("default"),
        attempt: 1,
        max_attempts: 3,
        started_at: Some(ago(75)),
        cancel_requested: at == 0xb,
        progress: Progress { done, total, message: message.to_owned() },
    }
}

/// Two hosts of which one is dead, two queues, three running runs and a failed one.
pub(in crate::commands::status) fn snapshot() -> Snapshot {
    let of_default =
        Counts { pending: 386, running: 3, scheduled: 40, failed: 5, ..Counts::default() };
    let of_mail = Counts { held: 2, completed: 7, ..Counts::default() };
    let mut counts = of_default;
    (counts.held, counts.completed) = (2, 7);
    let hour = zapjobs_storage::Span::Hour.begin(ago(0));
    let happened = Activity { enqueued: 120, completed: 100, failed: 3, ..Activity::default() };
    Snapshot {
        now: ago(0),
        place: "sqlite:zapjobs.db".to_owned(),
        tenant: TenantId::standard(),
        workers: Some(vec![worker(1, 3, 2), worker(2, 9, 300)]),
        queues: vec![
            ListedQueue {
                queue: queue("default"),
                counts: of_default,
                oldest_pending_at: Some(ago(182)),
            },
            ListedQueue { queue: queue("mail"), counts: of_mail, oldest_pending_at: None },
        ],
        counts,
        running: vec![
            run(0xa, 42, Some(100), "resizing"),
            run(0xb, 100, Some(100), "done\x1b[2J"),
            run(0xc, 7, None, ""),
        ],
        failures: vec![FailedRun {
            id: RunId(Uuid::from_u128(0xd)),
            job_type: "greet".parse().expect("a name"),
            queue: queue("default"),
            attempt: 3,
            finished_at: Some(ago(30)),
            error_type: "timeout".to_owned(),
            message: "took too long".to_owned(),
        }],
        hours: vec![SpanStatistics { from: hour, activity: happened }],
        total: happened,
    }
}

fn shown(snapshot: &Snapshot, columns: usize, rows: usize) -> String {
    let lines = view(snapshot, None, Size { columns, rows });
    assert!(lines.len() <= rows);
    lines.iter().map(|line| line.text(false)).collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_is_shown_where_there_is_room() {
    let expected = "\
zapjobs  14:13:20Z  tenant default, sqlite:zapjobs.db
this hour 120 enqueued, 100 completed, 3 failed; the hour before 0 enqueued, 0 completed, 0 failed

HOSTS 1 of 2 alive, 3 of 128 slots in use
  web-1:1  3/128 running  seen 2.00 s ago  all queues
  web-1:2  9/128 running  seen 5m 0s ago   mail,slow

QUEUES 386 pending, 42 waiting for something
  default  pending 386  oldest 3m 2s  running 3  scheduled 40
  mail     pending 0                  running 0                held 2

RUNNING 3
  00000000000a  thumbnail  [========>           ]  42%  1m 15s  1/3            resizing
  00000000000b  thumbnail  [====================] 100%  1m 15s  1/3  stopping  done\u{fffd}[2J
  00000000000c  thumbnail  7                            1m 15s  1/3

FAILED 5, the latest:
  00000000000d  greet  30.00 s ago  timeout  took too long";
    assert_eq!(shown(&snapshot(), 120, 40), expected);
}

#[test]
fn a_narrow_terminal_shows_the_beginning_of_each_line() {
    let expected = "\
zapjobs  14:13:20Z  tenant default, sql…
this hour 120 enqueued, 100 completed, …

HOSTS 1 of 2 alive, 3 of 128 slots in u…
  web-1:1  3/128 running  seen 2.00 s a…
  web-1:2  9/128 running  seen 5m 0s ag…

QUEUES 386 pending, 42 waiting for some…
  default  pending 386  oldest 3m 2s  r…
  mail     pending 0                  r…

RUNNING 3
  00000000000a  thumbnail  [====>     ]…
  00000000000b  thumbnail  [==========]…
  00000000000c  thumbnail  7           …

FAILED 5, the latest:
  00000000000d  greet  30.00 s ago  tim…";
    assert_eq!(shown(&snapshot(), 40, 40), expected);
}

#[test]
fn a_low_terminal_says_how_much_it_leaves_out() {
    let mut many = snapshot();
    many.running = (0..50).map(|at| run(at + 0x100, 1, Some(2), "")).collect();
    many.counts.running = 80;
    let text = shown(&many, 80, 14);
    assert_eq!(text.lines().count(), 14);
    assert!(!text.contains("\n\n"), "no empty lines: {text}");
    assert!(text.contains("  000000000101  thumbnail"), "{text}");
    assert!(text.contains("  … 78 more\nFAILED 5"), "{text}");
    for rows in 0..30 {
        for columns in [0, 1, 10, 80] {
            shown(&many, columns, rows);
        }
    }
}

#[test]
fn an_empty_installation_says_what_is_missing() {
    let nothing = Snapshot {
        workers: Some(Vec::new()),
        queues: Vec::new(),
        counts: Counts::default(),
        running: Vec::new(),
        failures: Vec::new(),
        hours: Vec::new(),
        ..snapshot()
    };
    let text = shown(&nothing, 80, 40);
    for part in ["HOSTS none: nothing runs until", "QUEUES none", "RUNNING none", "FAILED none"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_summary_is_one_line() {
    assert_eq!(
        summary(&snapshot()),
        "14:13:20Z pending 386, waiting 42, running 3, completed 7, failed 5; 1 of 2 hosts alive"
    );
}

#[test]
fn rates_take_the_place_of_hours_while_one_watches() {
    let rates = Rates { enqueued: 1.25, completed: 20.0, failed: 0.0 };
    let lines = view(&snapshot(), Some(rates), Size { columns: 80, rows: 24 });
    assert_eq!(lines[1].text(false), "now 1.2/s enqueued, 20.0/s completed, 0.0/s failed");
}
