//! Components that lie about their jobs: names, bounds, schedules, schemas, and descriptions
//! that are no lists at all.

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Refused};
use crate::component::Component;
use crate::component::description::{Job, Retry, Schedule};

/// What holds them.
const HELD: &str = "job description";

pub(super) fn attacks() -> Vec<Attack> {
    [names(), bounds(), schedules(), lists(), malformed()].into_iter().flatten().collect()
}

/// A component with one job, wrong in one way.
fn lie(
    name: impl Into<String>,
    tries: impl Into<String>,
    words: &'static str,
    change: impl Fn(&mut Job) + Send + Sync + 'static,
) -> Attack {
    Attack::new(name, tries, move |_| {
        let mut job = Job::default();
        change(&mut job);
        Component::new().jobs([job]).build()
    })
    .held_by(HELD, &[Refused(words)])
}

/// Ids that are none.
const IDS: &[(&str, &[u8])] = &[
    ("empty", b""),
    ("path", b"../../etc/cron.d/job"),
    ("absolute-path", b"/etc/passwd"),
    ("dot", b"."),
    ("hidden", b".hidden"),
    ("option", b"--yes"),
    ("control", b"a\x1b[2Jb"),
    ("line-break", b"a\nlevel=error forged"),
    ("nul", b"a\x00b"),
    ("right-to-left", "a\u{202e}cod.exe".as_bytes()),
    ("space", b"a b"),
    ("slash", b"a/b"),
    ("colon", b"a:b"),
    ("glob", b"*"),
    ("quote", b"a'; DROP TABLE runs; --"),
    ("look-alike", "\u{430}ttack".as_bytes()),
];

fn names() -> Vec<Attack> {
    let ids = IDS.iter().map(|(kind, id)| {
        lie(
            format!("job-id-{kind}"),
            format!("calls its job {}", id.escape_ascii()),
            "invalid job type",
            move |job| job.id = id.to_vec(),
        )
    });
    let more = [
        lie("job-id-too-long", "calls its job by a megabyte", "invalid job type", |job| {
            job.id = vec![b'a'; 1 << 20];
        }),
        lie("job-id-no-utf8", "calls its job what is no UTF-8", "malformed", |job| {
            job.id = b"\xff\xfe".to_vec();
        }),
        lie(
            "queue-of-a-path",
            "names a queue outside of all queues",
            "invalid queue name",
            |job| {
                job.queue = Some(b"../default".to_vec());
            },
        ),
        lie("tag-with-control-characters", "labels its runs to drive terminals", "tag", |job| {
            job.tags = vec![b"\x1b]0;owned\x07".to_vec()];
        }),
    ];
    ids.chain(more).collect()
}

fn bounds() -> Vec<Attack> {
    let retry = |max_attempts, base_ms, cap_ms, jitter_percent| {
        Some(Retry { max_attempts, base_ms, cap_ms, jitter_percent })
    };
    vec![
        lie("giant-display-name", "shows a giant name", "display-name", |job| {
            job.display_name = vec![b'n'; 1 << 20];
        }),
        lie("giant-description", "shows a giant description", "description", |job| {
            job.description = vec![b'n'; 2 << 20];
        }),
        lie("endless-retries", "wants to be tried for ever", "retry", move |job| {
            job.retry = retry(u32::MAX, 0, 0, 0);
        }),
        lie("no-attempts", "wants to be tried never", "retry", move |job| {
            job.retry = retry(0, 1, 1, 0);
        }),
        lie("jitter-beyond-all", "wants waits of negative length", "retry", move |job| {
            job.retry = retry(2, 1, 1, 255);
        }),
        lie("timeout-of-nothing", "wants no time at all", "timeout", |job| {
            job.timeout_ms = Some(0);
        }),
        lie("too-many-tags", "labels its runs with a thousand labels", "tags", |job| {
            job.tags = (0..1_000).map(|n| format!("tag{n}").into_bytes()).collect();
        }),
        lie("giant-schema", "gives a schema of a megabyte", "input-schema", |job| {
            job.input_schema = Some([" ".repeat(1_000_000).as_bytes(), b"true"].concat());
        }),
        lie("deep-schema", "gives a schema of a hundred thousand levels", "input-schema", |job| {
            job.input_schema =
                Some(format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes());
        }),
        lie("schema-that-is-no-schema", "gives a number as its schema", "output-schema", |job| {
            job.output_schema = Some(b"1e400".to_vec());
        }),
        lie(
            "default-input-no-json",
            "gives half a document as its input",
            "default-input",
            |job| {
                job.default_input = Some(b"{\"a\":".to_vec());
            },
        ),
        lie("giant-default-input", "gives three megabytes as its input", "default-input", |job| {
            job.default_input = Some(vec![b'1'; 3 << 20]);
        }),
        Attack::new("timeout-beyond-all", "wants all the time there is", |_| {
            let job = Job { timeout_ms: Some(u64::MAX), ..Job::default() };
            Component::new().jobs([job]).build()
        })
        .held_by("wall_ms_max", &[Answered("null")]),
    ]
}

