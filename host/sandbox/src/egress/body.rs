//! Bodies on their way, counted and timed.
//!
//! **Invariant:** a body that ends early ends with an error. A guest never takes part of an
//! answer for the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Failure;
use super::budget::Budget;
use super::exchange::{Tell, of_hyper};

/// What a guest sends.
pub(crate) struct Sent {
    body: WasiBody,
    bytes: u64,
    budget: Arc<Budget>,
    tell: Tell,
}

impl Sent {
    pub(super) fn new(body: WasiBody, budget: &Arc<Budget>, tell: &Tell) -> Self {
        Self { body, bytes: 0, budget: Arc::clone(budget), tell: Arc::clone(tell) }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            return Poll::Pending;
        };
        let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
        let Some(data) = frame.data_ref() else {
            let line = "a request was refused: this host sends no trailers: use header fields";
            (this.tell)(line);
            return Poll::Ready(Some(Err(Error::HttpRequestTrailerSectionSize(None))));
        };
        this.bytes = this.bytes.saturating_add(data.len() as u64);
        let counted = this.budget.send_bytes(data.len(), this.bytes);
        Poll::Ready(Some(told(counted, &this.tell).map(|()| frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a guest receives.
pub(crate) struct Received {
    body: Incoming,
    bytes: u64,
    budget: Arc<Budget>,
    tell: Tell,
    clock: Clock,
    /// Given back when the guest has read the body, or drops it.
    _place: OwnedSemaphorePermit,
}

/// When an answer has to go on, and when it has to be over.
pub(super) struct Clock {
    idle_max: Duration,
    ends_at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Clock {
    pub(super) fn new(idle_max: Duration, ends_at: Instant) -> Self {
        let timer = Box::pin(sleep_until((Instant::now() + idle_max).min(ends_at)));
        Self { idle_max, ends_at, timer }
    }

    fn reset(&mut self) {
        self.timer.as_mut().reset((Instant::now() + self.idle_max).min(self.ends_at));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        self.timer.as_mut().poll(context).map(|()| {
            let is_over = Instant::now() >= self.ends_at;
            if is_over { Error::HttpResponseTimeout } else { Error::ConnectionReadTimeout }
        })
    }
}

impl Received {
    pub(super) fn new(
        body: Incoming,
        budget: &Arc<Budget>,
        tell: &Tell,
        clock: Clock,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let (budget, tell) = (Arc::clone(budget), Arc::clone(tell));
        Self { body, bytes: 0, budget, tell, clock, _place: place }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(of_hyper(&error)))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return this.clock.poll(context).map(|error| Some(Err(error))),
        };
        this.clock.reset();
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        this.bytes = this.bytes.saturating_add(bytes as u64);
        let counted = this.budget.receive_bytes(bytes, this.bytes);
        Poll::Ready(Some(told(counted, &this.tell).map(|()| frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn told(counted: Result<(), Failure>, tell: &Tell) -> Result<(), Error> {
    counted.map_err(|failure| {
        failure.line.iter().for_each(|line| tell(line));
        failure.error
    })
}
