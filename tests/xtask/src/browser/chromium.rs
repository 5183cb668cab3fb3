//! The browser: the system's Chromium, installed where it is missing and that may be.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::debian;
use crate::say::say;

/// Names that a browser of this kind has.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The browser: `ZAPJOBS_CHROMIUM`, or one that is installed, or Debian's, installed now.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os("ZAPJOBS_CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    if !debian::may_install() {
        bail!(
            "the dashboard's tests need Chromium: on Debian, as root, `apt-get install -y \
             --no-install-recommends chromium`; elsewhere, install it or name it by ZAPJOBS_CHROMIUM"
        );
    }
    say!("  installing Debian's chromium ...");
    debian::install(&["chromium"])?;
    match installed() {
        Some(found) => Ok(found),
        None => bail!("chromium was installed, and is not in PATH"),
    }
}

fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}
