//! Webhooks of a host that serves: a receiver on this machine gets what it should.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::Value;
use zapjobs_model::webhook::Secret;

use crate::server::Server;
use crate::support::{AT_MOST, Folder, component};

/// A message as it arrived.
struct Arrived {
    id: String,
    seconds: i64,
    signature: String,
    body: String,
}

/// Answers each message with the next of these statuses, and with 204 after them.
fn receiver(statuses: &'static [u16]) -> (u16, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (sender, arrived) = channel();
    std::thread::spawn(move || {
        let statuses = statuses.iter().copied().chain(std::iter::repeat(204));
        for (stream, status) in listener.incoming().map_while(Result::ok).zip(statuses) {
            let mut reader = BufReader::new(&stream);
            let mut fields = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("read");
                match line.trim_end() {
                    "" => break,
                    line => fields.push(line.to_owned()),
                }
            }
            let field = |name: &str| {
                let mut own = fields.iter().filter_map(|line| line.split_once(": "));
                let found = own.find(|(own, _)| own.eq_ignore_ascii_case(name));
                found.unwrap_or_else(|| panic!("no {name}: {fields:?}")).1.to_owned()
            };
            let mut body = vec![0; field("content-length").parse().expect("a number")];
            reader.read_exact(&mut body).expect("read");
            let message = Arrived {
                id: field("webhook-id"),
                seconds: field("webhook-timestamp").parse().expect("a number"),
                signature: field("webhook-signature"),
                body: String::from_utf8(body).expect("text"),
            };
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).expect("answered");
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    (port, arrived)
}

fn next(arrived: &Receiver<Arrived>) -> Arrived {
    arrived.recv_timeout(AT_MOST).expect("a message arrives")
}

/// Looks at a webhook's deliveries until they are as wanted.
fn deliveries_once(folder: &Folder, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let end = Instant::now() + AT_MOST;
    loop {
        let listed = folder.json(&["webhooks", "deliveries", "ops"]);
        let deliveries = listed["deliveries"].as_array().expect("a list").clone();
        if wanted(&deliveries) {
            return deliveries;
        }
        assert!(Instant::now() < end, "never came to be: {listed}");
    }
}

#[test]
fn a_receiver_that_fails_at_first_gets_the_signed_message_in_the_end() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let (port, arrived) = receiver(&[500, 503]);
    let server = Server::start(&folder, &["--http", "off", "--set", "webhooks.allow=127.0.0.1"]);
    let url = format!("http://127.0.0.1:{port}/hook");
    let made = folder.json(&["webhooks", "add", "ops", &url, "--events", "run.completed"]);
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    for command in [&["webhooks", "list"][..], &["webhooks", "show", "ops"]] {
        assert!(!folder.json(command).to_string().contains(&secret), "{command:?}");
    }
    let run = folder.json(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    let messages = [next(&arrived), next(&arrived), next(&arrived)];
    let key: Secret = secret.parse().expect("a secret");
    for message in &messages {
        assert_eq!(message.id, messages[0].id, "the same, however often it is sent");
        assert_eq!(message.signature, key.sign(&message.id, message.seconds, &message.body));
    }
    let body: Value = serde_json::from_str(&messages[2].body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["run"]), (&"run.completed".into(), &run["id"]));
    assert!(!messages[2].body.contains("Ada"), "no input, and no output");
    let deliveries = deliveries_once(&folder, |all| all.len() == 3);
    let outcomes: Vec<_> = deliveries.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["delivered", "failed", "failed"], "the newest first");

    assert_eq!(folder.run(&["webhooks", "test", "ops"]).code, 0);
    assert!(next(&arrived).body.contains("webhook.test"));
    let id = run["id"].as_str().expect("an id");
    assert_eq!(folder.run(&["webhooks", "replay", "ops", "--run", id]).code, 0);
    assert_eq!(next(&arrived).id, messages[0].id);
    assert_eq!(folder.run(&["webhooks", "remove", "ops"]).code, 0);
    assert_eq!(folder.run(&["webhooks", "show", "ops"]).code, 2);
    server.stop();
}

#[test]
fn a_private_address_is_refused_unless_it_is_opened() {
    let folder = Folder::new();
    let (port, arrived) = receiver(&[]);
    let server = Server::start(&folder, &["--http", "off"]);
    let url = format!("http://127.0.0.1:{port}/hook");
    folder.json(&["webhooks", "add", "ops", &url]);
    assert_eq!(folder.run(&["webhooks", "test", "ops"]).code, 0);
    let deliveries = deliveries_once(&folder, |all| !all.is_empty());
    let error = deliveries[0]["error"].as_str().expect("an error");
    assert!(error.contains("127.0.0.1 is a loopback address"), "{error}");
    assert!(error.contains("webhooks.allow"), "{error}");
    assert!(arrived.try_recv().is_err(), "nothing was sent");
    server.stop();
}
