//! A server that an attack may send requests to, below `/open/` only.
//!
//! **Invariant:** it ends with its owner, and counts what should never have arrived.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What may be asked for begins with this.
pub(crate) const OPEN: &str = "/open/";
/// Bytes of a request's head that are looked at.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Parts of an endless answer that are sent at most, 1 KiB each.
const ENDLESS_PARTS_MAX: usize = 64 << 10;
/// How long a connection may hold the server up.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    ends: AtomicBool,
    asked: AtomicUsize,
    forbidden: AtomicUsize,
}

impl Server {
    /// Listens; redirects lead to the port that must never be reached.
    pub(crate) fn start(never: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::<State>::default();
        let of_thread = Arc::clone(&state);
        let thread =
            thread::Builder::new().name("attacked-server".to_owned()).spawn(move || {
                for connection in listener.incoming() {
                    if of_thread.ends.load(Ordering::Acquire) {
                        return;
                    }
                    // Whatever becomes of one connection, the next is another matter.
                    let _ = connection.and_then(|connection| answer(connection, &of_thread, never));
                }
            })?;
        Ok(Self { port, state, thread: Some(thread) })
    }

    /// How many requests arrived that may.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Acquire)
    }

    /// How many requests arrived that must not.
    pub(crate) fn forbidden(&self) -> usize {
        self.state.forbidden.load(Ordering::Acquire)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ends.store(true, Ordering::Release);
        // Wakes it, so that it sees that it ends.
        drop(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut connection: TcpStream, state: &State, never: u16) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let head = head(&mut connection)?;
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if head.is_empty() {
        return Ok(());
    }
    let is_smuggled = head.to_ascii_lowercase().contains("\r\nx-smuggled:");
    let leaves = path.contains("..") || path.contains('%') || !path.starts_with(OPEN);
    if method != "GET" || leaves || is_smuggled {
        state.forbidden.fetch_add(1, Ordering::AcqRel);
        return connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    state.asked.fetch_add(1, Ordering::AcqRel);
    match &path[OPEN.len()..] {
        "redirect" => write!(
            connection,
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{never}/\r\nContent-Length: 0\r\n\r\n"
        ),
        "endless-body" => endless(&mut connection, "HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 1 << 10]),
        "endless-head" => {
            let field = format!("x-field: {}\r\n", "x".repeat((1 << 10) - 11));
            endless(&mut connection, "HTTP/1.1 200 OK\r\n", field.as_bytes())
        }
        // Says nothing until the other side gives up.
        "silent" => connection.read(&mut [0; 1]).map(|_| ()),
        _ => connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngiven"),
    }
}

fn head(connection: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 1 << 10];
    while bytes.len() < HEAD_BYTES_MAX && !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        match connection.read(&mut part)? {
            0 => break,
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn endless(connection: &mut TcpStream, head: &str, part: &[u8]) -> io::Result<()> {
    connection.write_all(head.as_bytes())?;
    (0..ENDLESS_PARTS_MAX).try_for_each(|_| connection.write_all(part))
}
