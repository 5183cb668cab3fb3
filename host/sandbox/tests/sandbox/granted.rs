//! What a manifest can grant beside files and hosts: variables, settings, secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use zapjobs_model::Grants;
use zapjobs_model::grants::{Environment, SecretGrant, SecretName, Settings};
use zapjobs_model::port::Plugin;

use crate::server::Server;
use crate::support::{Try, guest, load, load_with, output, sandbox};

fn values(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn secret(name: &str, grant: Value) -> BTreeMap<SecretName, SecretGrant> {
    let name = SecretName::parse(name).expect("a name");
    BTreeMap::from([(name, serde_json::from_value(grant).expect("a secret"))])
}

async fn plugin(grants: Grants) -> Arc<dyn Plugin> {
    let grants = Grants { http: grants.http.or(Some(Vec::new())), ..grants };
    load_with(&sandbox(), guest("fetch"), grants).await.expect("it loads")
}

async fn run(plugin: &Arc<dyn Plugin>, job: &str, input: &str) -> Value {
    serde_json::from_str(output(&Try::of(job, input).report(plugin).await)).expect("JSON")
}

#[tokio::test]
async fn a_component_that_sends_requests_needs_a_word_on_hosts_to_load() {
    let error = load(guest("fetch")).await.err().expect("a refusal").to_string();
    assert_eq!(
        error,
        "this component imports wasi:http/outgoing-handler@0.2.4, and its manifest grants no \
         hosts: add to test.toml, for each host that it may send requests to, the lines \
         `[[http]]`, `host = \"api.example.com\"`; or the line `http = []` if it works without"
    );
    let without = plugin(Grants::default()).await;
    let request = json!({ "authority": "a.example", "path": "/" }).to_string();
    assert_eq!(run(&without, "fetch", &request).await, json!({ "error": "HttpRequestDenied" }));
}

#[tokio::test]
async fn granted_variables_and_settings_show_and_no_others() {
    let grants = Grants {
        environment: Environment::try_from(values(&[("A", "1"), ("B", "x y")])).expect("good"),
        settings: Settings::try_from(values(&[("limit", "7")])).expect("good"),
        ..Grants::default()
    };
    let plugin = plugin(grants).await;
    assert_eq!(run(&plugin, "environment", "0").await, json!([["A", "1"], ["B", "x y"]]));
    assert_eq!(run(&plugin, "settings", "\"limit\"").await, json!(["7", [["limit", "7"]]]));
    assert_eq!(run(&plugin, "settings", "\"other\"").await[0], Value::Null);
}

#[tokio::test]
async fn a_plain_secret_is_given_and_hidden_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cr3t-value\n").expect("written");
    let secrets = secret("TOKEN", json!({ "file": file, "plain": true }));
    let plugin = plugin(Grants { secrets, ..Grants::default() }).await;
    assert_eq!(run(&plugin, "environment", "0").await, json!([["TOKEN", "s3cr3t-value"]]));
    let attempt = Try::of("print", "\"TOKEN\"");
    attempt.report(&plugin).await;
    let lines = attempt.heard.lines();
    let said: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
    assert!(said.contains(&"the value is [secret TOKEN]!"), "{said:?}");
    let fields: Vec<_> = lines.iter().filter_map(|line| line.fields.as_ref()).collect();
    assert_eq!(fields[0].as_str(), r#"{"value":"[secret TOKEN]"}"#);
}

#[tokio::test]
async fn a_secret_for_requests_reaches_the_server_and_never_the_guest() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cr3t-value").expect("written");
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nX-Echo: got s3cr3t-value\r\nContent-Length: 0\r\n\r\n",
    );
    let http = json!([{
        "host": "127.0.0.1", "scheme": "http", "port": server.port, "private_addresses": true,
    }]);
    let grant = json!({ "file": file, "hosts": ["127.0.0.1"], "plain_http": true });
    let grants = Grants {
        http: Some(serde_json::from_value(http).expect("grants")),
        secrets: secret("TOKEN", grant),
        ..Grants::default()
    };
    let plugin = plugin(grants).await;
    let request = json!({
        "authority": format!("127.0.0.1:{}", server.port), "path": "/",
        "headers": { "authorization": "$TOKEN" },
    });
    let answer = run(&plugin, "fetch", &request.to_string()).await;
    assert!(server.heard().await.contains("authorization: s3cr3t-value\r\n"));
    assert!(!answer.to_string().contains("s3cr3t-value"), "{answer}");
    assert!(answer["headers"][0][1].to_string().contains("got secret-TOKEN-"), "{answer}");
    let seen = run(&plugin, "environment", "0").await;
    assert!(!seen.to_string().contains("s3cr3t"), "{seen}");
}

#[tokio::test]
async fn a_secret_that_is_missing_keeps_its_plugin_from_loading() {
    let secrets = secret("TOKEN", json!({ "file": "/nonexistent/token", "plain": true }));
    let grants = Grants { secrets, ..Grants::default() };
    let error = load_with(&sandbox(), guest("noop"), grants).await.err().expect("a refusal");
    assert_eq!(
        error.to_string(),
        "the secret TOKEN: /nonexistent/token cannot be read: No such file or directory (os \
         error 2): create it"
    );
}
