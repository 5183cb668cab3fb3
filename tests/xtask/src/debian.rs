//! Debian's packages, installed where they are missing and that may be: on Debian, as root.

use std::process::Command;

use anyhow::Result;

use crate::process;

/// Whether packages may be installed here.
pub(crate) fn may_install() -> bool {
    let is_root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    is_root && process::exists("apt-get", "--version")
}

/// Installs packages; lists that are there and fresh enough are not fetched again.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    if process::run(&mut apt(&install)).is_err() {
        process::run(&mut apt(&["update"]))?;
        process::run(&mut apt(&install))?;
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
