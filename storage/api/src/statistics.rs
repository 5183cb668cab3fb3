//! What happened to runs, summed by hour, by day and for ever.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zapjobs_model::{QueueName, RunStatus, TenantId, Timestamp, Transition};

/// Spans in one answer at most.
pub const SPANS_MAX: usize = 400;

/// The length of the spans that happenings are summed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// Hours, which begin with UTC's.
    Hour,
    /// Days, which begin with UTC's.
    Day,
    /// All time, as one span that begins with 1970.
    Total,
}

/// Which sums to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsRequest {
    /// Summed by what.
    pub span: Span,
    /// The latest so many spans, the present one included, 1 to [`SPANS_MAX`]. Has no meaning
    /// for [`Span::Total`].
    pub latest: usize,
    /// Of this tenant; of all where absent.
    pub tenant: Option<TenantId>,
    /// Of this queue; of all where absent.
    pub queue: Option<QueueName>,
}

/// What happened in one span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanStatistics {
    /// When the span began.
    pub from: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub activity: Activity,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Activity {
    /// Runs were stored, by whomever.
    pub enqueued: u64,
    /// Attempts began: runs were claimed.
    pub started: u64,
    /// Runs ended well.
    pub completed: u64,
    /// Runs ended badly.
    pub failed: u64,
    /// Runs ended on request, waiting ones included.
    pub cancelled: u64,
    /// Attempts failed and another waits.
    pub retried: u64,
    /// Attempts ended without a result, and their runs became pending, scheduled or held:
    /// snoozed, handed back or lost.
    pub put_back: u64,
    /// CPU time of the attempts that ended, in microseconds.
    pub cpu_us: u64,
    /// Wall-clock time of the attempts that ended, in microseconds.
    pub wall_us: u64,
}

impl Span {
    /// When the span that holds an instant began.
    pub fn begin(self, instant: Timestamp) -> Timestamp {
        let Some(length) = self.length() else { return Timestamp::from_micros(0) };
        let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(instant.as_micros().div_euclid(length) * length)
    }

    /// When the first of the latest so many spans began, the one that holds `now` included.
    pub fn begin_of_latest(self, latest: usize, now: Timestamp) -> Timestamp {
        let before = u32::try_from(latest.saturating_sub(1)).unwrap_or(u32::MAX);
        let length = self.length().unwrap_or_default();
        self.begin(now).minus(length.saturating_mul(before))
    }

    /// How long it is; `None` for all time.
    pub const fn length(self) -> Option<Duration> {
        match self {
            Self::Hour => Some(Duration::from_secs(3_600)),
            Self::Day => Some(Duration::from_secs(86_400)),
            Self::Total => None,
        }
    }
}

impl Activity {
    /// What a transition counts as, once it is applied.
    pub fn of_transition(transition: &Transition) -> Self {
        let mut activity = Self {
            cpu_us: transition.usage.cpu_us,
            wall_us: transition.usage.wall_us,
            ..Self::default()
        };
        match transition.status {
            RunStatus::Completed => activity.completed = 1,
            RunStatus::Failed => activity.failed = 1,
            RunStatus::Cancelled => activity.cancelled = 1,
            RunStatus::AwaitingRetry => activity.retried = 1,
            // No transition leads to `Running`.
            RunStatus::Pending | RunStatus::Scheduled | RunStatus::Running | RunStatus::Held => {
                activity.put_back = 1;
            }
        }
        activity
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.values_mut().into_iter().zip(other.values()) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Whether nothing happened.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// All sums, in the order of [`Activity::NAMES`].
    pub const fn values(&self) -> [u64; 9] {
        [
            self.enqueued,
            self.started,
            self.completed,
            self.failed,
            self.cancelled,
            self.retried,
            self.put_back,
            self.cpu_us,
            self.wall_us,
        ]
    }

    /// The same, to be changed.
    pub const fn values_mut(&mut self) -> [&mut u64; 9] {
        [
            &mut self.enqueued,
            &mut self.started,
            &mut self.completed,
            &mut self.failed,
            &mut self.cancelled,
            &mut self.retried,
            &mut self.put_back,
            &mut self.cpu_us,
            &mut self.wall_us,
        ]
    }

    /// The names of all sums, as columns and fields are called.
    pub const NAMES: [&'static str; 9] = [
        "enqueued",
        "started",
        "completed",
        "failed",
        "cancelled",
        "retried",
        "put_back",
        "cpu_us",
        "wall_us",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn spans_begin_with_utcs() {
        let at = Timestamp::from_micros(50 * HOUR_US + 17);
        assert_eq!(Span::Hour.begin(at), Timestamp::from_micros(50 * HOUR_US));
        assert_eq!(Span::Day.begin(at), Timestamp::from_micros(48 * HOUR_US));
        assert_eq!(Span::Total.begin(at), Timestamp::from_micros(0));
        assert_eq!(
            Span::Hour.begin(Timestamp::from_micros(50 * HOUR_US)).as_micros(),
            50 * HOUR_US
        );
    }

    #[test]
    fn the_latest_spans_include_the_present_one() {
        let now = Timestamp::from_micros(50 * HOUR_US + 17);
        assert_eq!(Span::Hour.begin_of_latest(1, now), Span::Hour.begin(now));
        assert_eq!(Span::Hour.begin_of_latest(3, now).as_micros(), 48 * HOUR_US);
        assert_eq!(Span::Day.begin_of_latest(2, now).as_micros(), 24 * HOUR_US);
        assert_eq!(Span::Total.begin_of_latest(9, now).as_micros(), 0);
    }

    #[test]
    fn sums_stand_in_the_order_of_their_names() {
        let mut activity = Activity::default();
        for (at, value) in activity.values_mut().into_iter().enumerate() {
            *value = at as u64 + 1;
        }
        let json = serde_json::to_value(activity).expect("it is plain");
        for (name, value) in Activity::NAMES.iter().zip(activity.values()) {
            assert_eq!(json[name.replace('_', "-")], value, "{name}");
        }
        let once = activity;
        activity.add(&once);
        assert_eq!(activity.values().map(|value| value / 2), once.values());
    }
}
