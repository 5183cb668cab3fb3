//! A TCP proxy that loses connections, refuses them or holds them up when it is told to.
//!
//! **Invariant:** it changes no byte and no order. What it does to a connection, a network can
//! do too.
//!
//! Everything here blocks, and for a short time only: calls from asynchronous tests are fine.

mod connections;

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use self::connections::{Shared, State, spawn};

/// How long [`Proxy::pause`] waits for a write under way, and a drop for connections to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A proxy in front of a server of this machine; dropped, it cuts everything and ends.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use zapjobs_services::{Proxy, Redis, RedisSettings};
///
/// let server = Redis::start(&RedisSettings::default())?;
/// let proxy = Proxy::start(server.port())?;
/// let url = format!("redis://127.0.0.1:{}", proxy.port());
/// // A client connects to `url`; then its connection breaks, and it cannot come back ...
/// proxy.refuse(true);
/// proxy.cut();
/// // ... until the network is well again.
/// proxy.refuse(false);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy on a free port of the loopback interface, which passes on to the port
    /// `upstream` of the same. The server need not run yet: each connection is tried anew.
    ///
    /// # Errors
    ///
    /// Where no port or no thread is to be had.
    pub fn start(upstream: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let accepting = {
            let shared = Arc::clone(&shared);
            spawn("proxy", move || shared.accept(&listener, upstream))?
        };
        Ok(Self { port, shared, accepting: Some(accepting) })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections under way at once, on both sides, whatever they were saying.
    /// New ones are accepted as before: call [`Proxy::refuse`] first to keep clients out.
    pub fn cut(&self) {
        self.shared.change(State::cut_all);
    }

    /// Whether new connections are closed as soon as they are made. Those under way stay.
    /// False at first.
    pub fn refuse(&self, refuse: bool) {
        self.shared.change(|state| state.refuse = refuse);
    }

    /// Stops all bytes, both ways, until [`Proxy::resume`]. Connections stay, new ones are
    /// accepted, and nobody is told: as if the network had gone. What a side closes in the
    /// meantime, the other learns after the pause. Nothing is lost by a pause.
    ///
    /// What was passed on before may still be on its way in the system's buffers.
    pub fn pause(&self) {
        let mut state = self.shared.state.lock();
        state.paused = true;
        // A write that waits for its reader does not flow either, so this need not wait for ever.
        let is_writing = |state: &mut State| state.writing > 0;
        self.shared.changed.wait_while_for(&mut state, is_writing, PATIENCE);
    }

    /// Lets bytes flow again after [`Proxy::pause`], beginning with those that were held.
    pub fn resume(&self) {
        self.shared.change(|state| state.paused = false);
    }

    /// Sets a trap: the first connection whose client sends `bytes` bytes from now on has
    /// exactly so many passed on and is then cut. The trap is gone then: this connection's
    /// successor and all others go on as usual. A new trap takes the place of one that was not
    /// sprung. [`Proxy::cuts`] tells whether it was.
    ///
    /// With fewer bytes than a transaction sends, this cuts in the middle of it.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.change(|state| {
            state.trap = Some(bytes);
            state.connections.values_mut().for_each(|connection| connection.sent = 0);
        });
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> u64 {
        self.shared.state.lock().cuts
    }

    /// How many connections there are now.
    pub fn connections(&self) -> usize {
        self.shared.state.lock().connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.stopping = true;
            state.cut_all();
        });
        // Nothing else ends the wait for a connection.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
        let mut state = self.shared.state.lock();
        let is_busy = |state: &mut State| state.threads > 0;
        self.shared.changed.wait_while_for(&mut state, is_busy, PATIENCE);
    }
}
