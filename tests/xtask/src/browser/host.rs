//! The host that the tests in a browser look at.
//!
//! **Invariant:** it is this program's own, on a free port, and ends with it: it reads from a pipe
//! whose other end is here.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// A host that runs until this is dropped.
pub(crate) struct Host {
    program: Child,
    leash: Option<ChildStdin>,
    url: String,
}

impl Host {
    /// Starts it. The programs of the workspace must be built.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        let mut command = Command::new(workspace.program("zapjobs-browser-host"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program =
            command.spawn().with_context(|| format!("start `{}`", process::shown(&command)))?;
        let leash = program.stdin.take();
        let output = program.stdout.take().context("the host has no output")?;
        let mut host = Self { program, leash, url: String::new() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("read what the host says")?;
        if !line.starts_with("http://") {
            bail!("the host for the browser tests ended before it served: {line:?}");
        }
        line.trim().clone_into(&mut host.url);
        Ok(host)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.leash.take());
        // Nobody is left to be told.
        let _ = self.program.wait();
    }
}
