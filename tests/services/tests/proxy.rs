//! What the proxy does to connections, seen from both ends.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use zapjobs_services::Proxy;

/// How long something may take that has to happen.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long it is watched that something does not happen.
const WATCH: Duration = Duration::from_millis(150);

/// A proxy, the listener behind it, and one connection through it, from both its ends.
struct Line {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

fn line() -> Line {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().port()).unwrap();
    let client = connect(&proxy);
    let server = accept(&listener);
    Line { proxy, listener, client, server }
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    stream
}

fn accept(listener: &TcpListener) -> TcpStream {
    let stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    stream
}

fn passes(from: &mut TcpStream, to: &mut TcpStream, text: &[u8]) {
    from.write_all(text).unwrap();
    receives(to, text);
}

fn receives(to: &mut TcpStream, text: &[u8]) {
    let mut got = vec![0; text.len()];
    to.read_exact(&mut got).unwrap();
    assert_eq!(got, text);
}

/// All that still comes until the other side has closed or cut.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Ok(_) => got,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => got,
        Err(error) => panic!("it is not closed: {error}"),
    }
}

fn nothing_comes(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(WATCH)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WAIT_MAX, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn bytes_pass_both_ways_unchanged() {
    let mut line = line();
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let sent = large.clone();
    let mut client = line.client.try_clone().unwrap();
    let writer = std::thread::spawn(move || client.write_all(&sent).unwrap());
    receives(&mut line.server, &large);
    writer.join().unwrap();
    passes(&mut line.server, &mut line.client, b"answer");
    assert_eq!((line.proxy.connections(), line.proxy.cuts()), (1, 0));
}

#[test]
fn a_side_that_has_said_all_still_hears_the_other() {
    let mut line = line();
    line.client.write_all(b"question").unwrap();
    line.client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rest(&mut line.server), b"question");
    passes(&mut line.server, &mut line.client, b"answer");
    drop(line.server);
    assert_eq!(rest(&mut line.client), b"");
    eventually("it is forgotten", || line.proxy.connections() == 0);
    assert_eq!(line.proxy.cuts(), 0);
}

#[test]
fn cut_closes_both_ends_of_all_connections_and_lets_new_ones_in() {
    let mut line = line();
    let mut second = (connect(&line.proxy), accept(&line.listener));
    passes(&mut line.client, &mut line.server, b"one");
    passes(&mut second.0, &mut second.1, b"two");
    line.proxy.cut();
    for stream in [&mut line.client, &mut line.server, &mut second.0, &mut second.1] {
        assert_eq!(rest(stream), b"");
    }
    assert_eq!((line.proxy.connections(), line.proxy.cuts()), (0, 2));
    let mut third = (connect(&line.proxy), accept(&line.listener));
    passes(&mut third.0, &mut third.1, b"three");
}

#[test]
fn refused_connections_are_closed_and_others_stay() {
    let mut line = line();
    line.proxy.refuse(true);
    assert_eq!(rest(&mut connect(&line.proxy)), b"");
    passes(&mut line.client, &mut line.server, b"still here");
    line.proxy.refuse(false);
    let mut second = (connect(&line.proxy), accept(&line.listener));
    passes(&mut second.0, &mut second.1, b"welcome");
}

#[test]
fn a_pause_holds_bytes_and_closes_both_ways_and_loses_none() {
    let mut line = line();
    passes(&mut line.client, &mut line.server, b"before");
    line.proxy.pause();
    line.client.write_all(b"question").unwrap();
    line.server.write_all(b"answer").unwrap();
    nothing_comes(&mut line.server);
    nothing_comes(&mut line.client);
    let mut second = connect(&line.proxy);
    second.write_all(b"second").unwrap();
    line.client.shutdown(std::net::Shutdown::Write).unwrap();
    nothing_comes(&mut line.server);
    line.proxy.resume();
    assert_eq!(rest(&mut line.server), b"question");
    receives(&mut line.client, b"answer");
    receives(&mut accept(&line.listener), b"second");
}

#[test]
fn a_paused_connection_can_be_cut() {
    let mut line = line();
    line.proxy.pause();
    line.client.write_all(b"lost").unwrap();
    line.proxy.cut();
    line.proxy.resume();
    assert_eq!(rest(&mut line.server), b"");
    assert_eq!(rest(&mut line.client), b"");
}

#[test]
fn a_trap_cuts_once_after_exactly_so_many_bytes_of_one_client() {
    let mut line = line();
    passes(&mut line.client, &mut line.server, b"these do not count");
    line.proxy.cut_after(10);
    passes(&mut line.client, &mut line.server, b"1234567");
    passes(&mut line.server, &mut line.client, b"answers do not count");
    let mut second = (connect(&line.proxy), accept(&line.listener));
    passes(&mut second.0, &mut second.1, b"7654321");
    line.client.write_all(b"890abc").unwrap();
    assert_eq!(rest(&mut line.server), b"890");
    assert_eq!(rest(&mut line.client), b"");
    assert_eq!(line.proxy.cuts(), 1);
    passes(&mut second.0, &mut second.1, b"the other goes on, beyond ten bytes");
    let mut third = (connect(&line.proxy), accept(&line.listener));
    passes(&mut third.0, &mut third.1, b"and so does the next one");
    assert_eq!(line.proxy.cuts(), 1);
}

#[test]
fn a_server_that_is_not_there_closes_the_client_until_it_is_there() {
    let port = line().listener.local_addr().unwrap().port();
    let proxy = Proxy::start(port).unwrap();
    assert_eq!(rest(&mut connect(&proxy)), b"");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (mut client, mut server) = (connect(&proxy), accept(&listener));
    passes(&mut client, &mut server, b"hello");
}

#[test]
fn a_dropped_proxy_cuts_all_and_frees_its_port() {
    let mut line = line();
    let port = line.proxy.port();
    line.proxy.pause();
    drop(line.proxy);
    assert_eq!(rest(&mut line.client), b"");
    assert_eq!(rest(&mut line.server), b"");
    let error = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}
