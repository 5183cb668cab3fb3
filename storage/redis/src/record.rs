//! A run to the fields of a hash and back. The only place that knows what they mean.
//!
//! **Invariant:** what is read is checked as if it came from outside. A record that cannot be
//! read is an error of that record, and never of those beside it.
//!
//! Fields at their defaults are left out. `lease_expires_at` counts only while the run is
//! running and `finished_at` only once it has ended, so that no write has to clear them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zapjobs_model::{
    CorrelationId, Digest, ItemCounts, JobType, Json, Lease, Priority, Progress, QueueName, Run,
    RunId, RunStatus, Tag, TenantId, Timestamp, Transition, Trigger, Usage,
};

/// The status of a record that was set aside.
pub(crate) const SET_ASIDE: &str = "99";

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

type ReadResult<T> = Result<T, Unreadable>;

/// Names and values of a hash.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Without the fields that a script sets itself.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(name));
        self
    }

    fn put(&mut self, name: &'static str, value: impl Display) {
        self.put_text(name, format!("{value}"));
    }

    fn put_text(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    fn put_some(&mut self, name: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn put_unless(&mut self, is_default: bool, name: &'static str, value: impl Display) {
        if !is_default {
            self.put(name, value);
        }
    }

    fn put_time(&mut self, name: &'static str, time: Option<Timestamp>) {
        self.put_some(name, time.map(Timestamp::as_micros));
    }

    /// As numbers alone: Redis keeps a hash of values up to 64 bytes in its compact form.
    fn put_usage(&mut self, usage: &Usage) {
        if *usage != Usage::default() {
            let numbers = usage_numbers(usage).map(|number| number.to_string());
            self.put_text("usage", numbers.join(","));
        }
    }

    fn put_json<T: Serialize + Default + PartialEq>(&mut self, name: &'static str, value: &T) {
        if *value != T::default() {
            self.put_text(name, encoded(value));
        }
    }
}

/// A value as JSON.
pub(crate) fn encoded(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and checked JSON always serialise")
}

/// All fields of a run; its id is in the name of its key.
pub(crate) fn fields_of_run(run: &Run) -> Fields {
    let mut fields = Fields(Vec::with_capacity(28));
    fields.put("tenant", &run.tenant);
    fields.put("job_type", &run.job_type);
    fields.put("queue", &run.queue);
    fields.put_unless(run.priority.get() == 0, "priority", run.priority.get());
    fields.put("trigger", run.trigger.code());
    fields.put("status", run.status.code());
    fields.put("input", &run.input);
    fields.put_some("output", run.output.as_ref());
    fields.put_some("error", run.error.as_ref().map(encoded));
    fields.put("created_at", run.created_at.as_micros());
    fields.put("due_at", run.due_at.as_micros());
    fields.put_time("started_at", run.started_at);
    fields.put_time("finished_at", run.finished_at);
    fields.put_time("deadline", run.deadline);
    fields.put_unless(run.attempt == 0, "attempt", run.attempt);
    fields.put("max_attempts", run.max_attempts);
    fields.put_unless(run.host_faults == 0, "host_faults", run.host_faults);
    fields.put_unless(run.lease.0 == 0, "lease", run.lease);
    fields.put_time("lease_expires_at", run.lease_expires_at);
    fields.put_some("worker", run.worker.as_ref());
    fields.put_unless(!run.cancel_requested, "cancel_requested", 1);
    fields.put_json("progress", &run.progress);
    fields.put_json("counts", &run.counts);
    fields.put_usage(&run.usage);
    fields.put_some("digest", run.digest.as_ref());
    fields.put_some("correlation_id", run.correlation_id.as_ref());
    fields.put_some("parent", run.parent.as_ref());
    fields.put_json("tags", &run.tags);
    fields.put_json("metadata", &run.metadata);
    fields
}

/// What a transition writes, beside the status and what it clears.
pub(crate) fn fields_of_transition(transition: &Transition) -> Fields {
    let mut fields = Fields(Vec::with_capacity(8));
    fields.put("attempt", transition.attempt);
    fields.put("host_faults", transition.host_faults);
    // A claim has cleared what an earlier attempt used.
    fields.put_usage(&transition.usage);
    fields.put_time("due_at", transition.due_at);
    if transition.status.is_final() {
        fields.put_time("finished_at", Some(transition.at));
    }
    fields.put_some("output", transition.output.as_ref());
    fields.put_some("error", transition.error.as_ref().map(encoded));
    fields.put_some("digest", transition.digest.as_ref());
    fields
}

/// The run with this id that is stored as these fields. The later of two values counts.
pub(crate) fn read_run<'a>(
    id: RunId,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> ReadResult<Run> {
    Raw::of(fields)?.run(id)
}

macro_rules! raw_fields {
    ($($field:ident)+) => {
        /// The values as they are stored.
        #[derive(Default)]
        struct Raw<'a> {
            $($field: Option<&'a str>,)+
        }

        impl<'a> Raw<'a> {
            fn of(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> ReadResult<Self> {
                let mut raw = Self::default();
                for (name, value) in fields {
                    let place = match std::str::from_utf8(name) {
                        $(Ok(stringify!($field)) => &mut raw.$field,)+
                        // A later version's field is not ours to judge.
                        _ => continue,
                    };
                    *place = Some(std::str::from_utf8(value).map_err(|_| {
                        Unreadable(format!("{} is no text", String::from_utf8_lossy(name)))
                    })?);
                }
                Ok(raw)
            }
        }
    };
}

raw_fields! {
    tenant job_type queue priority trigger status input output error created_at due_at started_at
    finished_at deadline attempt max_attempts host_faults lease lease_expires_at worker
    cancel_requested progress counts usage digest correlation_id parent tags metadata
}

impl Raw<'_> {
    fn run(&self, id: RunId) -> ReadResult<Run> {
        if self.status == Some(SET_ASIDE) {
            return Err(Unreadable("it was set aside; see the quarantine for why".to_owned()));
        }
        let code = parsed::<i64>("status", self.status)?;
        let status = RunStatus::from_code(code)
            .ok_or_else(|| Unreadable(format!("unknown status {code}")))?;
        Ok(Run {
            id,
            tenant: required("tenant", self.tenant, TenantId::new)?,
            job_type: required("job type", self.job_type, JobType::new)?,
            queue: required("queue", self.queue, QueueName::new)?,
            priority: self.priority()?,
            trigger: self.trigger()?,
            status,
            input: required("input", self.input, Json::parse)?,
            output: optional("output", self.output, Json::parse)?,
            error: optional("error", self.error, serde_json::from_str)?,
            created_at: time("created_at", self.created_at)?,
            due_at: time("due_at", self.due_at)?,
            started_at: optional_time("started_at", self.started_at)?,
            finished_at: optional_time(
                "finished_at",
                self.finished_at.filter(|_| status.is_final()),
            )?,
            deadline: optional_time("deadline", self.deadline)?,
            attempt: parsed_or_default("attempt", self.attempt)?,
            max_attempts: parsed("max_attempts", self.max_attempts)?,
            host_faults: parsed_or_default("host_faults", self.host_faults)?,
            lease: Lease(parsed_or_default("lease", self.lease)?),
            lease_expires_at: optional_time(
                "lease_expires_at",
                self.lease_expires_at.filter(|_| status == RunStatus::Running),
            )?,
            worker: optional("worker", self.worker, str::parse)?,
            cancel_requested: self.cancel_requested.is_some(),
            progress: decoded::<Progress>("progress", self.progress)?,
            counts: decoded::<ItemCounts>("counts", self.counts)?,
            usage: optional("usage", self.usage, read_usage)?.unwrap_or_default(),
            digest: optional("digest", self.digest, str::parse::<Digest>)?,
            correlation_id: optional("correlation id", self.correlation_id, CorrelationId::new)?,
            parent: optional("parent", self.parent, str::parse)?,
            tags: decoded::<Vec<Tag>>("tags", self.tags)?,
            metadata: decoded::<BTreeMap<String, String>>("metadata", self.metadata)?,
        })
    }

    fn priority(&self) -> ReadResult<Priority> {
        let value = parsed_or_default("priority", self.priority)?;
        Priority::new(value).map_err(|error| Unreadable(error.to_string()))
    }

    fn trigger(&self) -> ReadResult<Trigger> {
        let code = parsed("trigger", self.trigger)?;
        Trigger::from_code(code).ok_or_else(|| Unreadable(format!("unknown trigger {code}")))
    }
}

/// In the order in which they are stored, which never changes; new ones come last.
const fn usage_numbers(usage: &Usage) -> [u64; 7] {
    let Usage {
        cpu_us,
        wall_us,
        memory_bytes_peak,
        log_bytes,
        log_lines,
        log_lines_dropped,
        output_bytes,
    } = *usage;
    [cpu_us, wall_us, memory_bytes_peak, log_bytes, log_lines, log_lines_dropped, output_bytes]
}

fn read_usage(text: &str) -> Result<Usage, std::num::ParseIntError> {
    let mut numbers = text.split(',');
    let mut next = || numbers.next().map_or(Ok(0), str::parse);
    Ok(Usage {
        cpu_us: next()?,
        wall_us: next()?,
        memory_bytes_peak: next()?,
        log_bytes: next()?,
        log_lines: next()?,
        log_lines_dropped: next()?,
        output_bytes: next()?,
    })
}

fn optional<'a, T, E: Display>(
    what: &str,
    text: Option<&'a str>,
    read: impl FnOnce(&'a str) -> Result<T, E>,
) -> ReadResult<Option<T>> {
    text.map(read).transpose().map_err(|error| Unreadable(format!("{what}: {error}")))
}

fn required<'a, T, E: Display>(
    what: &str,
    text: Option<&'a str>,
    read: impl FnOnce(&'a str) -> Result<T, E>,
) -> ReadResult<T> {
    optional(what, text, read)?.ok_or_else(|| Unreadable(format!("the {what} is missing")))
}

fn parsed<T: FromStr<Err: Display>>(what: &str, text: Option<&str>) -> ReadResult<T> {
    required(what, text, str::parse)
}

fn parsed_or_default<T: FromStr<Err: Display> + Default>(
    what: &str,
    text: Option<&str>,
) -> ReadResult<T> {
    Ok(optional(what, text, str::parse)?.unwrap_or_default())
}

fn time(what: &str, text: Option<&str>) -> ReadResult<Timestamp> {
    parsed(what, text).map(Timestamp::from_micros)
}

fn optional_time(what: &str, text: Option<&str>) -> ReadResult<Option<Timestamp>> {
    Ok(optional(what, text, str::parse)?.map(Timestamp::from_micros))
}

fn decoded<T: DeserializeOwned + Default>(what: &str, text: Option<&str>) -> ReadResult<T> {
    Ok(optional(what, text, |text| serde_json::from_str(text))?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
