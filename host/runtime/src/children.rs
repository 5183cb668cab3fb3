//! Runs that runs enqueue.
//!
//! **Invariant:** a child belongs to its parent's tenant, and its id follows from its parent and
//! what it is called: whatever attempt enqueues it, in time or too late, it is stored once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use zapjobs_model::port::{BoxFuture, Children};
use zapjobs_model::{
    ChildError, ChildErrorKind, ChildRequest, ChildState, InvalidRequest, JobRequest, Lease,
    Parent, Run, RunId,
};
use zapjobs_storage::StorageError;

use crate::client::{Client, SubmitError};

/// Takes the children of one attempt.
pub(crate) struct AttemptChildren {
    client: Client,
    parent: Parent,
    /// Whether an attempt before this one, or this one, may have stored some.
    again: AtomicBool,
    /// The place of the next child without a key.
    next: AtomicU32,
}

impl AttemptChildren {
    /// Those of the attempt that this run was claimed for.
    pub(crate) fn of(client: Client, run: &Run) -> Self {
        let parent = Parent {
            run: run.id,
            tenant: run.tenant.clone(),
            correlation_id: run.correlation_id.clone(),
        };
        Self {
            client,
            parent,
            again: AtomicBool::new(run.lease > Lease(1)),
            next: AtomicU32::new(0),
        }
    }

    async fn store(&self, requests: Vec<ChildRequest>) -> Result<Vec<RunId>, ChildError> {
        let mut place = self.next.load(Ordering::Relaxed);
        let mut ids = Vec::with_capacity(requests.len());
        let mut named = Vec::with_capacity(requests.len());
        for request in requests {
            let id = request.id(self.parent.run, place);
            place += u32::from(request.is_numbered());
            ids.push(id);
            named.push((id, request.into_request(&self.parent)));
        }
        self.submit(named).await.map_err(|error| refused(&error))?;
        // Only now: a guest that tries again after an error means the same children.
        self.next.store(place, Ordering::Relaxed);
        Ok(ids)
    }

    /// Children that are stored neither count against a quota nor have to fit a schema that
    /// changed since: where a further attempt is refused, they are left out. Looked up only
    /// then, for otherwise the store itself leaves them as they are.
    async fn submit(&self, named: Vec<(RunId, JobRequest)>) -> Result<(), SubmitError> {
        if !self.again.swap(true, Ordering::Relaxed) {
            return self.client.submit_as(named).await.map(drop);
        }
        match self.client.submit_as(named.clone()).await {
            Ok(_) => Ok(()),
            Err(SubmitError::Storage(error)) => Err(error.into()),
            Err(refusal) => {
                let count = named.len();
                match self.missing(named).await? {
                    missing if missing.len() == count => Err(refusal),
                    missing if missing.is_empty() => Ok(()),
                    missing => self.client.submit_as(missing).await.map(drop),
                }
            }
        }
    }

    /// Those that are not stored.
    async fn missing(
        &self,
        named: Vec<(RunId, JobRequest)>,
    ) -> Result<Vec<(RunId, JobRequest)>, StorageError> {
        let mut missing = Vec::new();
        for (id, request) in named {
            if self.client.storage().run(id).await?.is_none() {
                missing.push((id, request));
            }
        }
        Ok(missing)
    }

    async fn look(&self, id: RunId) -> Result<Option<ChildState>, ChildError> {
        let run = self.client.storage().run(id).await.map_err(|error| storage_failed(&error))?;
        let own =
            |run: &Run| run.parent == Some(self.parent.run) && run.tenant == self.parent.tenant;
        Ok(run.filter(own).map(|run| ChildState {
            status: run.status.into(),
            output: run.output,
            error: run.error,
        }))
    }
}

impl Children for AttemptChildren {
    fn enqueue(
        &self,
        requests: Vec<ChildRequest>,
    ) -> BoxFuture<'_, Result<Vec<RunId>, ChildError>> {
        Box::pin(self.store(requests))
    }

    fn child(&self, id: RunId) -> BoxFuture<'_, Result<Option<ChildState>, ChildError>> {
        Box::pin(self.look(id))
    }
}

fn refused(error: &SubmitError) -> ChildError {
    let kind = match error {
        SubmitError::Invalid(InvalidRequest::UnknownJobType { .. }) => ChildErrorKind::UnknownJob,
        SubmitError::Invalid(
            InvalidRequest::InputTooLarge { .. } | InvalidRequest::InputBreaksSchema { .. },
        )
        | SubmitError::Schema(..) => ChildErrorKind::BadInput,
        SubmitError::Invalid(_)
        | SubmitError::Workflow(_)
        | SubmitError::Batch(_)
        | SubmitError::Conflict(_) => ChildErrorKind::BadOptions,
        SubmitError::QuotaExceeded(_) => ChildErrorKind::QuotaReached,
        SubmitError::Storage(error) => return storage_failed(error),
    };
    ChildError::new(kind, error.to_string())
}

/// The guest is not told what the storage said: that may name machines.
fn storage_failed(error: &StorageError) -> ChildError {
    tracing::warn!(%error, "a run could not enqueue or look after its children");
    ChildError::new(
        ChildErrorKind::Unavailable,
        "the host cannot reach its storage now: try again later",
    )
}
