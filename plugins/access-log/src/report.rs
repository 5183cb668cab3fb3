//! The report: what an analysis came to, as data. [`crate::markdown`] writes it for people.
//!
//! **Invariant:** its size is bounded: at most 100 names of 256 bytes in each of four
//! lists, and [`crate::hours::HOURS_MAX`] hours.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Analysis;
use crate::latency::Latency;
use crate::space_saving::SpaceSaving;

/// What one or more access logs say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The files that were read.
    pub files: Vec<String>,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Lines that are not empty.
    pub lines: u64,
    /// Lines that are not in the format.
    pub malformed_lines: u64,
    /// Requests: lines in the format.
    pub requests: u64,
    /// Bytes sent, as the log says.
    pub response_bytes: u64,
    /// Requests by class of status, `1xx` to `5xx`.
    pub status_classes: BTreeMap<String, u64>,
    /// Requests by status.
    pub statuses: BTreeMap<u16, u64>,
    /// The share of requests answered with 400 to 499, 0 to 1.
    pub client_error_rate: f64,
    /// The share of requests answered with 500 to 599, 0 to 1.
    pub server_error_rate: f64,
    /// How long answers took; absent where the log does not say.
    pub request_time: Option<RequestTime>,
    /// The paths asked for most often.
    pub top_paths: Vec<Top>,
    /// The paths that failed most often, with 400 or above.
    pub top_failing_paths: Vec<Top>,
    /// The clients that asked most often.
    pub top_clients: Vec<Top>,
    /// Requests by robots and scripts.
    pub robots: Robots,
    /// The hour with the most requests.
    pub busiest_hour: Option<String>,
    /// Requests by hour, in the log's own time zone.
    pub hours: Vec<HourReport>,
    /// Requests in none of the hours, because there were more than 2,160.
    pub requests_without_hour: u64,
}

/// How long answers took, in milliseconds. Percentiles are at most 1.6 % too high.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestTime {
    /// Requests whose time the log has.
    pub requests: u64,
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// What nine in ten do not exceed.
    pub p90_ms: f64,
    /// What 99 in 100 do not exceed.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// A frequent name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Top {
    /// The path, address or user agent, at most 256 bytes of it.
    pub name: String,
    /// Its requests; never too few.
    pub requests: u64,
    /// By how much `requests` may be too many; 0 where it is exact.
    pub too_many_by_max: u64,
}

/// Requests by robots and scripts, as far as their user agent says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Robots {
    /// Their requests.
    pub requests: u64,
    /// Their share of all requests, 0 to 1.
    pub share: f64,
    /// The user agents that asked most often.
    pub top: Vec<Top>,
}

/// An hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HourReport {
    /// Such as `2026-11-14T09`.
    pub hour: String,
    /// Requests.
    pub requests: u64,
    /// Requests answered with 500 to 599.
    pub server_errors: u64,
}

impl Report {
    /// Reads out an analysis of `files`, with lists of at most `top_max` names.
    pub fn new(analysis: Analysis, files: Vec<String>, bytes_read: u64, top_max: usize) -> Self {
        let (lines, requests, malformed_lines) = analysis.line_counts();
        let share = |count: u64| if requests == 0 { 0.0 } else { count as f64 / requests as f64 };
        let classes: Vec<u64> =
            analysis.by_status.chunks(100).map(|class| class.iter().sum()).collect();
        let (hours, requests_without_hour) = analysis.hours.finish();
        let busiest = hours.iter().max_by_key(|(_, hour)| hour.requests);
        Self {
            files,
            bytes_read,
            lines,
            malformed_lines,
            requests,
            response_bytes: analysis.response_bytes,
            status_classes: (1..6).map(|class| (format!("{class}xx"), classes[class])).collect(),
            statuses: (0..).zip(analysis.by_status).filter(|(_, count)| *count > 0).collect(),
            client_error_rate: share(classes[4]),
            server_error_rate: share(classes[5]),
            request_time: RequestTime::new(&analysis.latency),
            top_paths: top(&analysis.paths, top_max),
            top_failing_paths: top(&analysis.failing_paths, top_max),
            top_clients: top(&analysis.clients, top_max),
            robots: Robots {
                requests: analysis.robot_requests,
                share: share(analysis.robot_requests),
                top: top(&analysis.robots, top_max),
            },
            busiest_hour: busiest.map(|(name, _)| name.clone()),
            hours: hours
                .into_iter()
                .map(|(hour, counts)| HourReport {
                    hour,
                    requests: counts.requests,
                    server_errors: counts.server_errors,
                })
                .collect(),
            requests_without_hour,
        }
    }
}

impl RequestTime {
    fn new(latency: &Latency) -> Option<Self> {
        let ms = |us: u64| us as f64 / 1_000.0;
        (latency.count() > 0).then(|| Self {
            requests: latency.count(),
            mean_ms: ms(latency.mean_us()),
            p50_ms: ms(latency.percentile_us(50.0)),
            p90_ms: ms(latency.percentile_us(90.0)),
            p99_ms: ms(latency.percentile_us(99.0)),
            max_ms: ms(latency.max_us()),
        })
    }
}

fn top(counted: &SpaceSaving, top_max: usize) -> Vec<Top> {
    let frequent = counted.top(top_max).into_iter();
    frequent
        .map(|one| Top {
            name: String::from_utf8_lossy(one.key).into_owned(),
            requests: one.count,
            too_many_by_max: one.too_high_by_max,
        })
        .collect()
}
