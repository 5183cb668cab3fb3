//! The dependencies keep to `deny.toml`.
//!
//! cargo-deny is installed where it is missing, in the background, into the user's cache. It is
//! built without optimisation: 40 seconds instead of minutes, and it runs for one second.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use super::{Report, Session, Step};
use crate::process;
use crate::say::say;
use crate::workspace::user_cache;

pub(in crate::test) const STEP: Step =
    Step { name: "deny", about: "licences and sources of all dependencies", run };

/// The release that `deny.toml` is written for.
const VERSION: &str = "0.20.2";
/// Lines of a failed installation that are shown, at most.
const LOG_LINES_MAX: usize = 30;

/// Where cargo-deny is, or will be.
pub(in crate::test) struct CargoDeny {
    program: PathBuf,
    installation: Mutex<Option<Installation>>,
}

/// An installation under way.
struct Installation {
    cargo: Child,
    work: PathBuf,
}

impl CargoDeny {
    /// Nothing, for a session that does without.
    pub(in crate::test) fn unwanted() -> Self {
        Self { program: PathBuf::new(), installation: Mutex::new(None) }
    }

    /// Finds it, or begins to install it.
    pub(in crate::test) fn find() -> Result<Self> {
        let home = user_cache()?.join(format!("cargo-deny-{VERSION}"));
        let program = home.join("bin/cargo-deny");
        if process::exists(&program.to_string_lossy(), "--version") {
            return Ok(Self { program, installation: Mutex::new(None) });
        }
        if has_version(Path::new("cargo-deny")) {
            return Ok(Self { program: "cargo-deny".into(), installation: Mutex::new(None) });
        }
        say!("cargo-deny {VERSION} is missing and is installed meanwhile.");
        let installation = Installation::begin(&home)?;
        Ok(Self { program, installation: Mutex::new(Some(installation)) })
    }

    /// The program, once it is there.
    fn program(&self) -> Result<&Path> {
        let installation = self.installation.lock().ok().and_then(|mut one| one.take());
        if let Some(installation) = installation {
            installation.finish()?;
        }
        Ok(&self.program)
    }
}

impl Drop for CargoDeny {
    /// A failed step may end the session early; what was started ends with it.
    fn drop(&mut self) {
        if let Some(mut left) = self.installation.lock().ok().and_then(|mut one| one.take()) {
            let _ = process::ask_to_end(&mut left.cargo);
            let _ = left.cargo.wait();
        }
    }
}

impl Installation {
    fn begin(home: &Path) -> Result<Self> {
        let work = home.join("build");
        fs::create_dir_all(&work).with_context(|| format!("create {}", work.display()))?;
        let log = File::create(work.join("log")).context("create a log")?;
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--locked", "--debug", "--version", VERSION, "cargo-deny"]);
        cargo.arg("--root").arg(home).current_dir(home);
        // A target directory of its own: the other steps hold the lock of theirs.
        cargo.env("CARGO_TARGET_DIR", work.join("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.stdin(Stdio::null()).stdout(log.try_clone().context("share a log")?).stderr(log);
        Ok(Self { cargo: cargo.spawn().context("start cargo install")?, work })
    }

    fn finish(mut self) -> Result<()> {
        let status = self.cargo.wait().context("wait for cargo install")?;
        if !status.success() {
            let log = fs::read_to_string(self.work.join("log")).unwrap_or_default();
            bail!("cargo-deny cannot be installed:\n{}", process::last_lines(&log, LOG_LINES_MAX));
        }
        fs::remove_dir_all(&self.work).context("remove what cargo-deny was built in")
    }
}

fn run(session: &Session) -> Result<Report> {
    let program = session.cargo_deny.program()?;
    for manifest in manifests(session) {
        // Advisories apart, nothing here needs the network.
        let mut check = command(session, program, &manifest);
        process::run(check.args(["bans", "licenses", "sources"]))?;
    }
    advisories(session, program)
}

fn advisories(session: &Session, program: &Path) -> Result<Report> {
    let mut fetch = Command::new(program);
    fetch.args(["fetch", "db"]).current_dir(session.workspace.root());
    if process::capture(&mut fetch).is_err() {
        return Ok(Report::noted("advisories not checked: their database cannot be fetched"));
    }
    // The locked versions of both workspaces; the database is the one just fetched.
    for manifest in manifests(session) {
        let mut check = command(session, program, &manifest);
        process::run(check.arg("advisories"))?;
    }
    Ok(Report::noted("advisories checked"))
}

/// The manifests of all workspaces.
fn manifests(session: &Session) -> Vec<PathBuf> {
    let host = session.workspace.root().join("Cargo.toml");
    let guests = session.workspace.guests().into_iter().map(|guests| guests.manifest);
    std::iter::once(host).chain(guests).collect()
}

fn command(session: &Session, program: &Path, manifest: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--manifest-path").arg(manifest);
    command.arg("--config").arg(session.workspace.root().join("deny.toml"));
    command.args(["--log-level", "error", "check", "--hide-inclusion-graph"]);
    command.current_dir(session.workspace.root());
    command
}

fn has_version(program: &Path) -> bool {
    let said = process::capture(Command::new(program).arg("--version"));
    said.is_ok_and(|said| said.trim().ends_with(VERSION))
}
