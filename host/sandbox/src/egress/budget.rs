//! What one attempt may send and receive, over all its requests.
//!
//! **Invariant:** bytes are counted before they go on, in either direction; what would exceed
//! a limit does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;
use wasmtime_wasi_http::Error;
use zapjobs_model::{Limits, Usage};

use super::Failure;

/// The counts of one attempt.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    asked: AtomicU64,
    sent: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    /// A permit for each request under way.
    pub(crate) places: Arc<Semaphore>,
}

impl Budget {
    /// Nothing used yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        let open_max = usize::try_from(limits.http_open_max).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            limits: *limits,
            asked: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(open_max.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Counts a request that the guest asks for, whatever becomes of it.
    pub(crate) fn ask(&self) -> Result<(), Failure> {
        let requests_max = self.limits.http_requests_max;
        if self.asked.fetch_add(1, Ordering::Relaxed) < requests_max {
            return Ok(());
        }
        Err(Failure::said(
            Error::HttpRequestDenied,
            format!("a request was refused: limit http_requests_max = {requests_max}"),
        ))
    }

    /// Counts a request that goes out.
    pub(crate) fn send(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes of a request's body, which has this many with them.
    pub(crate) fn send_bytes(&self, bytes: usize, so_far: u64) -> Result<(), Failure> {
        let all = add(&self.bytes_sent, bytes);
        let exceeded = |name, most| {
            let line = format!("a request's body was cut off: limit {name} = {most}");
            Failure::said(Error::HttpRequestBodySize(Some(most)), line)
        };
        if so_far > self.limits.http_request_bytes_max {
            return Err(exceeded("http_request_bytes_max", self.limits.http_request_bytes_max));
        }
        if all > self.limits.http_sent_bytes_max {
            return Err(exceeded("http_sent_bytes_max", self.limits.http_sent_bytes_max));
        }
        Ok(())
    }

    /// Counts bytes of an answer's body, which has this many with them.
    pub(crate) fn receive_bytes(&self, bytes: usize, so_far: u64) -> Result<(), Failure> {
        let all = add(&self.bytes_received, bytes);
        let exceeded = |name, most| {
            let line = format!("an answer's body was cut off: limit {name} = {most}");
            Failure::said(Error::HttpResponseBodySize(Some(most)), line)
        };
        if so_far > self.limits.http_response_bytes_max {
            return Err(exceeded("http_response_bytes_max", self.limits.http_response_bytes_max));
        }
        if all > self.limits.http_received_bytes_max {
            return Err(exceeded("http_received_bytes_max", self.limits.http_received_bytes_max));
        }
        Ok(())
    }

    /// Writes what was used into the attempt's usage.
    pub(crate) fn count(&self, usage: &mut Usage) {
        usage.http_requests = self.sent.load(Ordering::Relaxed);
        usage.http_sent_bytes = self.bytes_sent.load(Ordering::Relaxed);
        usage.http_received_bytes = self.bytes_received.load(Ordering::Relaxed);
    }
}

fn add(count: &AtomicU64, bytes: usize) -> u64 {
    let bytes = bytes as u64;
    count.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
}
