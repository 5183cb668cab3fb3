//! What one attempt may use. Everything is limited unless an operator widens it.
//!
//! **Invariant:** [`Limits::FIELDS`] tells of every limit, so that settings, manifests and
//! reports know the same ones.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitUnit {
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Things.
    Count,
}

/// One of the [`Limits`].
#[derive(Debug, Clone)]
pub struct LimitField {
    /// Its name, the same in manifests, messages and JSON.
    pub name: &'static str,
    /// What it counts.
    pub unit: LimitUnit,
    /// What an operator may set.
    pub bounds: RangeInclusive<u64>,
    /// Its value.
    pub get: fn(&Limits) -> u64,
    /// Sets it.
    pub set: fn(&mut Limits, u64),
}

macro_rules! limits {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $unit:ident, $default:expr, $bounds:expr;
    )+) => {
        /// What one attempt may use at most. Every value counts over the whole attempt.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Every limit, in the order of the fields.
            pub const FIELDS: &'static [LimitField] = &[$(LimitField {
                name: stringify!($name),
                unit: LimitUnit::$unit,
                bounds: $bounds,
                get: |limits| limits.$name,
                set: |limits, value| limits.$name = value,
            },)+];
        }
    };
}

limits! {
    /// Bytes of all linear memories and tables together. 128 MiB.
    memory_bytes_max: Bytes, 128 * MIB, 64 * KIB..=4 * GIB;
    /// Milliseconds of guest code; host calls and waits do not count. 60,000.
    cpu_ms_max: Milliseconds, MINUTE_MS, 1..=DAY_MS;
    /// Milliseconds from start to end, host calls and waits included. 300,000.
    wall_ms_max: Milliseconds, 5 * MINUTE_MS, 1..=30 * DAY_MS;
    /// Bytes of input. 1 MiB.
    input_bytes_max: Bytes, MIB, 1..=16 * MIB;
    /// Bytes of output. 1 MiB.
    output_bytes_max: Bytes, MIB, 1..=16 * MIB;
    /// Bytes that the guest may pass to the host in one call, its output apart. 8 MiB.
    hostcall_bytes_max: Bytes, 8 * MIB, 64 * KIB..=64 * MIB;
    /// Host resources (streams, files, timers, requests) held at a time. 1,000.
    handles_max: Count, 1_000, 16..=100_000;
    /// Bytes of log text (messages, categories, fields). 1 MiB.
    log_bytes_max: Bytes, MIB, 0..=64 * MIB;
    /// Log lines. 10,000.
    log_lines_max: Count, 10_000, 0..=1_000_000;
    /// Bytes of one log line; the rest is cut and said. 16 KiB.
    log_line_bytes_max: Bytes, 16 * KIB, 64..=MIB;
    /// Log lines per second, once the burst is used up. 500.
    log_lines_per_second_max: Count, 500, 1..=1_000_000;
    /// Log lines that may come at once after a silence. 2,000.
    log_lines_burst_max: Count, 2_000, 1..=1_000_000;
    /// Progress reports per second that are passed on; of more, only the newest is. 20.
    progress_per_second_max: Count, 20, 1..=10_000;
    /// Bytes of a progress message; the rest is cut. 1 KiB.
    progress_message_bytes_max: Bytes, KIB, 0..=64 * KIB;
    /// Files open at a time in granted directories. 64.
    open_files_max: Count, 64, 0..=10_000;
    /// Files and directories created in granted directories. 1,000.
    files_created_max: Count, 1_000, 0..=1_000_000;
    /// Bytes written to files in granted directories. 100 MiB.
    file_bytes_written_max: Bytes, 100 * MIB, 0..=1024 * GIB;
    /// Outbound HTTP requests, redirects that the guest follows included. 100.
    http_requests_max: Count, 100, 0..=1_000_000;
    /// Outbound HTTP requests under way at a time. 8.
    http_open_max: Count, 8, 1..=1_000;
    /// Bytes of a request's URL. 8 KiB.
    http_url_bytes_max: Bytes, 8 * KIB, 16..=64 * KIB;
    /// Header fields of a request or an answer. 100.
    http_headers_max: Count, 100, 1..=1_000;
    /// Bytes of all header fields of a request or an answer. 32 KiB.
    http_header_bytes_max: Bytes, 32 * KIB, KIB..=MIB;
    /// Bytes of one request's body. 10 MiB.
    http_request_bytes_max: Bytes, 10 * MIB, 0..=GIB;
    /// Bytes of one answer's body. 10 MiB.
    http_response_bytes_max: Bytes, 10 * MIB, 0..=GIB;
    /// Bytes of all requests' bodies. 50 MiB.
    http_sent_bytes_max: Bytes, 50 * MIB, 0..=1024 * GIB;
    /// Bytes of all answers' bodies. 50 MiB.
    http_received_bytes_max: Bytes, 50 * MIB, 0..=1024 * GIB;
    /// Milliseconds to look a name up, connect and shake hands. 5,000.
    http_connect_ms_max: Milliseconds, 5_000, 1..=10 * MINUTE_MS;
    /// Milliseconds until an answer's header is there, and between two parts of its body.
    /// 30,000.
    http_first_byte_ms_max: Milliseconds, 30_000, 1..=60 * MINUTE_MS;
    /// Milliseconds from a request's start to its answer's end. 60,000.
    http_exchange_ms_max: Milliseconds, MINUTE_MS, 1..=DAY_MS;
    /// Children that one attempt may ask for. 1,000.
    children_max: Count, 1_000, 0..=10_000;
}

