//! What the dashboard's tests need: Node's packages, a browser, a host, and `dist/` as it should be.
//!
//! **Invariant:** what is committed in `dist/` is what the sources build, byte by byte; whatever is
//! missing is an error that says how to get it.

mod chromium;
mod dist;
mod host;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

pub(crate) use chromium::find as chromium;
pub(crate) use dist::compare;
pub(crate) use host::Host;

/// The sources of the dashboard.
pub(crate) fn web(workspace: &Workspace) -> PathBuf {
    workspace.root().join("host/dashboard/web")
}

/// The tests in a browser.
pub(crate) fn tests(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests/browser")
}

/// Installs what a folder's lock file names, and nothing else.
pub(crate) fn install(folder: &Path) -> Result<()> {
    if !process::exists("npm", "--version") {
        bail!("the dashboard's tests need Node 20.19 or newer with npm: install them");
    }
    let mut npm = npm(folder, &["ci", "--no-audit", "--no-fund"]);
    // The browser is the system's own.
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    process::run(&mut npm).with_context(|| format!("install packages of {}", folder.display()))
}

/// An npm command in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder);
    command
}
