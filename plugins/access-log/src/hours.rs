//! Requests per hour of the calendar, in the log's own time zone.
//!
//! **Invariant:** at most [`HOURS_MAX`] hours are kept; what falls outside is counted.
//! Neighbouring lines are mostly of the same hour, so that a line costs one comparison.

use std::collections::BTreeMap;

/// Hours that are kept: 90 days.
pub const HOURS_MAX: usize = 90 * 24;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// What happened in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hour {
    /// Requests.
    pub requests: u64,
    /// Requests answered with 500 to 599.
    pub server_errors: u64,
}

/// Counts by hour.
#[derive(Debug, Default)]
pub struct Hours {
    /// By name, such as `2026-11-14T09`.
    hours: BTreeMap<String, Hour>,
    /// The hour of the line before, as the log writes it, and its counts so far.
    latest: [u8; 14],
    counts: Hour,
    left_out: u64,
}

impl Hours {
    /// Adds a request of the hour `14/Nov/2026:09`. Anything else is left out and counted.
    pub fn add(&mut self, hour: &[u8], is_server_error: bool) {
        if hour != self.latest {
            self.settle();
            self.latest = hour.try_into().unwrap_or_default();
        }
        self.counts.requests += 1;
        self.counts.server_errors += u64::from(is_server_error);
    }

    /// All hours by time, and how many requests are in none of them.
    pub fn finish(mut self) -> (BTreeMap<String, Hour>, u64) {
        self.settle();
        (self.hours, self.left_out)
    }

    fn settle(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        if counts.requests == 0 {
            return;
        }
        let kept = name(&self.latest)
            .filter(|name| self.hours.len() < HOURS_MAX || self.hours.contains_key(name));
        match kept {
            None => self.left_out += counts.requests,
            Some(name) => {
                let hour = self.hours.entry(name).or_default();
                hour.requests += counts.requests;
                hour.server_errors += counts.server_errors;
            }
        }
    }
}

/// `14/Nov/2026:09` as `2026-11-14T09`, which sorts by time.
fn name(hour: &[u8; 14]) -> Option<String> {
    let digits = |from: usize, to: usize| {
        std::str::from_utf8(&hour[from..to])
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let month = MONTHS.iter().position(|month| month[..] == hour[3..6])? + 1;
    let (day, year, hour) = (digits(0, 2)?, digits(7, 11)?, digits(12, 14)?);
    Some(format!("{year}-{month:02}-{day}T{hour}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_by_time_whatever_the_order_of_lines() {
        let mut hours = Hours::default();
        hours.add(b"01/Dec/2026:00", false);
        hours.add(b"30/Nov/2026:23", true);
        hours.add(b"01/Dec/2026:00", false);
        let (hours, left_out) = hours.finish();
        let counts: Vec<_> =
            hours.iter().map(|(name, hour)| (name.as_str(), hour.requests)).collect();
        assert_eq!(counts, [("2026-11-30T23", 1), ("2026-12-01T00", 2)]);
        assert_eq!((hours["2026-11-30T23"].server_errors, left_out), (1, 0));
    }

    #[test]
    fn hours_past_the_bound_and_no_hours_are_counted_as_left_out() {
        let mut hours = Hours::default();
        for year in 0..=HOURS_MAX {
            hours.add(format!("01/Jan/{year:04}:00").as_bytes(), false);
        }
        hours.add(b"01/Jan/0000:00", false);
        hours.add(b"xx/Jan/2026:00", false);
        let (hours, left_out) = hours.finish();
        assert_eq!((hours.len(), left_out), (HOURS_MAX, 2));
        assert_eq!(hours["0000-01-01T00"].requests, 2);
    }
}
