//! This very test, started again as a process of its own that can be killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zapjobs_postgres::PostgresOptions;

const SCHEMA: &str = "ZAPJOBS_TEST_CHILD_SCHEMA";
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The options of the parent, if this process is such a child.
pub(crate) fn options_of_parent() -> Option<PostgresOptions> {
    let schema = std::env::var(SCHEMA).ok()?;
    Some(PostgresOptions { schema, connections: 2, ..PostgresOptions::new(super::url()) })
}

/// Says a line to the parent; ends where there is none any more.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "said {line} .").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// Waits until the parent says go.
pub(crate) fn wait_for_go() {
    std::io::stdin().read_line(&mut String::new()).expect("the parent is there");
}

pub(crate) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Starts the test of this name in a process of its own.
    pub(crate) fn start(test: &str, options: &PostgresOptions) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("it runs"))
            .args(["--exact", test, "--nocapture"])
            .env(SCHEMA, &options.schema)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts again");
        let out = process.stdout.take().expect("it is piped");
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The last line may be cut off by a kill: only whole ones end with a mark. The
                // test's runner writes before the first.
                let Some((_, said)) = line.split_once("said ") else { continue };
                let Some(said) = said.strip_suffix(" .") else { continue };
                if tell.send(said.to_owned()).is_err() {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    pub(crate) fn go(&mut self) {
        let input = self.process.stdin.as_mut().expect("it is piped");
        input.write_all(b"go\n").expect("it listens");
    }

    /// The next line it says; `None` once it has ended.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(WAIT_MAX) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(error) => panic!("the child says nothing: {error}"),
        }
    }

    /// A line it says within a time, if it does.
    pub(crate) fn line_within(&self, time: Duration) -> Option<String> {
        self.lines.recv_timeout(time).ok()
    }

    /// Kills it; answers what it had still said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it is a child of ours");
        let status = self.process.wait().expect("it is a child of ours");
        assert!(!status.success(), "it ended by itself");
        self.lines.iter().collect()
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn end(mut self) {
        assert!(self.process.wait().expect("it is a child of ours").success());
    }
}
