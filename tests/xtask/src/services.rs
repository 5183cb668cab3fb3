//! The database servers that tests and the demo use: started once, stopped at the end.
//!
//! **Invariant:** they are this program's own, on free ports and temporary data; one that cannot
//! be started is an error, never a test left out.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::say::say;
use crate::workspace::Workspace;

/// What is started, as the services program is told. Tests start their server anew: its commits
/// need not wait for the disk.
const WANTED: [&str; 5] = ["postgres", "--no-fsync", "redis", "redis-sentinel", "redis-cluster"];
/// The line that the services program ends its variables with.
const READY: &str = "ready";

/// Servers that run until this is dropped.
pub(crate) struct Services {
    program: Child,
    /// Its standard input: it stops its servers once that is closed.
    leash: Option<ChildStdin>,
    variables: Vec<(String, String)>,
}

impl Services {
    /// Installs what is missing, where that is possible, and starts all servers. The programs of
    /// the workspace must be built.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        let program = workspace.program("zapjobs-services");
        process::run(Command::new(&program).arg("install"))?;
        let mut command = Command::new(&program);
        command.args(WANTED).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program =
            command.spawn().with_context(|| format!("start `{}`", process::shown(&command)))?;
        let leash = program.stdin.take();
        let output = program.stdout.take().context("the services program has no output")?;
        let mut services = Self { program, leash, variables: Vec::new() };
        for line in BufReader::new(output).lines() {
            let line = line.context("read what the services program says")?;
            if line == READY {
                let names: Vec<&str> = services.variables.iter().map(|(name, _)| &**name).collect();
                say!("servers run for {}", names.join(", "));
                return Ok(services);
            }
            let variable = line.split_once('=');
            let (name, value) = variable.with_context(|| format!("no variable: {line:?}"))?;
            services.variables.push((name.to_owned(), value.to_owned()));
        }
        bail!("the services program ended before its servers ran")
    }

    /// Tells a program where the servers are.
    pub(crate) fn announce(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Where one server is.
    pub(crate) fn url(&self, variable: &str) -> Result<&str> {
        let found = self.variables.iter().find(|(name, _)| name == variable);
        found.map(|(_, url)| url.as_str()).with_context(|| format!("no server for {variable}"))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.leash.take());
        // Nobody is left to be told; the servers end with their program in any case.
        let _ = self.program.wait();
    }
}
