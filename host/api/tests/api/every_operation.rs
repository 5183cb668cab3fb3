//! Every operation of the document, whatever it is: nobody is let in without a token, with too
//! little scope, or to what is another tenant's. A new operation that needs a body gets a row in
//! [`body`]; nothing else can be forgotten.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zapjobs_api::{ApiOptions, Scope};

use crate::plugins::Plugins;
use crate::support::{Place, text};

/// What stands in things of the tenant `default`, and must not be seen by others.
const MARK: &str = "only-for-default";

struct Operation {
    method: Method,
    path: String,
    id: String,
    scope: Scope,
    is_of_everything: bool,
}

/// A body that the operation takes.
fn body(operation: &str) -> Option<Value> {
    match operation {
        "submit_run" => Some(json!({"job_type": "greet"})),
        "submit_batch" => Some(json!({"runs": [{"job_type": "greet"}]})),
        "move_run" => Some(json!({"to": "slow"})),
        "prioritise_run" => Some(json!({"to": 1})),
        "alter_runs" => Some(json!({"action": "cancel", "filter": {}})),
        "put_schedule" => Some(json!({"job_type": "greet", "rule": {"every_ms": 60_000}})),
        "set_limit" => Some(json!({"concurrency": 1})),
        "submit_workflow" => Some(json!({"nodes": [{"name": "a", "job_type": "greet"}]})),
        "create_batch" | "submit_template" => Some(json!({})),
        "add_to_batch" => Some(json!({"runs": [{"job_type": "greet"}]})),
        "put_calendar" => Some(json!({"weekdays": ["SAT"]})),
        "put_template" => Some(json!({"job": "greet", "input": {"name": "a"}})),
        "signal_run" => Some(json!({"name": "go"})),
        "create_webhook" => {
            Some(json!({"name": "a", "url": "https://receiver.example/", "events": ["run.failed"]}))
        }
        "replay_webhook" => Some(json!({"from": "2026-01-01T00:00:00Z"})),
        "create_token" => Some(json!({"name": "a", "scope": "read"})),
        _ => None,
    }
}

async fn operations(place: &Place) -> Vec<Operation> {
    let document = place.get("/api/v1/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            found.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                id: text(&operation["operationId"]).to_owned(),
                scope: text(&operation["x-scope"]).parse().expect("a scope"),
                is_of_everything: operation["x-reach"] == "everything",
            });
        }
    }
    found
}

impl Operation {
    /// The path to things of the tenant `default`.
    fn path(&self, run: &str, workflow: &str, token: &str, batch: &str) -> String {
        let id = match self.path.split('/').nth(3) {
            Some("workflows") => workflow,
            Some("batches") => batch,
            Some("tokens") => token,
            _ => run,
        };
        self.path
            .replace("{id}", id)
            .replace("{job_type}", MARK)
            .replace("{name}", MARK)
            .replace("{scope}", "everything")
    }

    async fn ask(
        &self,
        place: &Place,
        path: &str,
        headers: &[(&str, &str)],
    ) -> crate::support::Answer {
        place.with(self.method.clone(), path, headers, body(&self.id)).await
    }
}

#[tokio::test]
async fn each_is_refused_without_a_token_with_too_little_scope_and_for_other_tenants() {
    let mut plugins = Plugins::open(ApiOptions::default()).await;
    plugins.put(MARK, &["mark"], &[]).await;
    let place = &plugins.place;
    let all = operations(place).await;
    assert!(all.len() > 40, "{} operations", all.len());

    let admin = place.token(Scope::Admin, Some("default")).await;
    place
        .storage
        .put_definitions(&[crate::support::definition("default", MARK, None)])
        .await
        .expect("stored");
    let made = async |path: &str, wish: Value| {
        let answer = place.by(&admin, Method::POST, path, Some(wish)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        text(&answer.json()["id"]).to_owned()
    };
    let run = made("/api/v1/runs", json!({"job_type": MARK, "queue": MARK})).await;
    let workflow = made(
        "/api/v1/workflows",
        json!({"name": MARK, "nodes": [{"name": MARK, "job_type": MARK}]}),
    )
    .await;
    let batch = made("/api/v1/batches", json!({"name": MARK, "open": true})).await;
    let token = made("/api/v1/tokens", json!({"name": MARK, "scope": "read"})).await;
    let hook = json!({"name": MARK, "url": "https://receiver.example/", "events": ["run.failed"]});
    let answer = place.by(&admin, Method::POST, "/api/v1/webhooks", Some(hook)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let schedule = json!({"job_type": MARK, "rule": {"every_ms": 60_000}});
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", bearer.as_str()), ("if-none-match", "*")];
    let path = format!("/api/v1/schedules/{MARK}");
    let answer = place.with(Method::PUT, &path, &headers, Some(schedule)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);

    for (path, wish) in [
        (format!("/api/v1/calendars/{MARK}"), json!({"weekdays": ["SAT"]})),
        (format!("/api/v1/templates/{MARK}"), json!({"job": MARK})),
    ] {
        let answer = place.by(&admin, Method::PUT, &path, Some(wish)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    let other = format!("Bearer {}", place.token(Scope::Admin, Some("acme")).await);
    for operation in all {
        let path = operation.path(&run, &workflow, &token, &batch);
        let name = format!("{} {path}", operation.method);

        let answer = operation.ask(place, &path, &[]).await;
        assert!(
            [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&answer.status),
            "{name} without a token: {}",
            answer.status
        );

        if let Some(less) = Scope::ALL.into_iter().rfind(|less| *less < operation.scope) {
            let less = format!("Bearer {}", place.token(less, None).await);
            let answer = operation.ask(place, &path, &[("authorization", &less)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {}", answer.text);
            assert_eq!(answer.code(), "insufficient-scope", "{name}");
        }

        let named = format!("{path}?tenant=default");
        let answer = operation.ask(place, &named, &[("authorization", &other)]).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{name} for another tenant: {}",
            answer.text
        );

        let headers = [("authorization", other.as_str()), ("if-match", "*")];
        let answer = operation.ask(place, &path, &headers).await;
        if operation.is_of_everything {
            assert_eq!(answer.code(), "insufficient-scope", "{name}: {}", answer.text);
        } else if operation.path.contains('{') {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}: {}", answer.text);
        }
        for own in [&run, &workflow, &token, &batch] {
            let told = answer.text.replace(&path, "");
            let shown = answer.status.is_success() && told.contains(own.as_str());
            assert!(!shown, "{name} shows {own}: {}", answer.text);
        }
        let shown = answer.status.is_success() && answer.text.contains(MARK);
        assert!(!shown, "{name} shows what is another tenant's: {}", answer.text);
    }
    let stands = place.by(&admin, Method::GET, &format!("/api/v1/runs/{run}"), None).await.json();
    assert_eq!(
        (&stands["status"], &stands["queue"]),
        (&json!("pending"), &json!(MARK)),
        "untouched"
    );
}
