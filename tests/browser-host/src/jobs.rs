//! The jobs of the tests: one that takes its time, some that end well, some that do not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use zapjobs_model::port::{Cancellation, Invocation, RunSink};
use zapjobs_model::{
    Blame, ItemCounts, JobDescription, Json, LogLevel, LogLine, Outcome, Progress, RetryPolicy,
    RunError, Timestamp,
};
use zapjobs_storage::{Clock as _, SystemClock};

use crate::plugin::Native;

/// What a page must show as text.
const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
/// How long one row takes.
const ROW: Duration = Duration::from_millis(40);

/// Every job.
pub(crate) fn all() -> Vec<Native> {
    vec![
        Native::new(import_prices(), import),
        Native::new(simple("send-mail", "mail", "Sends one mail."), mail),
        Native::new(simple("thumbnail", "media", "Makes small pictures of a photo."), thumbnail),
        Native::new(
            simple("markup", "default", "Says what a page must not take for markup."),
            markup,
        ),
        Native::new(nightly(), |_, _, _| async {
            Outcome::Completed(Json::trusted(r#"{"rows":7}"#))
        }),
    ]
}

fn describe(document: &Value) -> JobDescription {
    let mut whole = json!({
        "retry": RetryPolicy { max_attempts: 1, ..RetryPolicy::default() },
        "schedule": {"kind": "manual"}, "tags": [],
    });
    let fields = document.as_object().expect("an object").clone();
    whole.as_object_mut().expect("an object").extend(fields);
    serde_json::from_value(whole).expect("a description")
}

fn simple(name: &str, queue: &str, about: &str) -> JobDescription {
    let words = name.replace('-', " ");
    describe(&json!({
        "job_type": name, "display_name": words, "description": about, "queue": queue,
        "tags": ["shop"],
    }))
}

fn nightly() -> JobDescription {
    describe(&json!({
        "job_type": "nightly-report", "display_name": "nightly report",
        "description": "Sums up the day.",
        "schedule": {"kind": "cron", "expression": "30 2 * * *", "time_zone": "Europe/Lisbon"},
    }))
}

fn import_prices() -> JobDescription {
    describe(&json!({
        "job_type": "import-prices", "display_name": "import prices",
        "description": "Reads price lists, row by row.", "tags": ["shop", "import"],
        "input_schema": {
            "type": "object",
            "required": ["source", "mode", "rows"],
            "properties": {
                "source": {"type": "string", "description": "Where the list is.", "minLength": 3},
                "mode": {"type": "string", "enum": ["add", "replace"], "description": "What becomes of older prices."},
                "rows": {"type": "integer", "minimum": 1, "maximum": 5000, "default": 25},
                "regions": {"type": "array", "items": {"type": "string"}},
                "checks": {
                    "type": "object",
                    "properties": {
                        "strict": {"type": "boolean", "description": "Stop at the first bad row."},
                        "tolerance": {"type": "number", "minimum": 0}
                    }
                }
            }
        },
    }))
}

async fn import(
    invocation: Invocation,
    sink: Arc<dyn RunSink>,
    cancellation: Arc<Cancellation>,
) -> Outcome {
    let input = invocation.input.to_value().unwrap_or_default();
    let rows = input["rows"].as_u64().unwrap_or(1);
    say(&*sink, LogLevel::Info, "begins", Some(&input));
    for done in 1..=rows {
        tokio::time::sleep(ROW).await;
        if cancellation.reason().is_some() {
            say(&*sink, LogLevel::Warn, "stops between two rows", None);
            let error = RunError::new(Blame::Operator, "cancelled", "cancelled on request");
            return Outcome::Cancelled(error);
        }
        sink.progress(Progress { done, total: Some(rows), message: format!("row {done}") });
        sink.counts(ItemCounts { processed: done, succeeded: done, failed: 0 });
        say(&*sink, LogLevel::Debug, &format!("row {done} is in order"), None);
    }
    Outcome::Completed(Json::of(&json!({"rows": rows})).expect("a document"))
}

async fn mail(invocation: Invocation, sink: Arc<dyn RunSink>, _: Arc<Cancellation>) -> Outcome {
    let input = invocation.input.to_value().unwrap_or_default();
    say(&*sink, LogLevel::Info, "connecting to mail.example", None);
    // What is mended by hand and tried again goes well.
    match input["fault"].as_str() {
        Some(kind) => {
            say(&*sink, LogLevel::Error, "no mail was sent", Some(&input));
            Outcome::Failed(RunError {
                details: Some(Json::trusted(
                    r#"{"backtrace":["mail::send at src/send.rs:41","mail::run at src/lib.rs:12"]}"#,
                )),
                ..RunError::new(Blame::Guest, kind, format!("mail.example answered 550: {kind}"))
            })
        }
        None => Outcome::Completed(Json::trusted(r#"{"sent":1}"#)),
    }
}

async fn thumbnail(_: Invocation, sink: Arc<dyn RunSink>, _: Arc<Cancellation>) -> Outcome {
    say(&*sink, LogLevel::Info, "made 3 sizes", None);
    Outcome::Completed(Json::trusted(r#"{"sizes":[64,256,1024]}"#))
}

async fn markup(_: Invocation, sink: Arc<dyn RunSink>, _: Arc<Cancellation>) -> Outcome {
    sink.progress(Progress { done: 1, total: Some(2), message: MARKUP.to_owned() });
    say(&*sink, LogLevel::Warn, MARKUP, Some(&json!({ MARKUP: MARKUP })));
    Outcome::Failed(RunError {
        details: Some(Json::of(&json!({ "text": MARKUP })).expect("a document")),
        ..RunError::new(Blame::Guest, MARKUP, MARKUP)
    })
}

fn say(sink: &dyn RunSink, level: LogLevel, message: &str, fields: Option<&Value>) {
    sink.log(LogLine {
        at: now(),
        level,
        category: "demo".to_owned(),
        message: message.to_owned(),
        fields: fields.and_then(|fields| Json::of(fields).ok()),
    });
}

fn now() -> Timestamp {
    SystemClock.now()
}
