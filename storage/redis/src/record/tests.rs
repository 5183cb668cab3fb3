//! The converter, field by field, both ways.

use std::collections::BTreeMap;
use uuid::Uuid;
use zapjobs_model::{
    BatchId, Blame, CorrelationId, Due, JobType, Lease, NewRun, OnConflict, Priority, QueueName,
    RunError, Tag, TenantId, Timestamp, Trigger, Unique, UniqueHold, UniqueKey, UniqueScope, Until,
    WorkerId,
};

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
        after: Vec::new(),
        limit_key: None,
        unique: None,
        idempotency: None,
        batch: None,
    };
    Run::from_new(new, Timestamp::from_micros(1_790_000_000_000_001))
}

/// All fields of a run, made of the parts of which the driver and its scripts make them.
fn fields_of_run(run: &Run) -> Fields {
    let mut fields = Fields::new();
    let mut new = run.created_at.as_micros().to_be_bytes().to_vec();
    new.extend(packed_submission(&as_submitted(run)).expect("it fits"));
    fields.push(("new", new));
    fields.push(("input", run.input.as_str().into()));
    fields.push(("state", packed_state(run)));
    fields.push(("trigger", run.trigger.code().to_string().into()));
    fields.push(("result", packed_result(run.digest.as_ref(), &run.usage)));
    fields.push(("progress", encoded(&run.progress).into()));
    fields.push(("counts", encoded(&run.counts).into()));
    fields.extend(run.output.as_ref().map(|output| ("output", output.as_str().into())));
    fields.extend(run.error.as_ref().map(|error| ("error", encoded(error).into())));
    fields.extend(run.batch.map(|batch| ("batch", batch.0.as_bytes().to_vec())));
    fields.extend(run.limit_key.as_ref().map(|key| ("limit_key", key.as_str().into())));
    fields
}

