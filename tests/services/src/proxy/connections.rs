//! The connections of a proxy: each has two threads, one for each way.
//!
//! **Invariant:** a connection that was cut is no longer among them, and passes nothing on.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Connections at once at most; further ones are refused.
const CONNECTIONS_MAX: usize = 2_000;
/// Bytes that are read before they are passed on.
const BUFFER_BYTES: usize = 16 * 1024;
/// The stack of a thread, of which a connection has two.
const STACK_BYTES: usize = 128 * 1024;
/// How long connecting to the server may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) refuse: bool,
    pub(super) paused: bool,
    pub(super) stopping: bool,
    pub(super) trap: Option<u64>,
    pub(super) cuts: u64,
    pub(super) writing: usize,
    pub(super) threads: usize,
    next: u64,
    /// Those that were neither closed by both sides nor cut.
    pub(super) connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
pub(super) struct Connection {
    /// What the client sent since the trap was set, in bytes.
    pub(super) sent: u64,
    client: Arc<TcpStream>,
    server: Option<Arc<TcpStream>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl State {
    fn cut(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else { return };
        self.cuts += 1;
        for stream in std::iter::once(connection.client).chain(connection.server) {
            // One that its side has closed already cannot be shut down.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn cut_all(&mut self) {
        while let Some((&id, _)) = self.connections.first_key_value() {
            self.cut(id);
        }
    }

    /// How many of so many bytes may go on, and whether the connection is cut after them.
    fn allow(&mut self, id: u64, direction: Direction, bytes: usize) -> Option<(usize, bool)> {
        let connection = self.connections.get_mut(&id)?;
        let sent = connection.sent;
        if direction == Direction::ToServer {
            connection.sent += bytes as u64;
        }
        match self.trap {
            Some(limit) if direction == Direction::ToServer && connection.sent >= limit => {
                self.trap = None;
                let rest = usize::try_from(limit.saturating_sub(sent)).unwrap_or(bytes);
                Some((rest.min(bytes), true))
            }
            _ => Some((bytes, false)),
        }
    }
}

impl Shared {
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    pub(super) fn accept(self: &Arc<Self>, listener: &TcpListener, upstream: u16) {
        for client in listener.incoming() {
            let mut state = self.state.lock();
            if state.stopping {
                return;
            }
            // A client that was gone before it was accepted is no concern.
            let Ok(client) = client.map(Arc::new) else { continue };
            if state.refuse || state.connections.len() >= CONNECTIONS_MAX {
                continue;
            }
            let id = state.next;
            state.next += 1;
            let connection = Connection { sent: 0, client: Arc::clone(&client), server: None };
            state.connections.insert(id, connection);
            state.threads += 1;
            drop(state);
            let shared = Arc::clone(self);
            let run = move || {
                let _ = shared.serve(id, &client, upstream);
                shared.change(|state| {
                    state.connections.remove(&id);
                    state.threads -= 1;
                });
            };
            if spawn("proxy connection", run).is_err() {
                self.change(|state| {
                    state.connections.remove(&id);
                    state.threads -= 1;
                });
            }
        }
    }

    /// Passes on what both sides say until both have ended, or it is cut.
    fn serve(self: &Arc<Self>, id: u64, client: &Arc<TcpStream>, upstream: u16) -> io::Result<()> {
        let place = SocketAddr::from((Ipv4Addr::LOCALHOST, upstream));
        let server = Arc::new(TcpStream::connect_timeout(&place, CONNECT_MAX)?);
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        match self.state.lock().connections.get_mut(&id) {
            Some(connection) => connection.server = Some(Arc::clone(&server)),
            None => return Ok(()),
        }
        let back = {
            let (shared, client, server) = (Arc::clone(self), Arc::clone(client), server.clone());
            spawn("proxy answers", move || shared.pump(id, Direction::ToClient, &server, &client))?
        };
        self.pump(id, Direction::ToServer, client, &server);
        // It can only have panicked, which it told already.
        let _ = back.join();
        Ok(())
    }

    fn pump(&self, id: u64, direction: Direction, from: &TcpStream, to: &TcpStream) {
        let (mut from, mut to) = (from, to);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // A broken connection is handed on as a closed one.
                read => read.unwrap_or(0),
            };
            let Some((bytes, is_last)) = self.wait_for_leave(id, direction, read) else { return };
            let written = to.write_all(&buffer[..bytes]);
            self.change(|state| state.writing -= 1);
            if is_last {
                return self.change(|state| state.cut(id));
            }
            if written.is_err() {
                // Who cannot be told any more is not listened to any more.
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
            if read == 0 {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Waits while the proxy is paused. Nothing, where the connection was cut. Otherwise a
    /// write has begun, and whoever asked has to count it off again.
    fn wait_for_leave(&self, id: u64, direction: Direction, bytes: usize) -> Option<(usize, bool)> {
        let mut state = self.state.lock();
        while state.paused && state.connections.contains_key(&id) {
            self.changed.wait(&mut state);
        }
        let leave = state.allow(id, direction, bytes)?;
        state.writing += 1;
        Some(leave)
    }
}

pub(super) fn spawn<F>(name: &str, run: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(run)
}
