//! A request for a run, as the API reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use zapjobs_model::{
    Condition, CorrelationId, Due, JobRequest, JobType, Json, LimitKey, OnConflict, Priority,
    QueueName, RunId, Tag, Timestamp, UniqueBy, UniqueRequest, UniqueScope, Until,
};

use crate::errors::{Done, Failure};

/// A wish for a run.
#[derive(Serialize)]
pub(super) struct Wish<'a> {
    job_type: &'a JobType,
    input: &'a Json,
    in_ms: Option<u64>,
    at: Option<Timestamp>,
    queue: Option<&'a QueueName>,
    priority: Priority,
    max_attempts: Option<u32>,
    deadline: Option<Timestamp>,
    correlation_id: Option<&'a CorrelationId>,
    tags: &'a [Tag],
    metadata: &'a BTreeMap<String, String>,
    after: Vec<After>,
    limit_key: Option<&'a LimitKey>,
    unique: Option<Unique<'a>>,
    idempotency_key: Option<&'a str>,
    idempotency_for_ms: Option<u64>,
}

#[derive(Serialize)]
struct After {
    run: RunId,
    on: Condition,
}

#[derive(Serialize)]
struct Unique<'a> {
    fields: Option<&'a [String]>,
    text: Option<&'a str>,
    until: Option<&'static str>,
    for_ms: Option<u64>,
    on_conflict: &'static str,
}

/// The wish that says the same as a request.
pub(super) fn wish(request: &JobRequest) -> Done<Wish<'_>> {
    let (in_ms, at) = match request.due {
        Due::Now => (None, None),
        Due::In(delay) => (Some(ms(delay)), None),
        Due::At(at) => (None, Some(at)),
        Due::Held => return Err(Failure::usage("a server takes no run that is held")),
    };
    let name = request.idempotency_key.as_ref();
    Ok(Wish {
        job_type: &request.job_type,
        input: &request.input,
        in_ms,
        at,
        queue: request.queue.as_ref(),
        priority: request.priority,
        max_attempts: request.max_attempts,
        deadline: request.deadline,
        correlation_id: request.correlation_id.as_ref(),
        tags: &request.tags,
        metadata: &request.metadata,
        after: request.after.iter().map(|of| After { run: of.run, on: of.on }).collect(),
        limit_key: request.limit_key.as_ref(),
        unique: request.unique.as_ref().map(unique),
        idempotency_key: name.map(|name| name.text.as_str()),
        idempotency_for_ms: name.map(|name| ms(name.window)),
    })
}

fn unique(request: &UniqueRequest) -> Unique<'_> {
    let (fields, text) = match &request.by {
        UniqueBy::Input => (None, None),
        UniqueBy::Fields(fields) => (Some(fields.as_slice()), None),
        UniqueBy::Text(text) => (None, Some(text.as_str())),
    };
    let (until, for_ms) = match request.scope {
        UniqueScope::Until(Until::Started) => (Some("started"), None),
        UniqueScope::Until(Until::Finished) => (Some("finished"), None),
        UniqueScope::For(span) => (None, Some(ms(span))),
    };
    let on_conflict = match request.on_conflict {
        OnConflict::Keep => "keep",
        OnConflict::Replace => "replace",
    };
    Unique { fields, text, until, for_ms, on_conflict }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zapjobs_model::{IdempotencyKey, TenantId};

    #[test]
    fn a_wish_says_all_that_a_request_does() {
        let input = Json::parse(r#"{"n":1.50}"#).expect("JSON");
        let job: JobType = "greet".parse().expect("a name");
        let request = JobRequest {
            due: Due::In(Duration::from_secs(2)),
            max_attempts: Some(3),
            unique: Some(UniqueRequest {
                by: UniqueBy::Fields(vec!["/n".to_owned()]),
                scope: UniqueScope::For(Duration::from_secs(60)),
                on_conflict: OnConflict::Replace,
            }),
            idempotency_key: Some(IdempotencyKey::new("k")),
            ..JobRequest::new(TenantId::standard(), job, input)
        };
        let text = serde_json::to_string(&wish(&request).expect("it can be said")).expect("JSON");
        assert!(text.contains(r#""input":{"n":1.50}"#), "as it was written: {text}");
        let said: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&said["in_ms"], &said["max_attempts"]), (&json!(2_000), &json!(3)));
        assert_eq!(said["unique"]["fields"], json!(["/n"]));
        assert_eq!(
            (&said["unique"]["for_ms"], &said["unique"]["on_conflict"]),
            (&json!(60_000), &json!("replace"))
        );
        assert_eq!(
            (&said["idempotency_key"], &said["idempotency_for_ms"]),
            (&json!("k"), &json!(86_400_000))
        );
    }
}