type Fields = Vec<(&'static str, Vec<u8>)>;

fn as_submitted(run: &Run) -> NewRun {
    let run = run.clone();
    NewRun {
        id: run.id,
        tenant: run.tenant,
        job_type: run.job_type,
        queue: run.queue,
        priority: run.priority,
        trigger: run.trigger,
        input: run.input,
        due: Due::Now,
        deadline: run.deadline,
        max_attempts: run.max_attempts,
        correlation_id: run.correlation_id,
        parent: run.parent,
        tags: run.tags,
        metadata: run.metadata,
        after: Vec::new(),
        limit_key: run.limit_key,
        unique: run.unique.map(|hold| Unique {
            key: hold.key,
            scope: UniqueScope::Until(hold.until),
            on_conflict: OnConflict::Keep,
        }),
        idempotency: None,
        batch: None,
    }
}

/// As the scripts put it together.
fn packed_state(run: &Run) -> Vec<u8> {
    let never = Timestamp::from_micros(i64::MIN);
    let time = |time: Option<Timestamp>| time.unwrap_or(never).as_micros().to_be_bytes();
    let is_running = run.status == RunStatus::Running;
    let mut state = vec![b'0' + run.status.code(), b'0' + u8::from(run.cancel_requested)];
    state.extend(run.attempt.to_be_bytes());
    state.extend(run.host_faults.to_be_bytes());
    state.extend(time(if is_running { run.lease_expires_at } else { run.finished_at }));
    state.extend(run.due_at.as_micros().to_be_bytes());
    state.extend(run.lease.0.to_be_bytes());
    state.extend(time(run.started_at));
    state.extend(run.worker.map_or(Uuid::nil(), |worker| worker.0).as_bytes());
    state.push(b'0');
    state
}

fn back(run: &Run) -> ReadResult<Run> {
    read_back(run.id, &fields_of_run(run))
}

fn read_back(id: RunId, fields: &Fields) -> ReadResult<Run> {
    read_run(id, fields.iter().map(|(name, value)| (name.as_bytes(), &value[..])))
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A change of one field.
type Change = fn(&mut Run);

/// One change of each field of a run, and the hash's field that must hold it.
fn changes() -> Vec<(&'static str, &'static str, Change)> {
    vec![
        ("unique", "new", |run| {
            let key = UniqueKey(Uuid::from_u128(9));
            run.unique = Some(UniqueHold { key, until: Until::Finished });
        }),
        ("tenant", "new", |run| run.tenant = TenantId::new("acme").expect("a name")),
        ("job_type", "new", |run| run.job_type = JobType::new("A.b_c-9").expect("a name")),
        ("queue", "new", |run| run.queue = QueueName::new("mail.out-1").expect("a name")),
        ("priority", "new", |run| run.priority = Priority::MIN),
        ("trigger", "new", |run| run.trigger = Trigger::Continuation),
        ("status", "state", |run| run.status = RunStatus::AwaitingRetry),
        ("input", "input", |run| run.input = Json::trusted(r#"{"ä":["\u0000",1.50]}"#)),
        ("output", "output", |run| run.output = Some(Json::trusted("[1]"))),
        ("error", "error", |run| run.error = Some(an_error())),
        ("created_at", "new", |run| run.created_at = at(-1)),
        ("due_at", "state", |run| run.due_at = at(i64::MAX)),
        ("started_at", "state", |run| run.started_at = Some(at(3))),
        ("finished_at", "state", |run| {
            run.status = RunStatus::Failed;
            run.finished_at = Some(at(4));
        }),
        ("deadline", "new", |run| run.deadline = Some(at(5))),
        ("attempt", "state", |run| run.attempt = u32::MAX),
        ("max_attempts", "new", |run| run.max_attempts = u32::MAX),
        ("host_faults", "state", |run| run.host_faults = 7),
        ("lease", "state", |run| run.lease = Lease(u32::MAX)),
        ("lease_expires_at", "state", |run| {
            run.status = RunStatus::Running;
            run.lease_expires_at = Some(at(6));
        }),
        ("worker", "state", |run| run.worker = Some(WorkerId(Uuid::from_u128(9)))),
        ("cancel_requested", "state", |run| run.cancel_requested = true),
        ("progress", "progress", |run| {
            run.progress = Progress { done: u64::MAX, total: Some(0), message: "é\n".to_owned() };
        }),
        ("counts", "counts", |run| {
            run.counts = ItemCounts { processed: u64::MAX, succeeded: 1, failed: 2 };
        }),
        ("usage", "result", |run| {
            run.usage = Usage {
                cpu_us: u64::MAX,
                wall_us: 2,
                memory_bytes_peak: 3,
                log_bytes: 4,
                log_lines: 5,
                log_lines_dropped: 6,
                output_bytes: 7,
                wait_us: 8,
                http_requests: 9,
                http_sent_bytes: 10,
                http_received_bytes: u64::MAX,
            };
        }),
        ("digest", "result", |run| run.digest = Some(Digest::of(b"zap"))),
        ("correlation_id", "new", |run| {
            run.correlation_id = Some(CorrelationId::new("order 66 / \u{1F4E6}").expect("a text"));
        }),
        ("parent", "new", |run| run.parent = Some(id(2))),
        ("tags", "new", |run| run.tags = vec![Tag::new("a 'tag' with ü").expect("a tag")]),
        ("metadata", "new", |run| {
            run.metadata = BTreeMap::from([(String::new(), "\"quoted\"".to_owned())]);
        }),
        ("limit_key", "limit_key", |run| {
            run.limit_key = Some(LimitKey::new("customer 7/ü").expect("a key"));
        }),
        ("batch", "batch", |run| run.batch = Some(BatchId(Uuid::from_u128(3)))),
    ]
}

fn an_error() -> RunError {
    let details = Some(Json::trusted(r#"{"n":1.50}"#));
    RunError { details, ..RunError::new(Blame::Host, "oops", "a message\nof two lines") }
}

#[test]
fn each_field_survives_by_itself_in_its_own_place() {
    let plain_fields = fields_of_run(&plain());
    for (name, place, change) in changes() {
        let mut run = plain();
        change(&mut run);
        assert_eq!(back(&run).as_ref(), Ok(&run), "{name}");
        let fields = fields_of_run(&run);
        let is_new = fields
            .iter()
            .any(|field| field.0 == place && !plain_fields.iter().any(|before| before == field));
        assert!(is_new, "{place} holds the change of {name}");
    }
}

#[test]
fn every_field_of_a_run_has_a_change_above() {
    // A new field of `Run` appears in its JSON and must be added to the converter.
    let text = serde_json::to_value(plain()).expect("JSON");
    let mut names: Vec<&str> =
        text.as_object().expect("an object").keys().map(String::as_str).collect();
    names.retain(|name| *name != "id");
    let mut changed: Vec<&str> = changes().into_iter().map(|(name, _, _)| name).collect();
    names.sort_unstable();
    changed.sort_unstable();
    assert_eq!(names, changed);
}

#[test]
fn a_run_with_everything_survives() {
    let mut run = plain();
    changes().into_iter().for_each(|(_, _, change)| change(&mut run));
    run.finished_at = None;
    assert_eq!(back(&run), Ok(run));
}

#[test]
fn a_run_to_which_nothing_happened_needs_no_state() {
    let mut fields = fields_of_run(&plain());
    fields.retain(|(name, _)| ["new", "input"].contains(name));
    assert_eq!(read_back(id(1), &fields), Ok(plain()));
}

#[test]
fn an_end_that_no_longer_holds_is_passed_over() {
    let mut run = plain();
    run.finished_at = Some(at(4));
    run.lease_expires_at = Some(at(5));
    assert_eq!(back(&run), Ok(plain()));
}

#[test]
fn a_run_that_was_asked_to_run_again_says_so() {
    let mut fields = fields_of_run(&plain());
    fields.push(("trigger", Trigger::Retry.code().to_string().into()));
    assert_eq!(read_back(id(1), &fields).expect("readable").trigger, Trigger::Retry);
}

#[test]
fn the_later_of_two_values_counts() {
    let mut fields = fields_of_run(&plain());
    let run = Run { attempt: 3, ..plain() };
    fields.push(("state", packed_state(&run)));
    assert_eq!(read_back(id(1), &fields), Ok(run));
}

#[test]
fn a_claim_leaves_the_digest_and_no_usage() {
    let run = Run { digest: Some(Digest::of(b"zap")), ..plain() };
    let mut fields = fields_of_run(&run);
    let mut result = packed_result(run.digest.as_ref(), &run.usage);
    result.truncate(33);
    fields.push(("result", result));
    assert_eq!(read_back(id(1), &fields), Ok(run));
}

/// What was submitted in a form that no submission has.
fn spoilt_submissions() -> Vec<(&'static str, Vec<u8>)> {
    let good = fields_of_run(&plain()).swap_remove(0).1;
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    vec![
        ("nothing", Vec::new()),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("a priority out of bounds", with(8, 0x7f)),
        ("no lane", with(10, 0)),
        ("a lane that ends nowhere", with(10, 0xff)),
        ("a tenant of other bytes", with(11, 0xff)),
        ("a tenant of bad letters", with(11, b'/')),
        ("a lane without a queue", with(18, b'.')),
        ("a queue of bad letters", with(19, b'/')),
        ("labels that are not there", with(31, 9)),
        ("an unknown trigger", with(32, 77)),
    ]
}

#[test]
fn each_spoilt_submission_says_what_is_wrong() {
    for (what, bytes) in spoilt_submissions() {
        let mut fields = fields_of_run(&plain());
        fields.push(("new", bytes));
        fields.retain(|(name, _)| *name != "trigger");
        let Unreadable(why) = read_back(id(1), &fields).expect_err(what);
        assert!(!why.is_empty() && !why.contains('\n'), "{what}: {why}");
    }
}

#[test]
fn each_field_that_cannot_be_read_says_which() {
    let spoils: [(&str, &[u8]); 9] = [
        ("trigger", b"77"),
        ("state", b"0"),
        ("state", &[b'8'; 55]),
        ("input", b"{"),
        ("output", b"\xff"),
        ("error", b"{}"),
        ("progress", b"[]"),
        ("result", b"\x20short"),
        ("aside", b"1"),
    ];
    for (name, value) in spoils {
        let mut fields = fields_of_run(&plain());
        fields.push((name, value.to_vec()));
        let Unreadable(why) = read_back(id(1), &fields).expect_err(name);
        assert!(!why.is_empty() && !why.contains('\n'), "{name}: {why}");
    }
}

#[test]
fn a_missing_submission_or_input_is_an_error() {
    for name in ["new", "input"] {
        let mut fields = fields_of_run(&plain());
        fields.retain(|field| field.0 != name);
        assert!(read_back(id(1), &fields).is_err(), "{name}");
    }
}

#[test]
fn a_usual_record_stays_in_the_servers_compact_form() {
    let run = Run {
        status: RunStatus::Completed,
        digest: Some(Digest::of(b"zap")),
        usage: Usage {
            cpu_us: 1_000_000,
            wall_us: 9_000_000,
            memory_bytes_peak: 64 << 20,
            ..Usage::default()
        },
        ..plain()
    };
    for (name, value) in fields_of_run(&run) {
        assert!(value.len() <= 64, "{name} has {} bytes", value.len());
    }
}
