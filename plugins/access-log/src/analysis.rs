//! Everything that is counted of a log, line by line.
//!
//! **Invariant:** memory is bounded whatever the log holds: about 8 MB at most, with the
//! counters of [`crate::space_saving`] the largest part. [`crate::report`] reads it out.

use crate::agents::Agents;
use crate::hours::Hours;
use crate::latency::Latency;
use crate::line::Entry;
use crate::space_saving::SpaceSaving;

/// Paths and clients that are counted at the same time.
const WIDE_COUNTERS_MAX: usize = 8_192;
/// Failing paths and robots that are counted at the same time.
const NARROW_COUNTERS_MAX: usize = 2_048;
/// Places of malformed lines that are kept.
const MALFORMED_PLACES_MAX: usize = 10;
/// One above the largest status.
const STATUSES: usize = 600;

/// Where a malformed line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
}

/// Counts of one or more logs.
#[derive(Debug)]
pub struct Analysis {
    pub(crate) lines: u64,
    pub(crate) malformed: u64,
    pub(crate) malformed_places: Vec<Place>,
    pub(crate) response_bytes: u64,
    pub(crate) by_status: Vec<u64>,
    pub(crate) paths: SpaceSaving,
    pub(crate) failing_paths: SpaceSaving,
    pub(crate) clients: SpaceSaving,
    pub(crate) robots: SpaceSaving,
    pub(crate) robot_requests: u64,
    pub(crate) hours: Hours,
    pub(crate) latency: Latency,
    agents: Agents,
    file: String,
    line_in_file: u64,
}

impl Analysis {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self {
            lines: 0,
            malformed: 0,
            malformed_places: Vec::new(),
            response_bytes: 0,
            by_status: vec![0; STATUSES],
            paths: SpaceSaving::new(WIDE_COUNTERS_MAX),
            failing_paths: SpaceSaving::new(NARROW_COUNTERS_MAX),
            clients: SpaceSaving::new(WIDE_COUNTERS_MAX),
            robots: SpaceSaving::new(NARROW_COUNTERS_MAX),
            robot_requests: 0,
            hours: Hours::default(),
            latency: Latency::new(),
            agents: Agents::new(),
            file: String::new(),
            line_in_file: 0,
        }
    }

    /// The lines that follow are of this file.
    pub fn begin_file(&mut self, name: &str) {
        name.clone_into(&mut self.file);
        self.line_in_file = 0;
    }

    /// Counts a line; `None` is one that was too long. Empty lines are nothing.
    pub fn add_line(&mut self, line: Option<&[u8]>) {
        self.line_in_file += 1;
        if line.is_some_and(<[u8]>::is_empty) {
            return;
        }
        self.lines += 1;
        match line.and_then(Entry::parse) {
            Some(entry) => self.add(&entry),
            None => self.add_malformed(),
        }
    }

    /// Lines, those in the format, and those not.
    pub fn line_counts(&self) -> (u64, u64, u64) {
        (self.lines, self.lines - self.malformed, self.malformed)
    }

    /// The first malformed lines.
    pub fn malformed_places(&self) -> &[Place] {
        &self.malformed_places
    }

    fn add(&mut self, entry: &Entry<'_>) {
        self.by_status[usize::from(entry.status)] += 1;
        self.response_bytes = self.response_bytes.saturating_add(entry.bytes);
        self.paths.add(entry.path);
        self.clients.add(entry.client);
        self.hours.add(entry.hour, entry.status >= 500);
        if entry.status >= 400 {
            self.failing_paths.add(entry.path);
        }
        if self.agents.is_robot(entry.agent) {
            self.robot_requests += 1;
            self.robots.add(entry.agent);
        }
        if let Some(time_us) = entry.time_us {
            self.latency.add(time_us);
        }
    }

    fn add_malformed(&mut self) {
        self.malformed += 1;
        if self.malformed_places.len() < MALFORMED_PLACES_MAX {
            let place = Place { file: self.file.clone(), line: self.line_in_file };
            self.malformed_places.push(place);
        }
    }
}

impl Default for Analysis {
    fn default() -> Self {
        Self::new()
    }
}
