//! What is refused, and what jobs are given and may answer.

use axum::http::{Request, header};
use serde_json::{Value, json};
use zapjobs_model::{Json, TenantId};

use super::config::Endpoint;
use super::{EndpointFile, Endpoints};
use crate::http::problem::Code;

fn endpoints(wishes: &Value) -> Result<Endpoints, String> {
    let file: EndpointFile =
        serde_json::from_value(json!({ "endpoint": wishes })).map_err(|error| error.to_string())?;
    Endpoints::new(file, &TenantId::standard()).map_err(|error| error.to_string())
}

fn one(wish: &Value) -> Endpoint {
    endpoints(&json!([wish])).expect("a good one").iter().next().expect("one").clone()
}

fn given(endpoint: &Endpoint, kind: &str, body: &[u8]) -> Result<Value, Code> {
    let request = Request::post("/endpoints/a/7?x=1&y=2&x=%203")
        .header(header::CONTENT_TYPE, kind)
        .header("x-more", "a")
        .header("x-more", "b")
        .header("x-secret", "c");
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let path = "/a/7";
    let params = endpoint.path.matches(path).expect("it fits");
    let input = super::request::input(endpoint, &parts, path, params, body);
    input.map(|json: Json| json.to_value().expect("JSON")).map_err(|problem| problem.code())
}

#[test]
fn what_cannot_be_served_is_refused_by_name() {
    for (wish, problem) in [
        (json!({"path": "a", "job_type": "x"}), "does not begin with /"),
        (json!({"path": "/a", "job_type": "x", "methods": ["HEAD"]}), "the method \"HEAD\""),
        (json!({"path": "/a", "job_type": "x", "methods": []}), "no methods"),
        (json!({"path": "/a", "job_type": "x", "headers": ["Cookie"]}), "header cookie"),
        (json!({"path": "/a", "job_type": "x", "headers": ["a b"]}), "no name of a header"),
        (json!({"path": "/a", "job_type": "x", "body_bytes_max": 9_000_000}), "use at most"),
        (json!({"path": "/a", "job_type": "x", "auth": "all"}), "or public for everyone"),
        (json!({"path": "/a", "job_type": "x", "quue": "y"}), "unknown field `quue`"),
    ] {
        let refused = endpoints(&json!([wish])).expect_err(problem);
        assert!(refused.contains(problem), "{refused}");
    }
    let twice = json!([
        {"path": "/a", "job_type": "x", "methods": ["GET", "POST"]}, {"path": "/a", "job_type": "y"},
    ]);
    let refused = endpoints(&twice).expect_err("one request, two jobs");
    assert!(refused.starts_with("endpoint 2 (/a)"), "{refused}");
    let apart = json!([
        {"path": "/a", "job_type": "x", "methods": ["GET"]}, {"path": "/a", "job_type": "y"},
    ]);
    assert!(endpoints(&apart).is_ok());
}

#[test]
fn a_job_is_given_what_is_listed_and_nothing_else() {
    let endpoint = one(&json!({"path": "/a/{b}", "job_type": "x", "headers": ["X-More"]}));
    let input = given(&endpoint, "application/json; charset=utf-8", br#"{"n": 1}"#);
    let wanted = json!({
        "method": "POST", "path": "/a/7", "params": {"b": "7"},
        "query": {"x": ["1", " 3"], "y": ["2"]}, "headers": {"x-more": "a, b"}, "body": {"n": 1},
    });
    assert_eq!(input, Ok(wanted));
    assert_eq!(given(&endpoint, "text/plain", b"plain").expect("an input")["body"], "plain");
    let bytes = given(&endpoint, "text/plain", &[0xff, 0]).expect("an input");
    assert_eq!((&bytes["body"], &bytes["body_base64"]), (&Value::Null, &json!("/wA=")));
    assert_eq!(given(&endpoint, "image/png", b"abc").expect("an input")["body_base64"], "YWJj");
    assert!(given(&endpoint, "application/json", b"").expect("an input").get("body").is_none());
    assert_eq!(given(&endpoint, "application/json", b"{"), Err(Code::BadJson));
}
