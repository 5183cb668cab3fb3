//! What was submitted of a run, but its input: one packed text that never changes.
//!
//! Numbers are big-endian; a text follows its length. First comes what scripts read: the
//! instant at which the run was stored (8 bytes, which the script puts in front), the priority
//! (2), the lane, which is tenant and queue with a comma between (length in 1), the job type (1),
//! the number of tags (1) and each tag (1). Behind it: the trigger (1), the attempts (4), a byte
//! of marks for what follows, and then, where marked: the term of its key (1, a digit) and the key
//! (16), which scripts read too, the deadline (8), the parent (16), the correlation id (1), and the metadata up to the end, names and values (4 each).

use std::collections::BTreeMap;
use std::fmt::Display;

use uuid::Uuid;
use zapjobs_model::{
    CorrelationId, JobType, NewRun, Priority, QueueName, RunId, Tag, TenantId, Timestamp, Trigger,
    Unique, UniqueHold, UniqueKey, Until,
};

use super::{ReadResult, Unreadable};
use crate::keys::{lane, lane_parts};

/// Labels of one run at most.
pub(crate) const TAGS_MAX: usize = 255;
/// Bytes of one run's metadata at most.
pub(crate) const METADATA_BYTES_MAX: usize = 16 << 20;

const HAS_DEADLINE: u8 = 1;
const HAS_PARENT: u8 = 2;
const HAS_CORRELATION_ID: u8 = 4;
const HAS_METADATA: u8 = 8;
const HAS_UNIQUE: u8 = 64;

/// What was submitted, but the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) created_at: Timestamp,
    pub(super) tenant: TenantId,
    pub(super) job_type: JobType,
    pub(super) queue: QueueName,
    pub(super) priority: Priority,
    pub(super) trigger: Trigger,
    pub(super) deadline: Option<Timestamp>,
    pub(super) max_attempts: u32,
    pub(super) correlation_id: Option<CorrelationId>,
    pub(super) parent: Option<RunId>,
    pub(super) tags: Vec<Tag>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) unique: Option<UniqueHold>,
}

/// What was submitted, as it is stored behind the instant; nothing if it has more labels or
/// metadata than can be stored.
pub(crate) fn packed_submission(run: &NewRun) -> Option<Vec<u8>> {
    let metadata_bytes: usize =
        run.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if run.tags.len() > TAGS_MAX || metadata_bytes > METADATA_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(64);
    bytes.extend(run.priority.get().to_be_bytes());
    put_short(&mut bytes, &lane(&run.tenant, &run.queue));
    put_short(&mut bytes, run.job_type.as_str());
    bytes.push(u8::try_from(run.tags.len()).expect("checked by `packed_submission`"));
    run.tags.iter().for_each(|tag| put_short(&mut bytes, tag.as_str()));
    bytes.push(run.trigger.code());
    bytes.extend(run.max_attempts.to_be_bytes());
    bytes.push(marks(run));
    if let Some(hold) = run.unique.as_ref().and_then(Unique::hold) {
        bytes.push(b'0' + hold.until.code());
        bytes.extend(hold.key.0.as_bytes());
    }
    if let Some(deadline) = run.deadline {
        bytes.extend(deadline.as_micros().to_be_bytes());
    }
    if let Some(parent) = run.parent {
        bytes.extend(parent.0.as_bytes());
    }
    if let Some(id) = &run.correlation_id {
        put_short(&mut bytes, id.as_str());
    }
    for text in run.metadata.iter().flat_map(|(name, value)| [name, value]) {
        let length = u32::try_from(text.len()).expect("its bytes were counted");
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    Some(bytes)
}

fn marks(run: &NewRun) -> u8 {
    let mark = |is_there: bool, mark: u8| if is_there { mark } else { 0 };
    mark(run.deadline.is_some(), HAS_DEADLINE)
        | mark(run.parent.is_some(), HAS_PARENT)
        | mark(run.correlation_id.is_some(), HAS_CORRELATION_ID)
        | mark(!run.metadata.is_empty(), HAS_METADATA)
        | mark(run.unique.as_ref().is_some_and(|it| it.hold().is_some()), HAS_UNIQUE)
}

fn put_short(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).expect("names and labels are short"));
    bytes.extend(text.as_bytes());
}

