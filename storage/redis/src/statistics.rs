//! What happened in each hour and each day.

use std::collections::BTreeMap;

use zapjobs_model::Timestamp;
use zapjobs_storage::{Result, Storage as _};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{describe, invalid};

/// Spans that are read at once at most.
pub const SPANS_MAX: usize = 400;

/// The length of the spans that events are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Hours, kept for 14 days.
    Hour,
    /// Days in UTC, kept for 400 days.
    Day,
}

/// What happened in one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanCounts {
    /// When the span began.
    pub from: Timestamp,
    /// How many runs were `enqueued`, `claimed`, `completed`, `failed`, `cancelled`, `retried`
    /// (an attempt failed, another waits) or `put-back` (snoozed, handed back or lost). What
    /// did not happen is left out.
    pub counts: BTreeMap<String, u64>,
}

impl Span {
    const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn micros(self) -> i64 {
        match self {
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }
}

impl RedisStorage {
    /// What happened in the latest `count` spans, the present one included, oldest first. At
    /// most [`SPANS_MAX`].
    pub async fn statistics(&self, span: Span, count: usize) -> Result<Vec<SpanCounts>> {
        const OPERATION: &str = "read statistics";
        if count > SPANS_MAX {
            let message = format!("{count} spans were asked for, {SPANS_MAX} are allowed");
            return Err(invalid(OPERATION, message));
        }
        let present = self.now().await?.as_micros().div_euclid(span.micros());
        let spans = || (0..i64::try_from(count).unwrap_or(0)).rev().map(|ago| present - ago);
        let mut commands = redis::pipe();
        for number in spans() {
            let key = self.keys.named(&format!("stats:{}:{number}", span.name()));
            commands.cmd("HGETALL").arg(key);
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let answers = self.link.read(&commands).await;
        let answers = answers.map_err(|error| describe(OPERATION, &error))?;
        let mut all = Vec::with_capacity(count);
        for (number, answer) in spans().zip(&answers) {
            let mut counts = BTreeMap::new();
            for (what, times) in Answer::of(OPERATION, answer).fields()? {
                let times = std::str::from_utf8(times).ok().and_then(|text| text.parse().ok());
                if let Some(times) = times {
                    counts.insert(String::from_utf8_lossy(what).into_owned(), times);
                }
            }
            all.push(SpanCounts { from: Timestamp::from_micros(number * span.micros()), counts });
        }
        Ok(all)
    }
}
