//! An API over a storage in memory, with two jobs of each of two tenants.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;
use zapjobs_api::tokens::{NewToken, Tokens};
use zapjobs_api::{Api, ApiOptions, AuthMode, Scope, router};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::{
    Blame, Digest, JobDefinition, JobDescription, Json, Outcome, QueueName, RetryPolicy, Run,
    RunError, TenantId, Timestamp, Usage, WorkerId, settle,
};
use zapjobs_storage::{ClaimRequest, ManualClock, QueueSelection, Storage, TenantSelection};

/// An instant to begin with: 2026-09-21T14:13:20Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub(crate) struct Place {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) api: Api,
    pub(crate) routes: Router,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of a problem, once it is shown to be one.
    pub(crate) fn code(&self) -> String {
        let kind = self.header("content-type");
        assert_eq!(kind, "application/problem+json", "{} {}", self.status, self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["type"], format!("urn:zapjobs:problem:{}", text(&json["code"])));
        assert!(!text(&json["detail"]).is_empty() && !text(&json["title"]).is_empty());
        text(&json["code"]).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().expect("text"))
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(crate) async fn place() -> Place {
    place_with(ApiOptions { auth: AuthMode::Off, ..ApiOptions::default() }).await
}

pub(crate) async fn place_with(options: ApiOptions) -> Place {
    let (clock, storage) = store().await;
    place_on(clock, storage, options)
}

pub(crate) fn place_on(
    clock: Arc<ManualClock>,
    storage: Arc<dyn Storage>,
    options: ApiOptions,
) -> Place {
    let api = Api::new(Arc::clone(&storage), options);
    let routes = router(&api);
    Place { storage, clock, api, routes }
}

pub(crate) async fn store() -> (Arc<ManualClock>, Arc<dyn Storage>) {
    let clock = Arc::new(ManualClock::new(START));
    let memory = MemoryOptions { clock: Arc::clone(&clock) as _, ..MemoryOptions::default() };
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(memory));
    let schema = json!({"type": "object", "required": ["name"]});
    let mut definitions = Vec::new();
    for tenant in ["default", "acme"] {
        definitions.push(definition(tenant, "greet", Some(&schema)));
        definitions.push(definition(tenant, "sleep", None));
    }
    storage.put_definitions(&definitions).await.expect("definitions");
    (clock, storage)
}

pub(crate) fn definition(tenant: &str, name: &str, schema: Option<&Value>) -> JobDefinition {
    let description = json!({
        "job_type": name, "display_name": name, "description": "for tests",
        "queue": "default", "retry": RetryPolicy::default(), "schedule": {"kind": "manual"},
        "default_input": {"name": "nobody"}, "tags": [], "input_schema": schema,
    });
    let description: JobDescription = serde_json::from_value(description).expect("a job");
    let tenant = TenantId::new(tenant).expect("a tenant");
    JobDefinition::from_description(tenant, &description, Digest::of(b"code"))
}

impl Place {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        // A stream of events goes on for ever: what it begins with is enough.
        let is_stream =
            parts.headers.get("content-type").is_some_and(|it| it == "text/event-stream");
        let bytes = if is_stream {
            Default::default()
        } else {
            body.collect().await.expect("a body").to_bytes()
        };
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.with(Method::POST, path, &[], Some(body)).await
    }

    pub(crate) async fn with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    /// Makes a token of this scope, bound to a tenant or to none.
    pub(crate) async fn token(&self, scope: Scope, tenant: Option<&str>) -> String {
        let tenant = tenant.map(|name| TenantId::new(name).expect("a tenant"));
        let new = NewToken { name: "test".to_owned(), scope, tenant, life: None };
        let made = Tokens::new(Arc::clone(&self.storage)).create(new).await;
        made.expect("a token").1.reveal().to_owned()
    }

    /// The same as [`Self::with`] by whoever has the token.
    pub(crate) async fn by(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.with(method, path, &[("authorization", &bearer)], body).await
    }

    /// Submits a run, and answers its id.
    pub(crate) async fn submit(&self, wish: Value) -> String {
        let answer = self.post("/api/v1/runs", wish).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        text(&answer.json()["id"]).to_owned()
    }

    pub(crate) async fn greet(&self) -> String {
        self.submit(json!({"job_type": "greet", "input": {"name": "Ada"}})).await
    }

    /// Claims all that is ready.
    pub(crate) async fn claim(&self) -> Vec<Run> {
        let request = ClaimRequest {
            worker: WorkerId(Uuid::from_u128(7)),
            queues: QueueSelection::All,
            tenants: TenantSelection::All,
            limit: 1_000,
            lease: Duration::from_secs(30),
        };
        let claimed = self.storage.claim(request).await.expect("claimed");
        claimed.into_iter().map(|claimed| claimed.run).collect()
    }

    /// Ends the attempts of all that is ready.
    pub(crate) async fn end(&self, outcome: Outcome) {
        let now = self.storage.now().await.expect("time");
        let ends = self.claim().await.into_iter().map(|run| {
            let policy = RetryPolicy::default();
            settle(&run, outcome.clone(), Usage::default(), now, &policy, 0.5)
        });
        self.storage.apply(&ends.collect::<Vec<_>>()).await.expect("applied");
    }
}

pub(crate) fn completed() -> Outcome {
    Outcome::Completed(Json::trusted(r#"{"greeting":"Hello"}"#))
}

pub(crate) fn failed() -> Outcome {
    Outcome::Failed(RunError::new(Blame::Guest, "broken", "it does not work"))
}

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::new(name).expect("a queue")
}