impl Submission {
    pub(super) fn read(bytes: &[u8]) -> ReadResult<Self> {
        let mut rest = Rest(bytes);
        let created_at = rest.time()?;
        let priority = i16::from_be_bytes(rest.take()?);
        let priority = checked("priority", Priority::new(priority))?;
        let lane = rest.short()?;
        let (tenant, queue) =
            lane_parts(lane).ok_or_else(|| Unreadable(format!("no lane is called {lane:?}")))?;
        let job_type = checked("job type", JobType::new(rest.short()?))?;
        let tags = (0..rest.byte()?)
            .map(|_| checked("tags", Tag::new(rest.short()?)))
            .collect::<ReadResult<_>>()?;
        let trigger = read_trigger(rest.byte()?.into())?;
        let max_attempts = u32::from_be_bytes(rest.take()?);
        let marks = rest.byte()?;
        let has = |mark: u8| marks & mark != 0;
        let unique = has(HAS_UNIQUE).then(|| rest.hold()).transpose()?;
        let deadline = has(HAS_DEADLINE).then(|| rest.time()).transpose()?;
        let parent = has(HAS_PARENT).then(|| rest.take()).transpose()?;
        let correlation_id = has(HAS_CORRELATION_ID)
            .then(|| checked("correlation id", CorrelationId::new(rest.short()?)))
            .transpose()?;
        let mut metadata = BTreeMap::new();
        while has(HAS_METADATA) && !rest.0.is_empty() {
            metadata.insert(rest.long()?.to_owned(), rest.long()?.to_owned());
        }
        Ok(Self {
            created_at,
            tenant,
            job_type,
            queue,
            priority,
            trigger,
            deadline,
            max_attempts,
            correlation_id,
            parent: parent.map(|id| RunId(Uuid::from_bytes(id))),
            tags,
            metadata,
            unique,
        })
    }
}

pub(super) fn read_trigger(code: i64) -> ReadResult<Trigger> {
    Trigger::from_code(code).ok_or_else(|| Unreadable(format!("unknown trigger {code}")))
}

fn checked<T, E: Display>(what: &str, read: Result<T, E>) -> ReadResult<T> {
    read.map_err(|error| Unreadable(format!("{what}: {error}")))
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, length: usize) -> ReadResult<&'a [u8]> {
        let cut = || Unreadable("what was submitted is cut short".to_owned());
        let (part, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(part)
    }

    fn take<const N: usize>(&mut self) -> ReadResult<[u8; N]> {
        Ok(self.bytes(N)?.try_into().expect("so many bytes were taken"))
    }

    fn byte(&mut self) -> ReadResult<u8> {
        Ok(self.take::<1>()?[0])
    }

    fn hold(&mut self) -> ReadResult<UniqueHold> {
        let code = i64::from(self.byte()?) - i64::from(b'0');
        let until = Until::from_code(code)
            .ok_or_else(|| Unreadable(format!("unknown term of a key {code}")))?;
        Ok(UniqueHold { key: UniqueKey(Uuid::from_bytes(self.take()?)), until })
    }

    fn time(&mut self) -> ReadResult<Timestamp> {
        Ok(Timestamp::from_micros(i64::from_be_bytes(self.take()?)))
    }

    fn short(&mut self) -> ReadResult<&'a str> {
        let length = self.byte()?;
        self.text(length.into())
    }

    fn long(&mut self) -> ReadResult<&'a str> {
        let length = u32::from_be_bytes(self.take()?);
        self.text(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self, length: usize) -> ReadResult<&'a str> {
        checked("what was submitted", std::str::from_utf8(self.bytes(length)?))
    }
}
