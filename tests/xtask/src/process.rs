//! Running other programs.
//!
//! **Invariant:** a program that fails is an error which names it; what it printed has been
//! shown, or is in the error.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// Bytes of a program's output that are kept for counting and for errors, at most.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// Lines of a silent program's standard error that an error repeats, at most.
const ERROR_LINES_MAX: usize = 20;

/// Runs a program whose output goes where this one's goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a program silently and answers what it wrote to standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start `{}`", shown(command)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors = last_lines(&errors, ERROR_LINES_MAX);
        bail!("`{}` failed: {}\n{errors}", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("read what `{}` wrote", shown(command)))
}

/// Runs a program, shows what it writes as it comes, and answers all of it: both outputs, as
/// far as [`KEPT_BYTES_MAX`].
pub(crate) fn run_and_keep(command: &mut Command) -> Result<String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start `{}`", shown(command)))?;
    let errors = child.stderr.take().expect("standard error is piped");
    let output = child.stdout.take().expect("standard output is piped");
    let errors = thread::spawn(move || show_and_keep(errors, io::stderr()));
    let mut kept = show_and_keep(output, io::stdout());
    kept.push_str(&errors.join().expect("a reader does not panic"));
    let status = child.wait().with_context(|| format!("wait for `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(kept)
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str, probe: &str) -> bool {
    let probed = Command::new(program)
        .arg(probe)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probed.is_ok_and(|status| status.success())
}

/// Asks a process that was started here, and has not been waited for, to end.
pub(crate) fn ask_to_end(child: &mut Child) -> Result<()> {
    signal("TERM", &child.id().to_string()).or_else(|_| child.kill().context("end a process"))
}

/// Asks what is left of a process group that was started here to end.
pub(crate) fn end_group(leader: u32) {
    // Where nothing is left there is nobody to tell.
    let _ = signal("TERM", &format!("-{leader}"));
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, lines_max: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(lines_max)..].join("\n")
}

/// A search path that has `first` before all that `PATH` has.
pub(crate) fn path_with(first: &OsStr) -> Result<std::ffi::OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.into()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).context("put a folder into PATH")
}

fn signal(name: &str, target: &str) -> Result<()> {
    // The shell's own `kill`: the standard library has none, and no shell lacks it.
    let mut kill = Command::new("sh");
    kill.args(["-c", r#"kill -s "$0" -- "$1""#, name, target]);
    capture(&mut kill).map(drop)
}

fn show_and_keep(from: impl Read, mut to: impl Write) -> String {
    let mut reader = BufReader::new(from);
    let mut kept = String::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let _ = to.write_all(&line);
        let _ = to.flush();
        if kept.len() + line.len() <= KEPT_BYTES_MAX {
            kept.push_str(&String::from_utf8_lossy(&line));
        }
        line.clear();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_an_error_that_says_what_it_wrote() {
        let error = capture(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]))
            .expect_err("it failed")
            .to_string();
        assert!(error.contains("no such thing") && error.contains('3'), "{error}");
    }

    #[test]
    fn both_outputs_are_kept() {
        let kept = run_and_keep(Command::new("sh").args(["-c", "echo one; echo two >&2"]));
        assert_eq!(kept.expect("it ran"), "one\ntwo\n");
    }

    #[test]
    fn a_process_that_is_asked_to_end_may_do_so_in_its_own_way() {
        let mut child = Command::new("sh")
            .args(["-c", "trap 'exit 7' TERM; echo ready; while :; do read line || :; done"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut ready = String::new();
        let output = child.stdout.take().expect("standard output is piped");
        BufReader::new(output).read_line(&mut ready).expect("it says that its trap is set");
        ask_to_end(&mut child).expect("it is there");
        drop(child.stdin.take());
        assert_eq!(child.wait().expect("it ended").code(), Some(7));
    }
}
