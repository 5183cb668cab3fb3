//! Processes and files: whose they are, and how processes are signalled.

use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Whether this process is root's, which some servers refuse to be.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives files to another user, so that its server may use them.
pub(crate) fn give(files: &[&Path], user: &str) -> io::Result<()> {
    let given = Command::new("chown").arg(user).args(files).output()?;
    if given.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&given.stderr);
    Err(io::Error::other(format!("files cannot be given to {user}: {}", words.trim())))
}

/// Sends a signal to a process. One that is gone already is no error.
pub(crate) fn send(process: u32, signal: Signal) -> io::Result<()> {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return Ok(()) };
    match kill_process(pid, signal) {
        Err(Errno::SRCH) => Ok(()),
        sent => Ok(sent?),
    }
}

/// Stops a process where it stands, and waits until all its threads have.
pub(crate) fn halt(process: u32) -> io::Result<()> {
    const HALT_MAX: Duration = Duration::from_secs(10);
    send(process, Signal::STOP)?;
    if until(HALT_MAX, || Ok(is_halted(process)))? {
        return Ok(());
    }
    Err(io::Error::other(format!("process {process} does not stop")))
}

/// Whether no thread of a process runs: all are stopped, or have ended.
fn is_halted(process: u32) -> bool {
    threads_are(process, "TtZX")
}

/// Whether a process is at work: it exists, and is not merely waiting to be reaped.
pub(crate) fn is_alive(process: u32) -> bool {
    !threads_are(process, "ZX")
}

/// Whether all threads of a process are in one of these states, or gone. The first one may
/// have ended while others still hold files and ports.
fn threads_are(process: u32, states: &str) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    threads.flatten().all(|thread| {
        let state = std::fs::read_to_string(thread.path().join("stat"));
        let state = state.ok().and_then(|text| parse_stat(&text));
        state.is_none_or(|(state, _)| states.contains(state))
    })
}

/// The children of a process, as Linux lists them; elsewhere none.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| stat(*process).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// A process's state and its parent.
fn stat(process: u32) -> Option<(char, u32)> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<(char, u32)> {
    // The program's name stands in parentheses, and may have any character in it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Waits for a child to end; kills it if it does not in time.
pub(crate) fn wait(child: &mut Child, within: Duration) -> io::Result<()> {
    let ended = until(within, || Ok(child.try_wait()?.is_some()))?;
    if !ended {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

/// Looks again and again until something is so; whether it was in time.
pub(crate) fn until(
    within: Duration,
    mut is_so: impl FnMut() -> io::Result<bool>,
) -> io::Result<bool> {
    const PAUSE: Duration = Duration::from_millis(5);
    let began = Instant::now();
    while !is_so()? {
        if began.elapsed() >= within {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}
