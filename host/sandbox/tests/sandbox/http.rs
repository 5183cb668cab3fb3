//! Requests to real servers on the loopback interface, through a guest.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use zapjobs_model::grants::{HostPattern, PrivateAddresses, Scheme};
use zapjobs_model::port::{BoxFuture, Plugin};
use zapjobs_model::{Grants, HttpGrant, Limits};
use zapjobs_sandbox::{Resolver, SandboxOptions};

use crate::server::Server;
use crate::support::{Try, guest, load_with, output, sandbox, sandbox_with};

/// Answers each lookup with the next of its lists, and the last one from then on.
#[derive(Debug)]
struct Scripted {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Resolver for Scripted {
    fn resolve(&self, _name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

/// Grants all requests to a host at a port, private addresses included.
fn grant(host: &str, port: u16) -> HttpGrant {
    let mut grant: HttpGrant = serde_json::from_value(json!({
        "host": host, "scheme": "http", "port": port, "methods": ["GET", "HEAD", "POST"],
    }))
    .expect("a grant");
    grant.private_addresses = PrivateAddresses::Private;
    grant
}

fn granted(http: Vec<HttpGrant>) -> Grants {
    Grants { http: Some(http), ..Grants::default() }
}

async fn plugin(grants: Grants) -> Arc<dyn Plugin> {
    load_with(&sandbox(), guest("fetch"), grants).await.expect("it loads")
}

async fn plugin_that_resolves(grants: Grants, answers: &[&[&str]]) -> Arc<dyn Plugin> {
    let parse = |list: &&[&str]| list.iter().map(|it| it.parse().expect("an address")).collect();
    let resolver =
        Scripted { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) };
    let options = SandboxOptions { resolver: Arc::new(resolver), ..SandboxOptions::default() };
    load_with(&sandbox_with(options), guest("fetch"), grants).await.expect("it loads")
}

/// Runs a job and reads its output.
async fn run(plugin: &Arc<dyn Plugin>, attempt: &Try) -> Value {
    serde_json::from_str(output(&attempt.report(plugin).await)).expect("JSON")
}

fn get(authority: &str, path: &str) -> Value {
    json!({ "authority": authority, "path": path })
}

async fn fetch(plugin: &Arc<dyn Plugin>, request: &Value) -> Value {
    run(plugin, &Try::of("fetch", &request.to_string())).await
}

fn local(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port)
}

/// A plugin that may send everything to a server, and its authority.
async fn reaching(server: &Server) -> (Arc<dyn Plugin>, String) {
    (plugin(granted(vec![grant("127.0.0.1", server.port)])).await, local(server))
}

fn said(attempt: &Try) -> Vec<String> {
    attempt.heard.lines().into_iter().map(|line| line.message).collect()
}

#[tokio::test]
async fn a_granted_request_is_answered_and_counted() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello");
    let (plugin, authority) = reaching(&server).await;
    let request = json!({
        "authority": authority, "path": "/v1?q=1", "method": "POST", "body": 3,
        "headers": { "x-own": "c" },
    });
    let attempt = Try::of("fetch", &request.to_string());
    let report = attempt.report(&plugin).await;
    let answer: Value = serde_json::from_str(output(&report)).expect("JSON");
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("hello")));
    assert_eq!(answer["headers"][0], json!(["x-a", "b"]));
    let sent = server.heard().await;
    assert!(sent.starts_with("POST /v1?q=1 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("\r\nhost: {authority}\r\n")), "{sent}");
    assert!(sent.contains("\r\nx-own: c\r\n") && sent.contains("xxx"), "{sent}");
    let usage = report.usage;
    let counts = (usage.http_requests, usage.http_sent_bytes, usage.http_received_bytes);
    assert_eq!(counts, (1, 3, 5));
}

#[tokio::test]
async fn what_is_not_granted_is_refused_and_the_log_shows_what_would_allow_it() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let plugin = plugin(granted(vec![HttpGrant::to(
        HostPattern::parse("api.example.com").expect("a host"),
    )]))
    .await;
    let attempt = Try::of("fetch", &get(&local(&server), "/v1").to_string());
    assert_eq!(run(&plugin, &attempt).await, json!({ "error": "HttpRequestDenied" }));
    assert_eq!(
        said(&attempt),
        [format!(
            "a request was refused: GET http://127.0.0.1:{0}/v1: no grant allows it: these lines \
             in the plugin's manifest would: `[[http]]`, `host = \"127.0.0.1\"`, `scheme = \
             \"http\"`, `port = {0}`, `methods = [\"GET\"]`, `paths = [\"/v1\"]`",
            server.port
        )]
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn urls_that_hide_where_they_go_are_refused() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let mut open = grant("*", server.port);
    open.paths = serde_json::from_value(json!(["/open/**"])).expect("paths");
    let plugin = plugin(granted(vec![open])).await;
    let port = server.port;
    for authority in ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "user@127.0.0.1", "a@b@c"] {
        let answer = fetch(&plugin, &get(&format!("{authority}:{port}"), "/open/a")).await;
        assert_eq!(answer, json!({ "error": "HttpRequestUriInvalid" }), "{authority}");
    }
    for path in ["/open/../a", "/open/%2e%2e/a", "/open/..%2fa", "/open/..;/a", "/open//a", "/a"] {
        let answer = fetch(&plugin, &get(&local(&server), path)).await;
        assert_eq!(answer, json!({ "error": "HttpRequestDenied" }), "{path}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_granted() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let closed = HttpGrant { private_addresses: PrivateAddresses::None, ..grant("*", server.port) };
    let plugin = plugin(granted(vec![closed])).await;
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost"] {
        let attempt = Try::of("fetch", &get(&format!("{host}:{}", server.port), "/").to_string());
        let answer = run(&plugin, &attempt).await;
        assert_eq!(answer, json!({ "error": "DestinationIpProhibited" }), "{host}");
        assert!(said(&attempt)[0].contains("private_addresses = "), "{:?}", said(&attempt));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_looked_at_again() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let opened = serde_json::from_value(json!(["127.0.0.1/32"])).expect("networks");
    let one = HttpGrant { private_addresses: opened, ..grant("a.example", server.port) };
    let answers: [&[&str]; 3] = [&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.1", "10.0.0.1"]];
    let plugin = plugin_that_resolves(granted(vec![one]), &answers).await;
    let request = get(&format!("a.example:{}", server.port), "/");
    assert_eq!(fetch(&plugin, &request).await["status"], 200);
    for _ in 0..2 {
        let answer = fetch(&plugin, &request).await;
        assert_eq!(answer, json!({ "error": "DestinationIpProhibited" }));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow_and_is_checked_like_any_request() {
    let elsewhere = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let location = format!("http://{}/secret", local(&elsewhere));
    let server = Server::answering(&format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ));
    let (plugin, authority) = reaching(&server).await;
    let answer = fetch(&plugin, &get(&authority, "/")).await;
    assert_eq!((&answer["status"], &answer["headers"][0][1]), (&json!(302), &json!(location)));
    let followed = fetch(&plugin, &get(&local(&elsewhere), "/secret")).await;
    assert_eq!(followed, json!({ "error": "HttpRequestDenied" }));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn header_fields_of_the_connection_are_not_the_guests() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let (plugin, authority) = reaching(&server).await;
    for name in ["Host", "Connection", "Transfer-Encoding", "Upgrade", "TE", "Expect", "x y"] {
        let request = json!({ "authority": authority, "headers": { name: "a" } });
        let answer = fetch(&plugin, &request).await;
        assert!(answer["error"].to_string().contains(name), "{name}: {answer}");
    }
    let split = json!({ "authority": authority, "headers": { "x-a": "b\r\nx-c: d" } });
    assert!(fetch(&plugin, &split).await["error"].to_string().contains("x-a"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn answers_beyond_a_limit_are_cut_off_and_told() {
    let endless_header =
        Server::endless("HTTP/1.1 200 OK\r\n", "x-a: bbbbbbbbbbbbbbbbbbbbbbbb\r\n");
    let (plugin, authority) = reaching(&endless_header).await;
    let error = fetch(&plugin, &get(&authority, "/")).await["error"].to_string();
    assert!(error.contains("HttpResponseHeaderSectionSize"), "{error}");

    let endless_body = Server::endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789");
    let (plugin, authority) = reaching(&endless_body).await;
    let attempt = Try::of("fetch", &get(&authority, "/").to_string())
        .limited(|limits| limits.http_response_bytes_max = 10_000);
    let answer = run(&plugin, &attempt).await;
    let ended = answer["ended"].to_string();
    assert!(ended.contains("HttpResponseBodySize") || ended.contains("body size"), "{answer}");
    assert!(answer["bytes"].as_u64().is_some_and(|bytes| bytes <= 10_000), "{answer}");
    assert_eq!(
        said(&attempt),
        ["an answer's body was cut off: limit http_response_bytes_max = 10000"]
    );

    let announced = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
    let (plugin, authority) = reaching(&announced).await;
    let error = fetch(&plugin, &get(&authority, "/")).await["error"].to_string();
    assert!(error.contains("HttpResponseBodySize(Some(99999999999))"), "{error}");
}

#[tokio::test]
async fn requests_beyond_a_limit_are_refused_and_told() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    let (plugin, authority) = reaching(&server).await;
    let request = get(&authority, "/");
    let three = json!([request, request, request]).to_string();
    let limited = |limit: fn(&mut Limits)| Try::of("fetch-each", &three).limited(limit);

    let attempt = limited(|limits| limits.http_requests_max = 2);
    let answers = run(&plugin, &attempt).await;
    assert_eq!(
        (&answers[1]["status"], &answers[2]["error"]),
        (&json!(200), &json!("HttpRequestDenied"))
    );
    assert_eq!(said(&attempt), ["a request was refused: limit http_requests_max = 2"]);

    let attempt = limited(|limits| limits.http_received_bytes_max = 11);
    let answers = run(&plugin, &attempt).await;
    assert_eq!((&answers[1]["ended"], &answers[2]["bytes"]), (&Value::Null, &json!(0)));
    assert_eq!(
        said(&attempt),
        ["an answer's body was cut off: limit http_received_bytes_max = 11"]
    );

    let attempt = limited(|limits| limits.http_url_bytes_max = 16);
    assert_eq!(run(&plugin, &attempt).await[0]["error"], "HttpRequestUriTooLong");

    let many: serde_json::Map<_, _> = (0..9).map(|n| (format!("x-{n}"), json!("a"))).collect();
    let request = json!({ "authority": authority, "headers": many }).to_string();
    let attempt = Try::of("fetch", &request).limited(|limits| limits.http_headers_max = 9);
    let error = run(&plugin, &attempt).await["error"].to_string();
    assert!(error.contains("HttpRequestHeaderSectionSize"), "{error}");

    let posted = json!({ "authority": authority, "method": "POST", "body": 100_000 }).to_string();
    let silent = Server::silent();
    let posted = posted.replace(&authority, &local(&silent));
    let (plugin, _) = reaching(&silent).await;
    let attempt = Try::of("fetch", &posted).limited(|limits| limits.http_request_bytes_max = 9_000);
    let error = run(&plugin, &attempt).await["error"].to_string();
    assert!(error.contains("HttpRequestBodySize(Some(9000))"), "{error}");
    assert_eq!(
        said(&attempt),
        ["a request's body was cut off: limit http_request_bytes_max = 9000"]
    );
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    let (plugin, authority) = reaching(&server).await;
    let request = get(&authority, "/");
    let attempt =
        Try::of("hold-all", &json!([request, request, request]).to_string()).limited(|limits| {
            limits.http_open_max = 2;
            limits.http_connect_ms_max = 200;
        });
    assert_eq!(run(&plugin, &attempt).await, json!(["200", "200", "ConnectionLimitReached"]));
    assert_eq!(said(&attempt), ["a request failed: limit http_open_max = 2"]);
}

#[tokio::test]
async fn a_server_that_dawdles_is_given_up() {
    let silent = Server::silent();
    let (plugin, authority) = reaching(&silent).await;
    let short = |limits: &mut Limits| limits.http_first_byte_ms_max = 50;
    let attempt = Try::of("fetch", &get(&authority, "/").to_string()).limited(short);
    assert_eq!(run(&plugin, &attempt).await, json!({ "error": "HttpResponseTimeout" }));
    let impatient = json!({ "authority": authority, "first_byte_ms": 50 });
    assert_eq!(fetch(&plugin, &impatient).await, json!({ "error": "HttpResponseTimeout" }));

    let stuck = Server::stuck("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    let (plugin, authority) = reaching(&stuck).await;
    let attempt = Try::of("fetch", &get(&authority, "/").to_string()).limited(short);
    let answer = run(&plugin, &attempt).await;
    assert_eq!(answer["body"], "he");
    assert!(answer["ended"].to_string().contains("timeout"), "{answer}");

    let dripping = Server::dripping("HTTP/1.1 200 OK\r\n\r\n", "x", Duration::from_millis(5));
    let (plugin, authority) = reaching(&dripping).await;
    let attempt = Try::of("fetch", &get(&authority, "/").to_string())
        .limited(|limits| limits.http_exchange_ms_max = 300);
    let answer = run(&plugin, &attempt).await;
    assert!(answer["ended"].to_string().contains("HTTP response timeout"), "{answer}");
}

#[tokio::test]
async fn broken_answers_are_errors() {
    for (answer, expected) in [
        ("", "HttpResponseIncomplete"),
        ("HTTP/1.1 200 OK\r\nX-A", "HttpResponseIncomplete"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "HttpProtocolError"),
        ("HTTP/1.1 200 OK\r\nX A: b\r\n\r\n", "HttpProtocolError"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HttpProtocolError",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "HttpUpgradeFailed",
        ),
    ] {
        let server = Server::answering(answer);
        let (plugin, authority) = reaching(&server).await;
        let got = fetch(&plugin, &get(&authority, "/")).await;
        assert_eq!(got, json!({ "error": expected }), "{answer:?}");
    }
    let cut = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    let (plugin, authority) = reaching(&cut).await;
    let got = fetch(&plugin, &get(&authority, "/")).await;
    assert!(got["body"] == "hello" && got["ended"].is_string(), "{got}");
}

#[tokio::test]
async fn what_comes_before_or_behind_an_answer_is_no_answer() {
    let server = Server::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    );
    let (plugin, authority) = reaching(&server).await;
    let request = get(&authority, "/");
    let two = Try::of("fetch-each", &json!([request, request]).to_string());
    for answer in run(&plugin, &two).await.as_array().expect("two answers") {
        assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("ok")), "{answer}");
    }
    assert_eq!(server.connections(), 2, "each request has a connection of its own");
}

#[tokio::test]
async fn an_attempt_that_ends_drops_its_connections() {
    let server = Server::silent();
    let (plugin, authority) = reaching(&server).await;
    let attempt = Try::of("fetch", &get(&authority, "/").to_string())
        .limited(|limits| limits.wall_ms_max = 300);
    attempt.report(&plugin).await;
    server.closed().await;
}

#[tokio::test]
async fn a_server_proves_its_name_to_whom_the_grant_trusts() {
    let (server, ca_file) = Server::encrypted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let to = |host: &str, ca_file| HttpGrant {
        scheme: Scheme::Https,
        ca_file,
        ..grant(host, server.port)
    };
    let trusting = || Some(ca_file.clone());
    let answers: [&[&str]; 1] = [&["127.0.0.1"]];
    let request = |host: &str| json!({ "scheme": "https", "authority": format!("{host}:{}", server.port), "path": "/" });
    let plugin = plugin_that_resolves(granted(vec![to("*", trusting())]), &answers).await;
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(fetch(&plugin, &request(host)).await["status"], 200, "{host}");
    }
    let attempt = Try::of("fetch", &request("other.example").to_string());
    assert_eq!(run(&plugin, &attempt).await, json!({ "error": "TlsCertificateError" }));
    assert!(said(&attempt)[0].contains("certificate not valid for name"), "{:?}", said(&attempt));
    let untrusting = plugin_that_resolves(granted(vec![to("*", None)]), &answers).await;
    let answer = fetch(&untrusting, &request("localhost")).await;
    assert_eq!(answer, json!({ "error": "TlsCertificateError" }));
}

#[tokio::test]
async fn methods_and_schemes_beyond_the_grant_are_refused() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let (plugin, authority) = reaching(&server).await;
    for (method, scheme, expected) in [
        ("PUT", "http", "HttpRequestDenied"),
        ("CONNECT", "http", "HttpRequestMethodInvalid"),
        ("TRACE", "http", "HttpRequestMethodInvalid"),
        ("GET", "https", "HttpRequestDenied"),
        ("GET", "ftp", "HttpProtocolError"),
    ] {
        let request = json!({ "authority": authority, "method": method, "scheme": scheme });
        let answer = fetch(&plugin, &request).await;
        assert_eq!(answer, json!({ "error": expected }), "{method} {scheme}");
    }
    assert_eq!(server.connections(), 0);
}
