//! Starts processes that end with this one, however it ends.
//!
//! **Invariant:** the thread that starts them lives as long as the process. The kernel's
//! "signal at the parent's death" is about the parent *thread*: a server that a test's thread
//! had started would end with that thread.

use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Mutex, PoisonError};

use crate::process::is_root;
use crate::programs::find;

/// Whose servers are that refuse to be root's. PostgreSQL's package makes it.
pub(crate) const UNPRIVILEGED: &str = "postgres";
/// Orders that may wait for the thread.
const ORDERS_MAX: usize = 64;

struct Order {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static SPAWNER: Mutex<Option<SyncSender<Order>>> = Mutex::new(None);

/// A command for a program that gets a signal, such as `KILL`, when this process has ended,
/// and that belongs to another user where one is named. The process that it starts becomes
/// the program itself: the child's id is the program's.
pub(crate) fn tied(program: &Path, signal: &str, user: Option<&str>) -> io::Result<Command> {
    let setpriv = match find("setpriv") {
        Some(setpriv) => setpriv,
        // Then servers outlive a process that is killed.
        None if user.is_none() => return Ok(Command::new(program)),
        None => return Err(io::Error::other("setpriv of util-linux is not installed")),
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.arg("--").arg(program);
    Ok(command)
}

/// A command for a program that refuses to be root's: as [`tied`], and where this process is
/// root's, of PostgreSQL's user.
pub(crate) fn tied_not_as_root(program: &Path, signal: &str) -> io::Result<Command> {
    tied(program, signal, is_root().then_some(UNPRIVILEGED))
}

/// Starts a command from the thread that never ends.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    let (answer, answered) = mpsc::channel();
    let gone = || io::Error::other("the thread that starts servers has ended");
    let orders = orders()?;
    orders.send(Order { command, answer }).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

fn orders() -> io::Result<SyncSender<Order>> {
    // It holds either nothing or a sender, whatever panicked meanwhile.
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(orders) = spawner.as_ref() {
        return Ok(orders.clone());
    }
    let (orders, ordered) = mpsc::sync_channel::<Order>(ORDERS_MAX);
    std::thread::Builder::new().name("server spawner".to_owned()).spawn(move || {
        for Order { mut command, answer } in ordered {
            // Whoever ordered waits for the answer.
            let _ = answer.send(command.spawn());
        }
    })?;
    Ok(spawner.insert(orders).clone())
}
