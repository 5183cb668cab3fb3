//! Short words for what cases put into a storage.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;
use zapjobs_model::{
    BatchId, Condition, CorrelationId, Dependency, Digest, Document, DocumentKey, DocumentKind,
    DocumentName, Due, IdempotencyKey, JobDefinition, JobKey, JobSchedule, JobType, Json, Lease,
    LimitKey, LogEntry, LogLevel, LogLine, NewRun, OnConflict, Priority, QueueName, RetryPolicy,
    RunId, Schedule, ScheduleKey, ScheduleName, Tag, TenantId, Timestamp, Trigger, UniqueBy,
    UniqueRequest, UniqueScope, WorkerId,
};
use zapjobs_storage::WorkerRecord;

use crate::harness::START;

/// How long cases lease runs.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

pub(crate) fn job_type(name: &str) -> JobType {
    JobType::new(name).expect("a good job type")
}

pub(crate) fn priority(number: i16) -> Priority {
    Priority::new(number).expect("a good priority")
}

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::new(name).expect("a good queue name")
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a good tenant")
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::new(text).expect("a good tag")
}

pub(crate) fn json(text: &str) -> Json {
    Json::parse(text).expect("good JSON")
}

pub(crate) fn key(tenant_name: &str, job: &str) -> JobKey {
    JobKey { tenant: tenant(tenant_name), job_type: job_type(job) }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const MICROSECOND: Duration = Duration::from_micros(1);

/// The run id with this number. Greater numbers are greater ids, and later ones, as in UUID v7.
pub(crate) fn run_id(number: u64) -> RunId {
    RunId(numbered_uuid(number))
}

/// The batch with this number.
pub(crate) fn batch_id(number: u64) -> BatchId {
    BatchId(numbered_uuid(number))
}

/// The worker with this number.
pub(crate) fn worker(number: u64) -> WorkerId {
    WorkerId(numbered_uuid(number))
}

fn numbered_uuid(number: u64) -> Uuid {
    const VERSION_7: u128 = 0x7 << 76;
    const VARIANT: u128 = 0b10 << 62;
    let millis = u128::from(START.as_micros().unsigned_abs() / 1_000) << 80;
    Uuid::from_u128(millis | VERSION_7 | VARIANT | u128::from(number))
}

/// A run of this job: due now, in the default queue, its id greater than any before.
pub(crate) fn a_run(job: &str) -> RunBuilder {
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    RunBuilder(NewRun {
        id: run_id(NEXT.fetch_add(1, Ordering::Relaxed)),
        tenant: TenantId::standard(),
        job_type: job_type(job),
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::null(),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: BTreeMap::new(),
        after: Vec::new(),
        limit_key: None,
        unique: None,
        idempotency: None,
        batch: None,
    })
}

/// So many runs of this job.
pub(crate) fn some_runs(job: &str, count: usize) -> Vec<NewRun> {
    (0..count).map(|_| a_run(job).build()).collect()
}

/// A run in the making.
pub(crate) struct RunBuilder(NewRun);

impl RunBuilder {
    pub(crate) fn build(self) -> NewRun {
        self.0
    }

    pub(crate) fn id(mut self, number: u64) -> Self {
        self.0.id = run_id(number);
        self
    }

    pub(crate) fn tenant(mut self, name: &str) -> Self {
        self.0.tenant = tenant(name);
        self
    }

    pub(crate) fn queue(mut self, name: &str) -> Self {
        self.0.queue = queue(name);
        self
    }

    pub(crate) fn priority(mut self, priority: i16) -> Self {
        self.0.priority = Priority::new(priority).expect("a good priority");
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Self {
        self.0.input = json(text);
        self
    }

    pub(crate) fn due_in(mut self, delay: Duration) -> Self {
        self.0.due = Due::In(delay);
        self
    }

    pub(crate) fn due_at(mut self, time: Timestamp) -> Self {
        self.0.due = Due::At(time);
        self
    }

    pub(crate) fn after(mut self, run: RunId, on: Condition) -> Self {
        self.0.after.push(Dependency { run, on });
        self
    }

    pub(crate) fn held(mut self) -> Self {
        self.0.due = Due::Held;
        self
    }

    pub(crate) fn batch(mut self, batch: BatchId) -> Self {
        self.0.batch = Some(batch);
        self
    }

    pub(crate) fn limit_key(mut self, key: &str) -> Self {
        self.0.limit_key = Some(LimitKey::new(key).expect("a good limit key"));
        self
    }

    pub(crate) fn deadline(mut self, time: Timestamp) -> Self {
        self.0.deadline = Some(time);
        self
    }

    pub(crate) fn max_attempts(mut self, count: u32) -> Self {
        self.0.max_attempts = count;
        self
    }

    pub(crate) fn correlation(mut self, text: &str) -> Self {
        self.0.correlation_id = Some(CorrelationId::new(text).expect("a good correlation id"));
        self
    }

    pub(crate) fn tag(mut self, text: &str) -> Self {
        self.0.tags.push(tag(text));
        self
    }

    pub(crate) fn trigger(mut self, trigger: Trigger) -> Self {
        self.0.trigger = trigger;
        self
    }

    /// Makes it the one run of this key of its tenant, as long as it holds it.
    pub(crate) fn unique(mut self, text: &str, scope: UniqueScope) -> Self {
        let by = UniqueBy::Text(text.to_owned());
        let wish = UniqueRequest { by, scope, ..UniqueRequest::default() };
        let unique = wish.of(&self.0.tenant, &self.0.job_type, &self.0.input);
        self.0.unique = Some(unique.expect("a good key"));
        self
    }

    /// Lets it replace what a waiting run of its key brought. After `unique`.
    pub(crate) fn replacing(mut self) -> Self {
        let unique = self.0.unique.as_mut().expect("it was made unique before");
        unique.on_conflict = OnConflict::Replace;
        self
    }

    /// Names the request for an hour. After its job and input are set.
    pub(crate) fn idempotency(mut self, text: &str) -> Self {
        let name = IdempotencyKey { text: text.to_owned(), window: seconds(3_600) };
        let idempotency = name.of(&self.0.tenant, &self.0.job_type, &self.0.input);
        self.0.idempotency = Some(idempotency.expect("a good name"));
        self
    }

    /// Gives every field that is optional a value of its own.
    pub(crate) fn with_everything(mut self) -> Self {
        self.0.parent = Some(run_id(7));
        self.0.metadata = BTreeMap::from([
            ("source".to_owned(), "a 'quoted' \"text\" with ünïcode \u{1F980}".to_owned()),
            (String::new(), String::new()),
        ]);
        self.tenant("acme")
            .queue("mail.out-1")
            .priority(-1_000)
            .input(r#"{"to":["ä","\u0000"],"n":1.50,"deep":[[[{}]]]}"#)
            .deadline(START.plus(seconds(86_400)))
            .max_attempts(1_000)
            .correlation("order 66 / \u{1F4E6}")
            .limit_key("customer 7/ü")
            .tag("b")
            .tag("a tag; with 'marks' and ünïcode")
            .trigger(Trigger::Continuation)
    }
}

/// A definition with a digest and no schedule.
pub(crate) fn a_definition(tenant_name: &str, job: &str) -> JobDefinition {
    JobDefinition {
        key: key(tenant_name, job),
        display_name: job.to_owned(),
        description: String::new(),
        queue: QueueName::standard(),
        schedule: Schedule::Manual,
        retry: RetryPolicy::default(),
        timeout_ms: None,
        tags: Vec::new(),
        default_input: Json::null(),
        input_schema: None,
        output_schema: None,
        digest: Some(Digest::of(job.as_bytes())),
        last_status: None,
    }
}

pub(crate) fn schedule_key(tenant_name: &str, name: &str) -> ScheduleKey {
    ScheduleKey {
        tenant: tenant(tenant_name),
        name: ScheduleName::new(name).expect("a good schedule name"),
    }
}

/// A new schedule that fires next at this instant.
pub(crate) fn a_schedule(tenant_name: &str, name: &str, next: Timestamp) -> JobSchedule {
    let rule = Schedule::every_ms(60_000).expect("a minute");
    let key = schedule_key(tenant_name, name);
    JobSchedule { next_fire_at: Some(next), ..JobSchedule::new(key, job_type("mail"), rule, START) }
}

pub(crate) fn document_kind(word: &str) -> DocumentKind {
    DocumentKind::new(word).expect("a good kind")
}

pub(crate) fn document_name(name: &str) -> DocumentName {
    DocumentName::new(name).expect("a good document name")
}

/// Of the installation where the owner is empty.
pub(crate) fn document_key(kind: &str, owner: &str, name: &str) -> DocumentKey {
    let tenant = Some(owner).filter(|owner| !owner.is_empty()).map(tenant);
    DocumentKey { kind: document_kind(kind), tenant, name: document_name(name) }
}

/// A document that is to be stored where none is.
pub(crate) fn a_document(kind: &str, owner: &str, name: &str) -> Document {
    Document::new(document_key(kind, owner, name), json(r#"{"days":["12-25"]}"#))
}

/// A host process.
pub(crate) fn a_worker(number: u64) -> WorkerRecord {
    WorkerRecord {
        id: worker(number),
        hostname: format!("host-{number}"),
        pid: 4_242,
        version: "0.1.0".to_owned(),
        started_at: START,
        seen_at: START,
        queues: vec![queue("a"), queue("b")],
        concurrency: 8,
        running: 3,
    }
}

/// A line of a run's log.
pub(crate) fn a_line(run: RunId, lease: u32, index: u32) -> LogEntry {
    LogEntry {
        run,
        lease: Lease(lease),
        index,
        line: LogLine {
            at: START.plus(seconds(u64::from(index))),
            level: LogLevel::Info,
            category: "job".to_owned(),
            message: format!("line {lease}.{index}"),
            fields: None,
        },
    }
}
