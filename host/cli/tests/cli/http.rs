//! The HTTP API of a host, and its tokens, from the command line.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::Folder;

/// Any free port.
const FREE: [&str; 2] = ["--http", "127.0.0.1:0"];

/// Asks a host, and answers the status and the body.
fn ask(address: &str, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("connected");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("received");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_token_lets_in_until_it_is_revoked() {
    let folder = Folder::new();
    let server = Server::start(&folder, &FREE);
    let address = server.ready()["http"].as_str().expect("an address").to_owned();
    assert_eq!(ask(&address, "GET", "/health/live", "", "").0, 200);
    assert_eq!(ask(&address, "GET", "/api/v1/runs", "", "").0, 401);
    let made = folder.json(&["tokens", "create", "ci", "--scope", "operate", "--expires", "1h"]);
    let (token, id) =
        (made["token"].as_str().expect("a token"), made["id"].as_str().expect("an id"));
    let (status, runs) = ask(&address, "GET", "/api/v1/runs", token, "");
    assert_eq!((status, &runs["runs"]), (200, &json!([])), "{runs}");
    let (status, problem) =
        ask(&address, "POST", "/api/v1/runs", token, r#"{"job_type": "nothing"}"#);
    assert_eq!((status, &problem["code"]), (422, &json!("unknown-job-type")), "{problem}");
    assert_eq!(ask(&address, "GET", "/api/v1/runs?tenant=acme", token, "").0, 403, "bound");

    let listed = folder.json(&["tokens", "list"]);
    assert_eq!(listed["tokens"][0]["id"], id);
    assert_eq!(
        (&listed["tokens"][0]["scope"], &listed["tokens"][0]["good"]),
        (&json!("operate"), &json!(true))
    );
    assert!(!listed.to_string().contains(token.rsplit('_').next().expect("a secret")));
    assert_eq!(folder.run(&["tokens", "revoke", id]).code, 0);
    assert_eq!(ask(&address, "GET", "/api/v1/runs", token, "").0, 401);
    server.stop();
}

#[test]
fn what_cannot_be_listened_on_is_refused_in_one_line() {
    let folder = Folder::new();
    let everywhere = ["serve", "--http", "0.0.0.0:0", "--set", "http.auth=off"];
    let refused = folder.run(&everywhere);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("set http.auth to tokens"), "{}", refused.stderr);
    let server = Server::start(&folder, &FREE);
    let address = server.ready()["http"].as_str().expect("an address").to_owned();
    let taken = folder.run(&["serve", "--http", &address]);
    assert_eq!(taken.code, 3, "{}", taken.stderr);
    assert!(taken.stderr.contains("cannot listen on"), "{}", taken.stderr);
    let off = Server::start(&folder, &["--http", "off"]);
    assert_eq!(off.ready()["http"], Value::Null);
}

#[test]
fn a_token_that_cannot_be_is_refused() {
    let folder = Folder::new();
    Server::start(&folder, &["--http", "off"]).stop();
    let life = folder.run(&["tokens", "create", "ci", "--expires", "10ms"]);
    assert_eq!(life.code, 2, "{}", life.stderr);
    assert!(life.stderr.contains("use 1 second to 10 years"), "{}", life.stderr);
    assert_eq!(folder.run(&["tokens", "create", "ci", "--scope", "root"]).code, 2);
    let nowhere = folder.run(&["tokens", "revoke", "0123456789abcdef"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.stderr);
    let listed = folder.run(&["tokens", "list"]);
    assert_eq!((listed.code, listed.stdout.as_str()), (0, ""), "{}", listed.stderr);
}
