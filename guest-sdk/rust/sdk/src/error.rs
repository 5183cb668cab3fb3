//! How a job fails. A failure says what it asks for; the host decides what comes of it.

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// Why a job did not return an output, and what it asks for.
///
/// `?` turns any error into one that asks for another attempt, with the error's type as its
/// error type and its sources in its message. For errors that only display, such as
/// `anyhow::Error`, write `.map_err(JobError::retry)?`. Because of the conversion from every
/// error, this type is none itself.
///
/// ```
/// use std::time::Duration;
/// use zapjobs_sdk::JobError;
///
/// fn fetch(status: u16) -> Result<u32, JobError> {
///     match status {
///         200 => Ok("17".parse::<u32>()?),
///         429 => Err(JobError::retry_after(Duration::from_secs(60), "the server is busy")),
///         404 => Err(JobError::permanent("no such page").with_type("not-found")),
///         _ => Err(JobError::retry(format!("the server answered {status}"))),
///     }
/// }
/// # assert_eq!(fetch(200).unwrap(), 17);
/// # assert_eq!(fetch(404).unwrap_err().error_type(), "not-found");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct JobError {
    kind: ErrorKind,
    error_type: Cow<'static, str>,
    message: String,
    details: Option<Value>,
}

/// The error type of a wait that is not over.
const SUSPENDED: &str = "suspended";
/// A span that no host goes by, because it knows the wait.
const SUSPENSION: Duration = Duration::from_secs(1);

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Another attempt: after this long or, where absent, as the retry policy says.
    Retry(Option<Duration>),
    /// No other attempt.
    Permanent,
    /// No failure: run again after this long. It burns no attempt.
    Snooze(Duration),
    /// The job stopped because it was asked to.
    Cancelled,
}

impl JobError {
    /// Asks for another attempt, when the retry policy says.
    pub fn retry<M: fmt::Display>(message: M) -> Self {
        Self::new(ErrorKind::Retry(None), short_name::<M>(), message.to_string())
    }

    /// Asks for another attempt after this long.
    pub fn retry_after<M: fmt::Display>(wait: Duration, message: M) -> Self {
        Self::new(ErrorKind::Retry(Some(wait)), short_name::<M>(), message.to_string())
    }

    /// Fails for good: another attempt would fail as well.
    pub fn permanent<M: fmt::Display>(message: M) -> Self {
        Self::new(ErrorKind::Permanent, short_name::<M>(), message.to_string())
    }

    /// No failure: asks to be run again after this long, which burns no attempt.
    pub fn snooze(wait: Duration) -> Self {
        Self::new(ErrorKind::Snooze(wait), "snooze".into(), String::new())
    }

    /// What a wait that is not over carries out of a job. The host knows what it waits for.
    pub(crate) fn suspended() -> Self {
        Self::new(ErrorKind::Snooze(SUSPENSION), SUSPENDED.into(), String::new())
    }

    /// Whether it is no failure but a wait that is not over: [`Context::sleep`] or
    /// [`Context::wait_signal`]. Let it pass, so that the run waits.
    ///
    /// [`Context::sleep`]: crate::Context::sleep
    /// [`Context::wait_signal`]: crate::Context::wait_signal
    pub fn is_suspension(&self) -> bool {
        matches!(self.kind, ErrorKind::Snooze(_)) && self.error_type == SUSPENDED
    }

    /// The job stopped because it was asked to. See [`check_cancelled`](crate::check_cancelled).
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled".into(), "stopped on request".to_owned())
    }

    /// The same with this error type: a short name to group failures by, at most 200 bytes.
    #[must_use]
    pub fn with_type(mut self, error_type: impl Into<Cow<'static, str>>) -> Self {
        self.error_type = error_type.into();
        self
    }

    /// The same with details for programs; the host drops them where longer than 64 KiB. What
    /// does not serialise is left out.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        self.details = serde_json::to_value(details).ok();
        self
    }

    /// The same, asking for no other attempt.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.kind = ErrorKind::Permanent;
        self
    }

    /// What it asks for.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The short name to group failures by.
    pub fn error_type(&self) -> &str {
        &self.error_type
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More, for programs.
    pub fn details(&self) -> Option<&Value> {
        self.details.as_ref()
    }

    fn new(kind: ErrorKind, error_type: Cow<'static, str>, message: String) -> Self {
        Self { kind, error_type, message, details: None }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

impl<E: Error> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::new(ErrorKind::Retry(None), short_name::<E>(), with_sources(&error))
    }
}

/// Sources in one chain at most; a longer one is cut.
const SOURCES_MAX: usize = 16;

/// The error's text, followed by those of its sources that it does not repeat itself.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    for _ in 0..SOURCES_MAX {
        let Some(cause) = source else { break };
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// A type's name as its users write it: `io::Error`, `ParseIntError`; `error` for plain text.
fn short_name<T>() -> Cow<'static, str> {
    let full = type_name::<T>().trim_start_matches('&');
    let plain = full.split('<').next().unwrap_or(full);
    let name = plain.rsplit("::").next().unwrap_or(plain);
    match name {
        "str" | "String" | "Arguments" => "error".into(),
        "Error" => {
            let mut modules = plain.rsplit("::").skip(1).filter(|module| *module != "error");
            modules.next().map_or(name.into(), |module| format!("{module}::Error").into())
        }
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Outer(io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot save")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn any_error_asks_for_another_attempt_under_its_own_name() {
        let error = JobError::from(io::Error::other("disk full"));
        assert_eq!(error.kind(), ErrorKind::Retry(None));
        assert_eq!(error.error_type(), "io::Error");
        let error = JobError::from("x".parse::<u8>().expect_err("no number"));
        assert_eq!(error.error_type(), "ParseIntError");
        let error = JobError::from(serde_json::from_str::<u8>("").expect_err("no JSON"));
        assert_eq!(error.error_type(), "serde_json::Error");
    }

    #[test]
    fn sources_are_told_once() {
        let error = JobError::from(Outer(io::Error::other("disk full")));
        assert_eq!(error.to_string(), "Outer: cannot save: disk full");
    }

    #[test]
    fn displayed_errors_keep_their_name_and_plain_text_has_none() {
        let error = JobError::permanent(io::Error::other("disk full"));
        assert_eq!((error.error_type(), error.kind()), ("io::Error", ErrorKind::Permanent));
        assert_eq!(JobError::retry("no").error_type(), "error");
        assert_eq!(JobError::retry(String::from("no")).error_type(), "error");
        assert_eq!(JobError::retry(format_args!("{}", 1)).error_type(), "error");
    }
}
