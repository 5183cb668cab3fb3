//! A plugin whose job is a function of this program.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use zapjobs_model::port::{BoxFuture, Cancellation, Invocation, Plugin, RunSink};
use zapjobs_model::{Digest, JobDescription, Outcome, Report, RunError, Usage};

/// What a job does.
pub(crate) type Work = Arc<
    dyn Fn(Invocation, Arc<dyn RunSink>, Arc<Cancellation>) -> BoxFuture<'static, Outcome>
        + Send
        + Sync,
>;

/// A plugin with one job.
pub(crate) struct Native {
    pub(crate) description: JobDescription,
    jobs: [JobDescription; 1],
    work: Work,
}

impl Native {
    pub(crate) fn new<F, W>(description: JobDescription, work: F) -> Self
    where
        F: Fn(Invocation, Arc<dyn RunSink>, Arc<Cancellation>) -> W + Send + Sync + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let work: Work = Arc::new(move |invocation, sink, cancellation| {
            Box::pin(work(invocation, sink, cancellation))
        });
        Self { jobs: [description.clone()], description, work }
    }
}

impl Plugin for Native {
    fn digest(&self) -> Digest {
        Digest::of(self.description.job_type.as_str().as_bytes())
    }

    fn jobs(&self) -> &[JobDescription] {
        &self.jobs
    }

    fn imports(&self) -> &[String] {
        &[]
    }

    fn run(
        &self,
        invocation: Invocation,
        sink: Arc<dyn RunSink>,
        cancellation: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let work = (self.work)(invocation, sink, cancellation);
        Box::pin(async move {
            let began = Instant::now();
            let outcome = work.await;
            let wall_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let usage = Usage {
                cpu_us: wall_us / 3,
                wall_us,
                memory_bytes_peak: 1_310_720,
                ..Usage::default()
            };
            Ok(Report { outcome, usage })
        })
    }
}
