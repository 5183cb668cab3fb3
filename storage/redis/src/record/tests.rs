//! The converter, field by field, both ways.

use uuid::Uuid;
use zapjobs_model::{Blame, Due, NewRun, RunError, WorkerId};

use super::*;

fn id(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

fn plain() -> Run {
    let new = NewRun {
        id: id(1),
        tenant: TenantId::standard(),
        job_type: JobType::new("mail").expect("a name"),
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Manual,
        input: Json::null(),
        due: Due::Now,
        deadline: None,
        max_attempts: 1,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: BTreeMap::new(),
    };
    Run::from_new(new, Timestamp::from_micros(1_790_000_000_000_001))
}

fn back(run: &Run) -> ReadResult<Run> {
    read_back(run.id, &fields_of_run(run))
}

fn read_back(id: RunId, fields: &Fields) -> ReadResult<Run> {
    read_run(id, fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A change of one field.
type Change = fn(&mut Run);

/// One change of each field, and the name of the hash's field that must hold it.
fn changes() -> Vec<(&'static str, Change)> {
    vec![
        ("tenant", |run| run.tenant = TenantId::new("acme").expect("a name")),
        ("job_type", |run| run.job_type = JobType::new("A.b_c-9").expect("a name")),
        ("queue", |run| run.queue = QueueName::new("mail.out-1").expect("a name")),
        ("priority", |run| run.priority = Priority::MIN),
        ("trigger", |run| run.trigger = Trigger::Continuation),
        ("status", |run| run.status = RunStatus::AwaitingRetry),
        ("input", |run| run.input = Json::trusted(r#"{"ä":["\u0000",1.50]}"#)),
        ("output", |run| run.output = Some(Json::trusted("[1]"))),
        ("error", |run| run.error = Some(an_error())),
        ("created_at", |run| run.created_at = at(-1)),
        ("due_at", |run| run.due_at = at(i64::MAX)),
        ("started_at", |run| run.started_at = Some(at(3))),
        ("finished_at", |run| {
            run.status = RunStatus::Failed;
            run.finished_at = Some(at(4));
        }),
        ("deadline", |run| run.deadline = Some(at(5))),
        ("attempt", |run| run.attempt = u32::MAX),
        ("max_attempts", |run| run.max_attempts = u32::MAX),
        ("host_faults", |run| run.host_faults = 7),
        ("lease", |run| run.lease = Lease(u32::MAX)),
        ("lease_expires_at", |run| {
            run.status = RunStatus::Running;
            run.lease_expires_at = Some(at(6));
        }),
        ("worker", |run| run.worker = Some(WorkerId(Uuid::from_u128(9)))),
        ("cancel_requested", |run| run.cancel_requested = true),
        ("progress", |run| {
            run.progress = Progress { done: u64::MAX, total: Some(0), message: "é\n".to_owned() };
        }),
        ("counts", |run| {
            run.counts = ItemCounts { processed: u64::MAX, succeeded: 1, failed: 2 };
        }),
        ("usage", |run| {
            run.usage = Usage {
                cpu_us: u64::MAX,
                wall_us: 2,
                memory_bytes_peak: 3,
                log_bytes: 4,
                log_lines: 5,
                log_lines_dropped: 6,
                output_bytes: 7,
            };
        }),
        ("digest", |run| run.digest = Some(Digest::of(b"zap"))),
        ("correlation_id", |run| {
            run.correlation_id = Some(CorrelationId::new("order 66 / \u{1F4E6}").expect("a text"));
        }),
        ("parent", |run| run.parent = Some(id(2))),
        ("tags", |run| run.tags = vec![Tag::new("a 'tag' with ü").expect("a tag")]),
        ("metadata", |run| {
            run.metadata = BTreeMap::from([(String::new(), "\"quoted\"".to_owned())]);
        }),
    ]
}

fn an_error() -> RunError {
    let details = Some(Json::trusted(r#"{"n":1.50}"#));
    RunError { details, ..RunError::new(Blame::Host, "oops", "a message\nof two lines") }
}

#[test]
fn each_field_survives_by_itself_in_its_own_place() {
    let plain_fields = fields_of_run(&plain());
    for (name, change) in changes() {
        let mut run = plain();
        change(&mut run);
        assert_eq!(back(&run).as_ref(), Ok(&run), "{name}");
        let fields = fields_of_run(&run);
        let is_new = fields
            .iter()
            .any(|field| field.0 == name && !plain_fields.iter().any(|before| before == field));
        assert!(is_new, "{name} holds the change");
    }
}

#[test]
fn every_field_of_a_run_has_a_change_above() {
    // A new field of `Run` appears in its JSON and must be added to the converter.
    let text = serde_json::to_value(plain()).expect("JSON");
    let mut names: Vec<&str> =
        text.as_object().expect("an object").keys().map(String::as_str).collect();
    names.retain(|name| *name != "id");
    let mut changed: Vec<&str> = changes().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    changed.sort_unstable();
    assert_eq!(names, changed);
}

#[test]
fn a_run_with_everything_survives() {
    let mut run = plain();
    changes().into_iter().for_each(|(_, change)| change(&mut run));
    run.finished_at = None;
    assert_eq!(back(&run), Ok(run));
}

#[test]
fn an_end_that_no_longer_holds_is_passed_over() {
    let mut run = plain();
    run.finished_at = Some(at(4));
    run.lease_expires_at = Some(at(5));
    assert_eq!(back(&run), Ok(plain()));
}

#[test]
fn the_later_of_two_values_counts() {
    let fields = fields_of_run(&plain());
    let later = [(&b"attempt"[..], &b"2"[..]), (b"attempt", b"3")];
    let all = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).chain(later);
    assert_eq!(read_run(id(1), all).expect("readable").attempt, 3);
}

#[test]
fn each_field_that_cannot_be_read_says_which() {
    let spoils = [
        ("tenant", "not a name!"),
        ("job_type", ""),
        ("queue", "a/b"),
        ("priority", "9999"),
        ("trigger", "77"),
        ("status", "42"),
        ("input", "{"),
        ("output", "{"),
        ("error", "{}"),
        ("created_at", "yesterday"),
        ("attempt", "-1"),
        ("max_attempts", "many"),
        ("lease", "4294967296"),
        ("worker", "somebody"),
        ("digest", "zz"),
        ("tags", "[1]"),
        ("metadata", "[]"),
        ("usage", "1,-1"),
    ];
    for (name, value) in spoils {
        let mut fields = fields_of_run(&plain()).without(&[name]);
        fields.put(name, value);
        let Unreadable(why) = read_back(id(1), &fields).expect_err(name);
        assert!(!why.is_empty() && !why.contains('\n'), "{name}: {why}");
    }
}

#[test]
fn a_missing_field_is_an_error_unless_it_has_a_default() {
    for name in
        ["tenant", "job_type", "queue", "trigger", "status", "input", "created_at", "due_at"]
    {
        let fields = fields_of_run(&plain()).without(&[name]);
        assert!(read_back(id(1), &fields).is_err(), "{name}");
    }
}