/// Limits that are named, to make others stricter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Narrowing(BTreeMap<&'static str, u64>);

/// A limit that there is not, or a value that it cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLimit(String);

impl Narrowing {
    /// Sets one of the limits.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), InvalidLimit> {
        let field = LimitField::named(name)?;
        self.0.insert(field.name, field.checked(value)?);
        Ok(())
    }

    /// The limits that are named, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, value)| (*name, *value))
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Field by field, so that an error has the place of the field that is wrong.
impl<'de> Deserialize<'de> for Narrowing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NarrowingVisitor)
    }
}

struct NarrowingVisitor;

impl<'de> Visitor<'de> for NarrowingVisitor {
    type Value = Narrowing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("limits with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Narrowing, A::Error> {
        let mut narrowing = Narrowing::default();
        while let Some(Named(field)) = map.next_key()? {
            narrowing.0.insert(field.name, map.next_value_seed(Within(field))?);
        }
        Ok(narrowing)
    }
}

/// A limit's name.
struct Named(&'static LimitField);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        LimitField::named(&name).map(Self).map_err(de::Error::custom)
    }
}

/// A value within a limit's bounds.
struct Within(&'static LimitField);

impl<'de> DeserializeSeed<'de> for Within {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        self.0.checked(u64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl LimitField {
    /// The limit with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Limits::FIELDS.iter().find(|field| field.name == name)
    }

    fn named(name: &str) -> Result<&'static Self, InvalidLimit> {
        Self::find(name).ok_or_else(|| {
            let known: Vec<_> = Limits::FIELDS.iter().map(|field| field.name).collect();
            InvalidLimit(format!("there is no limit {name:?}: use one of {}", known.join(", ")))
        })
    }

    fn checked(&self, value: u64) -> Result<u64, InvalidLimit> {
        if self.bounds.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (self.bounds.start(), self.bounds.end());
        Err(InvalidLimit(format!("{} is {value}: use {least} to {most}", self.name)))
    }
}

impl Limits {
    /// The guest's time on the processor.
    pub const fn cpu_max(&self) -> Duration {
        Duration::from_millis(self.cpu_ms_max)
    }

    /// The time from start to end.
    pub const fn wall_max(&self) -> Duration {
        Duration::from_millis(self.wall_ms_max)
    }

    /// These limits, each made as strict as `narrowing` says where it says something. It cannot
    /// widen any.
    pub fn narrowed(mut self, narrowing: &Narrowing) -> Self {
        for (name, value) in narrowing.iter() {
            if let Some(field) = LimitField::find(name) {
                let stricter = value.min((field.get)(&self));
                (field.set)(&mut self, stricter);
            }
        }
        self
    }

    /// These limits, with the wall clock narrowed to a job's own timeout where it has one.
    /// A job cannot widen what the operator set.
    pub fn with_timeout(mut self, timeout_ms: Option<u64>) -> Self {
        self.wall_ms_max = timeout_ms.map_or(self.wall_ms_max, |own| own.min(self.wall_ms_max));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_bounds() {
        let limits = Limits::default();
        for field in Limits::FIELDS {
            let value = (field.get)(&limits);
            assert!(field.bounds.contains(&value), "{} = {value}", field.name);
        }
    }

    #[test]
    fn every_field_reads_what_it_sets() {
        for field in Limits::FIELDS {
            let mut limits = Limits::default();
            (field.set)(&mut limits, 12_345);
            let changed: Vec<_> = Limits::FIELDS
                .iter()
                .filter(|other| (other.get)(&limits) != (other.get)(&Limits::default()))
                .map(|other| other.name)
                .collect();
            assert_eq!(changed, [field.name]);
        }
    }

    #[test]
    fn the_stricter_limit_wins() {
        let mut narrowing = Narrowing::default();
        narrowing.set("cpu_ms_max", 10).expect("a limit");
        narrowing.set("wall_ms_max", DAY_MS).expect("a limit");
        let limits = Limits::default().narrowed(&narrowing);
        assert_eq!(limits, Limits { cpu_ms_max: 10, ..Limits::default() });
    }

    #[test]
    fn what_cannot_be_set_is_told_with_what_can() {
        let mut narrowing = Narrowing::default();
        let unknown = narrowing.set("cpu_max", 1).expect_err("no such limit").to_string();
        assert!(unknown.contains("cpu_ms_max"), "{unknown}");
        let zero = narrowing.set("cpu_ms_max", 0).expect_err("too little").to_string();
        assert_eq!(zero, "cpu_ms_max is 0: use 1 to 86400000");
        assert!(narrowing.is_empty());
    }
}