fn schedules() -> Vec<Attack> {
    let cron = |name: &str, tries: &str, expression: &'static [u8], time_zone: &'static [u8]| {
        lie(name, tries, "invalid schedule", move |job| {
            job.schedule =
                Schedule::Cron { expression: expression.to_vec(), time_zone: time_zone.to_vec() };
        })
    };
    vec![
        lie("interval-of-nothing", "wants to run all the time", "invalid schedule", |job| {
            job.schedule = Schedule::Interval(0);
        }),
        lie("interval-beyond-all", "wants to run at the end of time", "invalid schedule", |job| {
            job.schedule = Schedule::Interval(u64::MAX);
        }),
        cron("cron-that-never-fires", "wants to run on 30 February", b"0 0 30 2 *", b"UTC"),
        cron("cron-of-nonsense", "has a calendar that is none", b"* * * * * * * * * *", b"UTC"),
        cron("time-zone-of-a-path", "reads a file as a time zone", b"@daily", b"../../etc/passwd"),
        cron("time-zone-absolute", "reads a file as a time zone", b"@daily", b"/etc/localtime"),
        lie("cron-giant", "has a calendar of a hundred kilobytes", "schedule", |job| {
            let expression = b"1,".repeat(50_000);
            job.schedule = Schedule::Cron { expression, time_zone: b"UTC".to_vec() };
        }),
    ]
}

fn lists() -> Vec<Attack> {
    let named = |name: String| Job { id: name.into_bytes(), ..Job::default() };
    vec![
        Attack::new("no-jobs", "describes no job", |_| Component::new().jobs(Vec::new()).build())
            .held_by(HELD, &[Refused("describes no jobs")]),
        Attack::new("too-many-jobs", "describes ten thousand jobs", move |_| {
            let jobs: Vec<Job> = (0..10_000).map(|n| named(format!("job{n}"))).collect();
            Component::new().jobs(jobs).build()
        })
        .held_by(HELD, &[Refused("describes 10000 jobs")]),
        Attack::new("the-same-job-twice", "describes one job twice", |_| {
            Component::new().jobs([Job::default(), Job::default()]).build()
        })
        .held_by(HELD, &[Refused("twice")]),
    ]
}

/// Descriptions that are no lists of jobs.
fn malformed() -> Vec<Attack> {
    let describes = |name: &str, tries: &str, body: &'static str| {
        Attack::new(name, tries, move |_| Component::new().describe(body).build())
            .held_by("checks at the border", &[Refused("fails to describe itself")])
    };
    vec![
        describes("description-nowhere", "describes itself beyond its memory", "(i32.const -8)"),
        describes(
            "description-misaligned",
            "describes itself at an odd address",
            "(i32.const 1025)",
        ),
        describes(
            "description-without-end",
            "describes four billion jobs",
            "(i32.store (i32.const 1024) (i32.const 16392))
             (i32.store (i32.const 1028) (i32.const -1)) (i32.const 1024)",
        ),
        describes(
            "description-beyond-memory",
            "describes itself with texts beyond its memory",
            "(i32.store (i32.const 16392) (i32.const -100)) (i32.const 16384)",
        ),
        describes(
            "description-of-one-text-in-many-places",
            "describes a million tags that are all the same bytes",
            "(drop (memory.grow (i32.const 200)))
             (i32.store (i32.const 16524) (i32.const 131072))
             (i32.store (i32.const 16528) (i32.const 1000000)) (i32.const 16384)",
        ),
    ]
}
