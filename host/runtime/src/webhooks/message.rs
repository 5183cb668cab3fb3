//! What is sent: a message of the Standard Webhooks specification.
//!
//! **Invariant:** a message's id follows from what it tells of, so that it is the same whoever sends
//! it and however often; and it holds no input, and an output only where that was asked for.

use serde_json::{Value, json};
use zapjobs_model::webhook::WebhookEvent;
use zapjobs_model::{Run, RunId};
use zapjobs_storage::{Ending, Result, Storage};

use super::progress::Subject;
use super::subscription::Webhook;

/// Bytes of an output that a message holds at most: 64 KiB. A longer one is left out, and said to be.
const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// The type of a message that tells of nothing.
const TEST: &str = "webhook.test";

impl Subject {
    /// The message's id.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Ending(ending) => format!("{}.{}", ending.run, ending.lease),
            Self::Test { order, .. } => format!("test.{order}"),
        }
    }

    /// The message's type.
    pub(crate) fn event(&self) -> &'static str {
        match self {
            Self::Ending(ending) => {
                WebhookEvent::of(ending.status).map_or("run.ended", WebhookEvent::name)
            }
            Self::Test { .. } => TEST,
        }
    }

    /// The run that it tells of.
    pub(crate) const fn run(&self) -> Option<RunId> {
        match self {
            Self::Ending(ending) => Some(ending.run),
            Self::Test { .. } => None,
        }
    }

    /// What the message says.
    pub(crate) async fn body(&self, webhook: &Webhook, storage: &dyn Storage) -> Result<String> {
        let (at, data) = match self {
            Self::Test { at, .. } => (at, json!({ "message": "messages arrive" })),
            Self::Ending(ending) => {
                let run = storage.run(ending.run).await?;
                // It may be gone, or run again: then what is known of its end is all there is.
                let run = run.filter(|run| Ending::of(run).as_ref() == Some(ending));
                (&ending.ended_at, data(ending, run.as_ref(), webhook.with_output))
            }
        };
        Ok(json!({ "type": self.event(), "timestamp": at, "data": data }).to_string())
    }
}

fn data(ending: &Ending, run: Option<&Run>, with_output: bool) -> Value {
    let mut data = json!({
        "run": ending.run,
        "tenant": ending.tenant,
        "job_type": ending.job_type,
        "queue": ending.queue,
        "status": ending.status,
        "ended_at": ending.ended_at,
    });
    let (Some(run), Some(fields)) = (run, data.as_object_mut()) else { return data };
    let error = run.error.as_ref().map(
        |error| json!({ "type": error.error_type, "message": error.message, "blame": error.blame }),
    );
    let more = json!({
        "created_at": run.created_at,
        "started_at": run.started_at,
        "attempt": run.attempt,
        "max_attempts": run.max_attempts,
        "error": error,
        "correlation_id": run.correlation_id,
        "tags": run.tags,
        "metadata": run.metadata,
        "batch": run.batch,
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    if let (true, Some(output)) = (with_output, &run.output) {
        match output.as_str().len() <= OUTPUT_BYTES_MAX {
            true => fields.insert("output".to_owned(), output.to_value().unwrap_or_default()),
            false => fields.insert("output_omitted_bytes".to_owned(), output.as_str().len().into()),
        };
    }
    data
}
