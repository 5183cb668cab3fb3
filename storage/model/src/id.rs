//! Names and identifiers, each checked once when it is made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A name that breaks the rules for its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {name:?}: {rule}")]
pub struct InvalidName {
    /// What the name was meant for, such as `job type`.
    pub kind: &'static str,
    /// The name as it came, shortened to 80 characters.
    pub name: String,
    /// The rule, as a person would read it.
    pub rule: &'static str,
}

const NAME_BYTES_MAX: usize = 100;
const NAME_RULE: &str =
    "use 1 to 100 of a-z, A-Z, 0-9, '.', '_', '-', beginning with a letter or digit";

fn check_name(kind: &'static str, name: &str) -> Result<(), InvalidName> {
    let mut bytes = name.bytes();
    let begins_well = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let goes_on_well = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if begins_well && goes_on_well && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(InvalidName { kind, name: name.chars().take(80).collect(), rule: NAME_RULE })
}

const TEXT_BYTES_MAX: usize = 200;
const TEXT_RULE: &str = "use 1 to 200 bytes without control characters";

fn check_text(kind: &'static str, text: &str) -> Result<(), InvalidName> {
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    if plain && text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(InvalidName { kind, name: text.chars().take(80).collect(), rule: TEXT_RULE })
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes the text.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidName> {
                let text = text.as_ref();
                $check($kind, text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

checked_text!(
    /// What a plugin calls one kind of job it can do, such as `thumbnail`.
    JobType, "job type", check_name
);
checked_text!(
    /// A named line in which runs wait.
    QueueName, "queue name", check_name
);
checked_text!(
    /// The unit of isolation, quota and fairness.
    TenantId, "tenant", check_name
);
checked_text!(
    /// A label on runs and definitions, for finding them.
    Tag, "tag", check_text
);
checked_text!(
    /// Ties runs to something outside, such as a request id.
    CorrelationId, "correlation id", check_text
);
checked_text!(
    /// What runs of a job type share a limit by, such as a customer's number.
    LimitKey, "limit key", check_text
);
checked_text!(
    /// What a batch is called, for people.
    BatchName, "batch name", check_text
);
checked_text!(
    /// What a job calls one of its steps.
    StepName, "step name", check_text
);
checked_text!(
    /// What a signal to a run is called.
    SignalName, "signal name", check_text
);

impl QueueName {
    /// The queue of whoever names none: `default`.
    pub fn standard() -> Self {
        Self("default".into())
    }
}

impl TenantId {
    /// The tenant of whoever names none: `default`.
    pub fn standard() -> Self {
        Self("default".into())
    }
}

checked_text!(
    /// What a schedule is called, within a tenant.
    ScheduleName,
    "schedule name",
    check_name
);

checked_text!(
    /// What a calendar is called, within a tenant.
    CalendarName,
    "calendar name",
    check_name
);
checked_text!(
    /// What a template is called, within a tenant.
    TemplateName,
    "template name",
    check_name
);

checked_text!(
    /// What a parameter of a template is called.
    ParameterName,
    "parameter name",
    check_name
);

checked_text!(
    /// What a webhook is called, within a tenant.
    WebhookName,
    "webhook name",
    check_name
);

const WORD_BYTES_MAX: usize = 40;
const WORD_RULE: &str = "use 1 to 40 of a-z and '-', beginning with a letter";

fn check_word(kind: &'static str, word: &str) -> Result<(), InvalidName> {
    let begins_well = word.starts_with(|c: char| c.is_ascii_lowercase());
    let goes_on_well = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if begins_well && goes_on_well && word.len() <= WORD_BYTES_MAX {
        return Ok(());
    }
    Err(InvalidName { kind, name: word.chars().take(80).collect(), rule: WORD_RULE })
}

checked_text!(
    /// What a document is for, such as `calendar`.
    DocumentKind, "document kind", check_word
);
checked_text!(
    /// What a document is called, among those of its kind and owner.
    DocumentName, "document name", check_text
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// Names one run: a UUID v7, so that ids sort by the time of submission.
    RunId
);
uuid_id!(
    /// Names one batch: a UUID v7, so that ids sort by the time of creation.
    BatchId
);
uuid_id!(
    /// Names one host process that claims runs, anew at every start.
    WorkerId
);

/// Counts the claims of a run. Every write that an attempt causes carries the
/// number it was claimed under, and is refused once a later claim was made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Lease(pub u32);

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One attempt's right to write to its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseKey {
    /// The run.
    pub run: RunId,
    /// The claim's number.
    pub lease: Lease,
}

/// The SHA-256 of a component's bytes: which code it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough for people to tell versions apart.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            kind: "digest",
            name: text.chars().take(80).collect(),
            rule: "use 64 hexadecimal digits",
        };
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_could_escape_a_path_or_a_key() {
        for bad in ["", "..", "a/b", "a b", "-a", "_a", "a\n", "ä", &"a".repeat(101)] {
            assert!(JobType::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["a", "A.b_c-9", "9lives", &"a".repeat(100)] {
            assert_eq!(JobType::new(good).expect("a good name").as_str(), good);
        }
    }

    #[test]
    fn a_kind_of_documents_is_one_short_word() {
        for bad in ["", "-a", "A", "a1", "a b", "a:b", &"a".repeat(41)] {
            assert!(DocumentKind::new(bad).is_err(), "{bad:?} was taken");
        }
        assert!(DocumentKind::new("api-token").is_ok());
    }

    #[test]
    fn a_digest_survives_its_own_text() {
        let digest = Digest::of(b"zap");
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        assert!("zz".repeat(32).parse::<Digest>().is_err());
        assert_eq!(digest.short().len(), 12);
    }
}
