//! What scripts answer, taken apart.

use redis::Value;
use uuid::Uuid;
use zapjobs_model::{QueueName, RunId};
use zapjobs_storage::{Notice, Result};

use crate::error::unexpected;
use crate::record::{Unreadable, read_run};

/// An answer of an operation, taken apart with its name for errors.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) operation: &'static str,
    pub(crate) value: &'a Value,
}

impl<'a> Answer<'a> {
    pub(crate) fn of(operation: &'static str, value: &'a Value) -> Self {
        Self { operation, value }
    }

    pub(crate) fn list(self) -> Result<&'a [Value]> {
        match self.value {
            Value::Array(items) | Value::Set(items) => Ok(items),
            Value::Nil => Ok(&[]),
            _ => Err(unexpected(self.operation)),
        }
    }

    /// The item at this place.
    pub(crate) fn at(self, place: usize) -> Result<Self> {
        let value = self.list()?.get(place).ok_or_else(|| unexpected(self.operation))?;
        Ok(Self { value, ..self })
    }

    pub(crate) fn items(self) -> Result<impl Iterator<Item = Self>> {
        Ok(self.list()?.iter().map(move |value| Self { value, ..self }))
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8]> {
        match self.value {
            Value::BulkString(bytes) => Ok(bytes),
            Value::SimpleString(text) => Ok(text.as_bytes()),
            _ => Err(unexpected(self.operation)),
        }
    }

    pub(crate) fn text(self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| unexpected(self.operation))
    }

    pub(crate) fn number(self) -> Result<i64> {
        match self.value {
            Value::Int(number) => Ok(*number),
            _ => self.text()?.parse().map_err(|_| unexpected(self.operation)),
        }
    }

    /// An id of 16 bytes.
    pub(crate) fn run_id(self) -> Result<RunId> {
        let id = Uuid::from_slice(self.bytes()?).map_err(|_| unexpected(self.operation))?;
        Ok(RunId(id))
    }

    /// An id at the end of an index's member.
    pub(crate) fn ending_run_id(self) -> Result<RunId> {
        let id = self.bytes()?.last_chunk().ok_or_else(|| unexpected(self.operation))?;
        Ok(RunId(Uuid::from_bytes(*id)))
    }

    pub(crate) fn count(self) -> Result<usize> {
        usize::try_from(self.number()?).map_err(|_| unexpected(self.operation))
    }

    /// The notices of the queues at this place and of the mark after it.
    pub(crate) fn notices(self, place: usize) -> Result<Vec<Notice>> {
        let mut notices = Vec::new();
        for queue in self.at(place)?.items()? {
            // A name that cannot be read was spoilt; nobody can wait for that queue.
            if let Ok(queue) = QueueName::new(queue.text()?) {
                notices.push(Notice::Ready(queue));
            }
        }
        let marks = self.at(place + 1)?.number()?;
        if marks & 1 != 0 {
            notices.push(Notice::Scheduled);
        }
        if marks & 2 != 0 {
            notices.push(Notice::Ended);
        }
        Ok(notices)
    }

    /// Names and values of a hash.
    pub(crate) fn fields(self) -> Result<Vec<(&'a [u8], &'a [u8])>> {
        if let Value::Map(pairs) = self.value {
            let pair = |(name, value): &'a (Value, Value)| {
                Ok((Self { value: name, ..self }.bytes()?, Self { value, ..self }.bytes()?))
            };
            return pairs.iter().map(pair).collect();
        }
        let items = self.list()?;
        let mut fields = Vec::with_capacity(items.len() / 2);
        for pair in items.chunks_exact(2) {
            let [name, value] = pair else { return Err(unexpected(self.operation)) };
            fields.push((Self { value: name, ..self }.bytes()?, Self { value, ..self }.bytes()?));
        }
        Ok(fields)
    }

    /// The run with this id in these fields; `None` where there are none.
    pub(crate) fn run(self, id: RunId) -> Result<Option<ReadRun>> {
        let fields = self.fields()?;
        if fields.is_empty() {
            return Ok(None);
        }
        Ok(Some(read_run(id, fields.into_iter())))
    }

    /// The claimed run with this id, in this state and these fields.
    pub(crate) fn claimed(self, id: RunId, state: &[u8]) -> Result<ReadRun> {
        let fields = self.fields()?.into_iter();
        Ok(read_run(id, fields.chain([(&b"state"[..], state)])))
    }
}

/// A run, or why it cannot be read.
pub(crate) type ReadRun = std::result::Result<zapjobs_model::Run, Unreadable>;
