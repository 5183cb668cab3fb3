//! The host that the demo starts.
//!
//! **Invariant:** it ends when the demo does, however the demo ends.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::folder::Folder;
use crate::process;
use crate::workspace::Workspace;

/// How long the host may take to load its plugins.
const READY_MAX: Duration = Duration::from_secs(120);
/// How long the host may take to stop.
const STOP_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of its log that a failure repeats, at most.
const LAST_LINES_MAX: usize = 30;

/// A running host.
pub(super) struct Host {
    process: Child,
    log: PathBuf,
    ready: PathBuf,
}

impl Host {
    /// Starts it, its words going into a file.
    pub(super) fn start(workspace: &Workspace, folder: &Folder, storage: &str) -> Result<Self> {
        let log = folder.host_log();
        let words = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let mut host = Command::new(workspace.program("zapjobs"));
        host.arg("--storage").arg(storage).arg("--plugins").arg(folder.plugins());
        host.arg("serve").arg("--ready-file").arg(folder.ready());
        host.stdin(Stdio::null());
        host.stdout(words.try_clone().context("share the host's log")?).stderr(words);
        // Ctrl-C is for the demo, which then stops the host in good order.
        host.process_group(0);
        let process = host.spawn().with_context(|| format!("start `{}`", process::shown(&host)))?;
        Ok(Self { process, log, ready: folder.ready() })
    }

    /// Returns once its plugins are loaded.
    pub(super) fn wait_until_ready(&mut self, stop: &AtomicBool) -> Result<()> {
        let started = Instant::now();
        while !self.ready.exists() {
            self.check_alive()?;
            if stop.load(Ordering::Relaxed) {
                bail!("stopped before the host was ready");
            }
            if started.elapsed() > READY_MAX {
                bail!("the host was not ready within {} s", READY_MAX.as_secs());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let text = fs::read_to_string(&self.ready).context("read the host's ready file")?;
        let ready = serde_json::from_str(&text).context("read the host's ready file")?;
        all_served(&ready)
    }

    /// Returns once the flag is raised.
    pub(super) fn wait_until_told(&mut self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.check_alive()?;
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Stops it in good order: runs under way end or are handed back.
    pub(super) fn stop(&mut self) -> Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        process::ask_to_end(&mut self.process)?;
        let started = Instant::now();
        let status = loop {
            match self.ended()? {
                Some(status) => break status,
                None if started.elapsed() > STOP_MAX => {
                    bail!("the host did not stop within {} s", STOP_MAX.as_secs())
                }
                None => std::thread::sleep(LOOK_EVERY),
            }
        };
        if !status.success() {
            bail!("the host stopped with {status}; it said last:\n{}", self.last_words());
        }
        Ok(())
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        process::last_lines(&log, LAST_LINES_MAX)
    }

    fn check_alive(&mut self) -> Result<()> {
        match self.ended()? {
            Some(status) => bail!("the host ended by itself with {status}:\n{}", self.last_words()),
            None => Ok(()),
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.try_wait().context("look at the host")
    }
}

/// A plugin that is refused would leave its job waiting for ever.
fn all_served(ready: &Value) -> Result<()> {
    match &ready["refused"] {
        Value::Array(refused) if !refused.is_empty() => {
            bail!("the host refused plugins: {}", Value::from(refused.as_slice()))
        }
        _ => Ok(()),
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if matches!(self.ended(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_plugin_fails_the_demo_with_its_reason() {
        all_served(&json!({"refused": []})).expect("all are served");
        let refused = json!({"refused": [{"name": "hello", "reason": "no grant"}]});
        let error = all_served(&refused).expect_err("one is refused").to_string();
        assert!(error.contains("hello") && error.contains("no grant"), "{error}");
    }
}
