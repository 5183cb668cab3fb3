//! Runs are submitted.

use axum::http::{Method, StatusCode};
use serde_json::json;
use std::time::Duration;

use crate::support::{completed, place, text};

#[tokio::test]
async fn every_place_that_is_wrong_is_named_by_its_pointer() {
    let place = place().await;
    let schema = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let strict = crate::support::definition("default", "count", Some(&schema));
    place.storage.put_definitions(&[strict]).await.expect("stored");
    let wish = json!({"job_type": "count", "input": {"a": "x", "b/c": "y", "d": 1}});
    let refused = place.post("/api/v1/runs", wish).await;
    assert_eq!(refused.code(), "input-breaks-schema");
    let pointers = |answer: &crate::support::Answer| {
        let errors = answer.json()["errors"].as_array().expect("places").clone();
        let mut pointers: Vec<String> =
            errors.iter().map(|it| text(&it["pointer"]).to_owned()).collect();
        pointers.sort();
        pointers
    };
    assert_eq!(pointers(&refused), ["/input/a", "/input/b~1c"]);

    let wish = json!({"runs": [{"job_type": "count"}, {"job_type": 7}]});
    let refused = place.post("/api/v1/runs/batch", wish).await;
    assert_eq!(
        (refused.code().as_str(), pointers(&refused)),
        ("bad-body", vec!["/runs/1/job_type".to_owned()])
    );
    let unknown = place.post("/api/v1/runs", json!({"job_type": "nothing"})).await;
    assert!(unknown.json().get("errors").is_none(), "{}", unknown.text);
}

#[tokio::test]
async fn a_run_is_stored_before_it_is_answered() {
    let place = place().await;
    let wish = json!({
        "job_type": "greet", "input": {"name": "Ada"}, "queue": "mail", "priority": -3,
        "tags": ["b", "a"], "metadata": {"order": "7"}, "correlation_id": "c-1",
        "max_attempts": 5, "in_ms": 60_000, "deadline": "2026-09-22T00:00:00Z",
    });
    let answer = place.post("/api/v1/runs", wish).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.json()["result"], "stored");
    let run = place.get(answer.header("location")).await.json();
    assert_eq!(run["id"], answer.json()["id"]);
    assert_eq!(run["input"], json!({"name": "Ada"}));
    assert_eq!(run["status"], "scheduled");
    assert_eq!(run["due_at"], "2026-09-21T14:14:20.000000Z");
    assert_eq!((&run["queue"], &run["priority"]), (&json!("mail"), &json!(-3)));
    assert_eq!((&run["tags"], &run["max_attempts"]), (&json!(["a", "b"]), &json!(5)));
    assert_eq!((&run["trigger"], &run["tenant"]), (&json!("api"), &json!("default")));
}

