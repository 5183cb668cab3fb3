//! The process of one server: started, held up, stopped and killed.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{children_of, halt, is_alive, send, until, wait};
use crate::spawner::spawn;

/// How long a server may take to start or stop, or servers to agree on something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a server that is dropped may take to end of its own.
const LAST_WORDS_MAX: Duration = Duration::from_secs(10);
/// What servers say, in words of their own, where another has their port.
const IN_USE: &str = "Address already in use";

/// A server; dropped, its process and that one's children end.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    log: PathBuf,
    last: Signal,
    child: Option<Child>,
    is_paused: bool,
}

impl Server {
    /// A server that does not run yet, the file for what it says, and the signal that ends it
    /// at once when it is dropped.
    pub(crate) fn new(name: &'static str, log: PathBuf, last: Signal) -> Self {
        Self { name, log, last, child: None, is_paused: false }
    }

    /// Starts it, and waits until it is ready. The question whether it is gets its process
    /// id; an error is no answer yet. Where the port is taken, the error's kind is
    /// `AddrInUse`. It does not run after an error.
    pub(crate) fn run(
        &mut self,
        mut command: Command,
        mut is_ready: impl FnMut(u32) -> io::Result<bool>,
    ) -> io::Result<()> {
        let log = File::create(&self.log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        #[cfg(unix)]
        {
            // What is typed at the terminal, such as Ctrl-C, is not for servers.
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let child = self.child.insert(spawn(command)?);
        let began = Instant::now();
        let mut last = String::new();
        let pid = child.id();
        while began.elapsed() < PATIENCE {
            match is_ready(pid) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => last = error.to_string(),
            }
            if child.try_wait()?.is_some() {
                last = "it ended".to_owned();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill()?;
        let words = self.words();
        let kind =
            if words.contains(IN_USE) { io::ErrorKind::AddrInUse } else { io::ErrorKind::Other };
        Err(io::Error::new(kind, format!("{} did not start: {last}\n{words}", self.name)))
    }

    /// What it said since it was started.
    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Asks it with a signal to end, and waits until it has.
    pub(crate) fn stop(&mut self, signal: Signal) -> io::Result<()> {
        self.resume()?;
        let Some(mut child) = self.child.take() else { return Ok(()) };
        send(child.id(), signal)?;
        wait(&mut child, PATIENCE)
    }

    /// Kills it with all its children, and waits until they are gone.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.is_paused = false;
        // A stopped process has no further children. One that will not stop is killed all the same.
        let _ = halt(child.id());
        let children = children_of(child.id());
        for process in [child.id()].iter().chain(&children) {
            send(*process, Signal::KILL)?;
        }
        child.wait()?;
        // They still hold memory and files that a successor needs.
        let gone = until(PATIENCE, || Ok(!children.iter().any(|process| is_alive(*process))))?;
        if gone { Ok(()) } else { Err(self.error("its processes do not end")) }
    }

    /// Stops it and its children where they stand; connections stay and nobody answers.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        let Some(child) = self.child.as_ref() else { return Err(self.error("it does not run")) };
        self.is_paused = true;
        halt(child.id())?;
        children_of(child.id()).into_iter().try_for_each(halt)
    }

    /// Lets it go on after [`Server::pause`].
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        let Some(child) = self.child.as_ref().filter(|_| self.is_paused) else { return Ok(()) };
        for process in children_of(child.id()) {
            send(process, Signal::CONT)?;
        }
        send(child.id(), Signal::CONT)?;
        self.is_paused = false;
        Ok(())
    }

    fn error(&self, words: &str) -> io::Error {
        io::Error::other(format!("{}: {words}", self.name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to be told; the process ends with its parent's at the latest.
        let _ = self.resume();
        if let Some(child) = &mut self.child {
            let _ = send(child.id(), self.last);
            let ended = until(LAST_WORDS_MAX, || Ok(child.try_wait()?.is_some()));
            if !ended.unwrap_or(false) {
                let _ = self.kill();
            }
        }
    }
}
