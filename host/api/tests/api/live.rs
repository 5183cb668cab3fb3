//! What happens is followed as it happens.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use tower::ServiceExt;
use zapjobs_model::{EventKind, JobEvent, LogEntry, LogLevel, LogLine, Run, RunStatus};

use crate::support::{Place, START, completed, place};

/// A stream of events, read as far as a text.
struct Following {
    body: BodyDataStream,
    text: String,
}

impl Following {
    async fn begin(place: &Place, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = place.routes.clone().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Reads until the text holds this.
    async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            let next = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await;
            let bytes = next.expect("in time").expect("not at its end").expect("bytes");
            self.text.push_str(std::str::from_utf8(&bytes).expect("text"));
        }
        &self.text
    }

    async fn rest(mut self) -> String {
        while let Some(bytes) = self.body.next().await {
            self.text.push_str(std::str::from_utf8(&bytes.expect("bytes")).expect("text"));
        }
        self.text
    }
}

fn publish(place: &Place, run: &Run, kind: EventKind) {
    place.storage.publish(vec![JobEvent::of(run, START, kind)]);
}

#[tokio::test]
async fn events_are_told_and_those_missed_are_told_again() {
    let place = place().await;
    place.greet().await;
    let run = place.claim().await.remove(0);
    let mut first = Following::begin(&place, "/api/v1/events", None).await;
    publish(&place, &run, EventKind::Started);
    let text = first.until("started").await.to_owned();
    assert!(text.contains("event: run\n") && text.contains(&run.id.to_string()), "{text}");
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
    drop(first);
    publish(&place, &run, EventKind::Settled(RunStatus::Completed));
    let mut second = Following::begin(&place, "/api/v1/events", Some(&id)).await;
    let text = second.until("settled").await;
    assert!(!text.contains("started"), "{text}");
    let path = format!("/api/v1/events?last_event_id={id}");
    Following::begin(&place, &path, None).await.until("settled").await;
    let mut lost = Following::begin(&place, "/api/v1/events", Some("0-1")).await;
    lost.until("event: resync").await;
}

#[tokio::test]
async fn events_of_other_tenants_are_not_told() {
    let place = place().await;
    place.post("/api/v1/runs?tenant=acme", serde_json::json!({"job_type": "greet"})).await;
    place.greet().await;
    let runs = place.claim().await;
    let mut own = Following::begin(&place, "/api/v1/events?tenant=acme", None).await;
    let mut all = Following::begin(&place, "/api/v1/events?tenant=*", None).await;
    for tenant in ["default", "acme"] {
        let run = runs.iter().find(|run| run.tenant.as_str() == tenant).expect("a run");
        publish(&place, run, EventKind::Started);
    }
    let text = own.until("started").await;
    assert!(text.contains("acme") && !text.contains("default/"), "{text}");
    assert_eq!(text.matches("event: run").count(), 1);
    all.until("acme").await;
    assert_eq!(all.text.matches("event: run").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_told_nothing_hears_that() {
    let place = place().await;
    let mut following = Following::begin(&place, "/api/v1/events", None).await;
    let text = following.until(": nothing new").await;
    assert!(text.starts_with("retry: 2000"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_so_that_tokens_are_shown_again() {
    let place = place().await;
    let begin = tokio::time::Instant::now();
    let text = Following::begin(&place, "/api/v1/events", None).await.rest().await;
    assert_eq!(begin.elapsed().as_secs(), 15 * 60);
    assert!(text.matches(": nothing new").count() >= 59, "{text}");
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let place = place().await;
    let id = place.greet().await;
    let path = format!("/api/v1/runs/{id}/events");
    let mut following = Following::begin(&place, &path, None).await;
    following.until("\"status\":\"pending\"").await;
    let run = place.claim().await.remove(0);
    publish(&place, &run, EventKind::Started);
    following.until("\"status\":\"running\"").await;
    let line = LogEntry {
        run: run.id,
        lease: run.lease,
        index: 0,
        line: LogLine {
            at: START,
            level: LogLevel::Info,
            category: "greet".to_owned(),
            message: "hello there".to_owned(),
            fields: None,
        },
    };
    place.storage.append_logs(&[line]).await.expect("kept");
    publish(&place, &run, EventKind::Logged);
    following.until("hello there").await;
    assert!(following.text.contains("id: 1-0\nevent: log\n"), "{}", following.text);
    let now = place.storage.now().await.expect("time");
    let policy = zapjobs_model::RetryPolicy::default();
    let usage = zapjobs_model::Usage::default();
    let end = zapjobs_model::settle(&run, completed(), usage, now, &policy, 0.5);
    place.storage.apply(&[end]).await.expect("applied");
    publish(&place, &run, EventKind::Settled(RunStatus::Completed));
    let text = following.rest().await;
    assert!(text.contains("event: end\n"), "{text}");
    assert_eq!(text.matches("hello there").count(), 1);
    assert!(!text.contains("Hello\""), "without its output: {text}");
    let again = Following::begin(&place, &path, Some("1-0")).await.rest().await;
    assert!(!again.contains("hello there") && again.contains("event: end"), "{again}");
    let answer = place.get("/api/v1/runs/018f0000-0000-7000-8000-000000000000/events").await;
    assert_eq!(answer.code(), "unknown-run");
}
