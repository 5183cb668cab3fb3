//! A policy in plain words, such as `up to 3 attempts, waiting 1s, doubled up to 1h, ±20%`.

use std::fmt;

use super::{Backoff, RetryPolicy};

/// Waits of a list that are told at most.
const LISTED_TOLD_MAX: usize = 6;

impl fmt::Display for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.max_attempts == 1 {
            return f.write_str("never: one attempt");
        }
        let (base, cap) = (span(self.base_ms), span(self.cap_ms));
        write!(f, "up to {} attempts, waiting ", self.max_attempts)?;
        match self.kind {
            Backoff::Exponential => write!(f, "{base}, doubled up to {cap}")?,
            Backoff::Linear => write!(f, "{base} more each time, up to {cap}")?,
            Backoff::Fixed => write!(f, "{base} each time")?,
            Backoff::Listed => {
                let told = self.delays_ms.iter().take(LISTED_TOLD_MAX).copied().map(span);
                f.write_str(&told.collect::<Vec<_>>().join(", "))?;
                match self.delays_ms.len().saturating_sub(LISTED_TOLD_MAX) {
                    0 => {}
                    more => write!(f, " and {more} more")?,
                }
            }
        }
        let percent = (self.jitter * 100.0).round();
        if percent > 0.0 {
            write!(f, ", \u{b1}{percent}%")?;
        }
        if !self.not_retried.is_empty() {
            let named: Vec<String> = self.not_retried.iter().map(ToString::to_string).collect();
            write!(f, "; not after {}", named.join(", "))?;
        }
        Ok(())
    }
}

/// A span in its largest units: `1h30m`, `250ms`.
fn span(ms: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    if ms == 0 {
        return "0s".to_owned();
    }
    let (mut text, mut left) = (String::new(), ms);
    for (name, unit) in UNITS {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    text
}
