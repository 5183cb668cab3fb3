//! Child processes, and where their programs are.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A program: in one of these directories, or on the `PATH`.
pub(crate) fn find(program: &str, directories: &[PathBuf]) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let mut places = directories.iter().cloned().chain(on_path).map(|dir| dir.join(program));
    places.find(|file| file.is_file()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("{program} is not installed"))
    })
}

/// A port that nobody uses at this moment.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether this process is root's, which some servers refuse to be.
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| {
        line.strip_prefix("Uid:").and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
    })
}

/// Sends a signal, such as `INT`, to one process.
pub(crate) fn signal(process: u32, name: &str) -> io::Result<ExitStatus> {
    Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()
}

/// Waits for a child to end; kills it if it does not in time.
pub(crate) fn wait(child: &mut Child, within: Duration) -> io::Result<()> {
    let began = Instant::now();
    while began.elapsed() < within {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait().map(drop)
}

/// Gives a directory to another user, so that its server may write there.
pub(crate) fn give(directory: &Path, user: &str) -> io::Result<()> {
    let status = Command::new("chown").arg(user).arg(directory).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("chown {user} failed for {}", directory.display())))
}
