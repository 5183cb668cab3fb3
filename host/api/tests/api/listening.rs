//! The server on a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use zapjobs_api::{BindError, Server};

use crate::support::{place, place_with};

const LOOPBACK: &str = "127.0.0.1:0";

async fn exchange(stream: &mut TcpStream, request: &str, until: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    while !text.contains(until) {
        let mut bytes = [0; 4_096];
        let read = stream.read(&mut bytes).await.expect("received");
        if read == 0 {
            break;
        }
        text.push_str(std::str::from_utf8(&bytes[..read]).expect("text"));
    }
    text
}

#[tokio::test]
async fn without_tokens_it_listens_on_the_loopback_alone() {
    let place = place().await;
    let everywhere: SocketAddr = "0.0.0.0:0".parse().expect("an address");
    let refused = Server::bind(everywhere, &place.api).await.err().expect("refused");
    assert!(matches!(refused, BindError::Exposed(_)));
    let text = refused.to_string();
    assert!(text.contains("set http.auth to tokens") && !text.contains('\n'), "{text}");
    let guarded = place_with(zapjobs_api::ApiOptions::default()).await;
    assert!(Server::bind(everywhere, &guarded.api).await.is_ok());
}

#[tokio::test]
async fn it_serves_until_it_is_stopped_and_ends_streams() {
    let place = place().await;
    let server =
        Server::bind(LOOPBACK.parse().expect("an address"), &place.api).await.expect("listens");
    let (address, stop) = (server.address(), CancellationToken::new());
    let serving = tokio::spawn(server.serve(stop.clone(), Duration::from_secs(20)));
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!("Host: {address}\r\n\r\n");
    let text = exchange(&mut stream, &format!("GET /health/live HTTP/1.1\r\n{head}"), "true").await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    let get = format!("GET /api/v1/events HTTP/1.1\r\n{head}");
    let text = exchange(&mut stream, &get, "retry: 2000").await;
    assert!(text.contains("text/event-stream"), "{text}");
    stop.cancel();
    // Long before the time to drain: nothing keeps a stream alive.
    tokio::time::timeout(Duration::from_secs(10), serving).await.expect("in time").expect("ends");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
