//! What a caller says of uniqueness, checked.

use std::time::Duration;

use super::key::{fingerprint, idempotency_key, unique_key};
use super::{Idempotency, OnConflict, Unique, UniqueScope};
use crate::{JobType, Json, TenantId};

/// Shortest window in which one run is taken.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);
/// Longest window in which one run is taken: 30 days.
pub const WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// For how long a repeated request is answered its first run, unless said otherwise: 24 hours.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// Fields of the input that one key is made of at most.
pub const FIELDS_MAX: usize = 16;
/// Bytes of a text given as a key, of a pointer to a field and of an idempotency key at most.
pub const TEXT_BYTES_MAX: usize = 200;

/// Of what a key is made, beside the tenant and the job type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UniqueBy {
    /// The whole input, however it is written.
    #[default]
    Input,
    /// The values at these JSON pointers of the input, in whatever order: 1 to [`FIELDS_MAX`].
    /// A field that is absent counts as absent, which differs from `null`.
    Fields(Vec<String>),
    /// This text, 1 to [`TEXT_BYTES_MAX`] bytes without control characters.
    Text(String),
}

/// A wish that there be one such run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UniqueRequest {
    /// What is the same in two runs that are the same.
    pub by: UniqueBy,
    /// How long there is to be one. Until it has ended.
    pub scope: UniqueScope,
    /// What becomes of a second one. It is not stored.
    pub on_conflict: OnConflict,
}

/// A caller's name for one request, which it may repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The name, 1 to [`TEXT_BYTES_MAX`] bytes without control characters; the tenant's own.
    pub text: String,
    /// For how long it is known: [`IDEMPOTENCY_WINDOW`], or between [`WINDOW_MIN`] and
    /// [`WINDOW_MAX`].
    pub window: Duration,
}

impl IdempotencyKey {
    /// A name that is known for the usual time.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), window: IDEMPOTENCY_WINDOW }
    }
}

/// A wish for uniqueness that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUnique {
    /// The window is too short or too long.
    #[error("a window of {0:?} is out of bounds: use 1 second to 30 days")]
    Window(Duration),
    /// No or too many fields.
    #[error("{0} fields make no key: use 1 to {FIELDS_MAX}")]
    Fields(usize),
    /// No JSON pointer.
    #[error("{0:?} is no JSON pointer: begin with '/', such as /customer/id, 200 bytes at most")]
    Pointer(String),
    /// A text that is empty, too long or not plain.
    #[error("{0:?} is no key: use 1 to {TEXT_BYTES_MAX} bytes without control characters")]
    Text(String),
}

impl UniqueRequest {
    /// What it means for this input.
    pub fn of(
        &self,
        tenant: &TenantId,
        job_type: &JobType,
        input: &Json,
    ) -> Result<Unique, InvalidUnique> {
        match &self.by {
            UniqueBy::Input => {}
            UniqueBy::Text(text) => check_text(text)?,
            UniqueBy::Fields(pointers) => {
                if pointers.is_empty() || pointers.len() > FIELDS_MAX {
                    return Err(InvalidUnique::Fields(pointers.len()));
                }
                pointers.iter().try_for_each(|pointer| check_pointer(pointer))?;
            }
        }
        if let UniqueScope::For(window) = self.scope {
            check_window(window)?;
        }
        let key = unique_key(tenant, job_type, &self.by, input);
        Ok(Unique { key, scope: self.scope, on_conflict: self.on_conflict })
    }
}

impl IdempotencyKey {
    /// What it means for this request.
    pub fn of(
        &self,
        tenant: &TenantId,
        job_type: &JobType,
        input: &Json,
    ) -> Result<Idempotency, InvalidUnique> {
        check_text(&self.text)?;
        check_window(self.window)?;
        Ok(Idempotency {
            key: idempotency_key(tenant, &self.text),
            window: self.window,
            fingerprint: fingerprint(job_type, input),
        })
    }
}

fn check_window(window: Duration) -> Result<(), InvalidUnique> {
    let fits = (WINDOW_MIN..=WINDOW_MAX).contains(&window);
    fits.then_some(()).ok_or(InvalidUnique::Window(window))
}

fn check_text(text: &str) -> Result<(), InvalidUnique> {
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    let fits = plain && text.len() <= TEXT_BYTES_MAX;
    fits.then_some(()).ok_or_else(|| InvalidUnique::Text(shortened(text)))
}

fn check_pointer(pointer: &str) -> Result<(), InvalidUnique> {
    let fits = pointer.starts_with('/') && pointer.len() <= TEXT_BYTES_MAX;
    fits.then_some(()).ok_or_else(|| InvalidUnique::Pointer(shortened(pointer)))
}

fn shortened(text: &str) -> String {
    const SHOWN_MAX: usize = 80;
    text.chars().take(SHOWN_MAX).collect()
}