#[tokio::test]
async fn an_input_that_is_left_out_is_the_jobs_own() {
    let place = place().await;
    let id = place.submit(json!({"job_type": "greet"})).await;
    let run = place.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!(run["input"], json!({"name": "nobody"}));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_not_stored() {
    let place = place().await;
    let cases = [
        (json!({"job_type": "gret"}), "unknown-job-type", "there are greet"),
        (json!({"job_type": "greet", "input": 1}), "input-breaks-schema", "greet's schema"),
        (
            json!({"job_type": "sleep", "in_ms": 1, "at": "2027-01-01T00:00:00Z"}),
            "invalid",
            "in_ms",
        ),
        (json!({"job_type": "sleep", "max_attempts": 0}), "invalid", "attempts"),
        (json!({"job_type": "sleep", "unique": {"for_ms": 1}}), "invalid", "out of bounds"),
        (json!({"job_type": "sleep", "idempotency_for_ms": 5000}), "invalid", "idempotency_key"),
        (
            json!({"job_type": "sleep", "after": [{"run": "018f0000-0000-7000-8000-000000000000"}]}),
            "invalid",
            "which is not there",
        ),
    ];
    for (wish, code, words) in cases {
        let answer = place.post("/api/v1/runs", wish.clone()).await;
        assert_eq!(answer.code(), code, "{wish}: {}", answer.text);
        assert!(answer.text.contains(words), "{wish}: {}", answer.text);
        let batch = json!({"runs": [{"job_type": "sleep"}, wish]});
        let answer = place.post("/api/v1/runs/batch", batch).await;
        assert_eq!(answer.code(), code, "{}", answer.text);
    }
    assert_eq!(place.get("/api/v1/runs").await.json()["runs"], json!([]));
}

#[tokio::test]
async fn a_repeated_request_is_answered_the_first_run() {
    let place = place().await;
    let name = [("idempotency-key", "order-7")];
    let asked = async |input: &str| {
        let wish = json!({"job_type": "sleep", "input": input});
        place.with(Method::POST, "/api/v1/runs", &name, Some(wish)).await
    };
    let first = asked("a").await;
    assert_eq!(first.status, StatusCode::CREATED);
    let second = asked("a").await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(second.json(), json!({"id": first.json()["id"], "result": "existing"}));
    let other = asked("b").await;
    assert_eq!((other.status, other.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn a_repeated_batch_is_answered_the_first_runs() {
    let place = place().await;
    let name = [("idempotency-key", "night")];
    let runs: Vec<_> = (0..3).map(|at| json!({"job_type": "sleep", "input": at})).collect();
    let asked = async || {
        let batch = Some(json!({ "runs": runs }));
        place.with(Method::POST, "/api/v1/runs/batch", &name, batch).await
    };
    let first = asked().await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.json()["results"], json!(["stored", "stored", "stored"]));
    let second = asked().await.json();
    assert_eq!(second["ids"], first.json()["ids"]);
    assert_eq!(second["results"], json!(["existing", "existing", "existing"]));
}

#[tokio::test]
async fn a_batch_has_bounds() {
    let place = place().await;
    let answer = place.post("/api/v1/runs/batch", json!({"runs": []})).await;
    assert_eq!(answer.code(), "invalid");
    let runs = vec![json!({"job_type": "sleep"}); 10_001];
    let answer = place.post("/api/v1/runs/batch", json!({ "runs": runs })).await;
    assert_eq!(answer.code(), "invalid");
    assert!(answer.text.contains("use 1 to 10000"), "{}", answer.text);
}

#[tokio::test]
async fn of_runs_with_one_key_there_is_one() {
    let place = place().await;
    let unique = json!({"fields": ["/user"], "until": "finished", "on_conflict": "replace"});
    let wish = |note: &str| {
        let input = json!({"user": 1, "note": note});
        json!({"job_type": "sleep", "input": input, "unique": unique})
    };
    let first = place.submit(wish("a")).await;
    let answer = place.post("/api/v1/runs", wish("b")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({"id": first, "result": "replaced"}));
    let run = place.get(&format!("/api/v1/runs/{first}")).await.json();
    assert_eq!(run["input"]["note"], "b");
}

#[tokio::test]
async fn an_answer_may_wait_for_the_run_to_end() {
    let place = place().await;
    let wish = json!({"job_type": "greet"});
    let prefer = [("prefer", "respond-async, wait=20")];
    let asked = place.with(Method::POST, "/api/v1/runs", &prefer, Some(wish.clone()));
    let worked = async {
        while place.get("/api/v1/runs").await.json()["runs"] == json!([]) {
            tokio::task::yield_now().await;
        }
        place.end(completed()).await;
    };
    let (answer, ()) = tokio::join!(asked, worked);
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.header("preference-applied"), "wait=20");
    assert_eq!(answer.json()["run"]["status"], "completed");
    assert_eq!(answer.json()["run"]["output"], json!({"greeting": "Hello"}));
    let answer =
        place.with(Method::POST, "/api/v1/runs", &[("prefer", "wait=0")], Some(wish)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["run"]["status"], "pending");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_bounded() {
    let place = place().await;
    let id = place.greet().await;
    let begin = tokio::time::Instant::now();
    let headers = [("prefer", "wait=100000")];
    let answer = place.with(Method::GET, &format!("/api/v1/runs/{id}"), &headers, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("preference-applied"), "wait=60");
    assert_eq!(answer.json()["status"], "pending");
    let waited = begin.elapsed();
    assert!((Duration::from_secs(60)..Duration::from_secs(62)).contains(&waited), "{waited:?}");
    let headers = [("prefer", "wait=soon")];
    let answer = place.with(Method::GET, &format!("/api/v1/runs/{id}"), &headers, None).await;
    assert_eq!(answer.code(), "bad-header");
}

#[tokio::test]
async fn a_tenant_is_named_in_the_query() {
    let place = place().await;
    let answer = place.post("/api/v1/runs?tenant=acme", json!({"job_type": "greet"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let run = place.get(answer.header("location")).await.json();
    assert_eq!(text(&run["tenant"]), "acme");
    assert_eq!(place.get("/api/v1/runs").await.json()["runs"], json!([]), "of default");
    let all = place.get("/api/v1/runs?tenant=*").await.json();
    assert_eq!(all["runs"].as_array().map(Vec::len), Some(1));
    let answer = place.post("/api/v1/runs?tenant=*", json!({"job_type": "greet"})).await;
    assert_eq!(answer.code(), "bad-query");
    assert_eq!(place.get("/api/v1/runs?tenant=%20").await.code(), "bad-query");
}
