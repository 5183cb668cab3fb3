//! Programs of PyPI, in an environment of their own within the user's cache.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::process;
use crate::say::say;
use crate::workspace::user_cache;

/// A file that says that an environment is whole.
const WHOLE: &str = "whole";
/// What Debian calls the packages that make environments.
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];

/// The environment that has what the file names, which is made where it is missing.
pub(super) fn installed(requirements: &Path) -> Result<PathBuf> {
    let named = fs::read_to_string(requirements)
        .with_context(|| format!("read {}", requirements.display()))?;
    let mut hasher = DefaultHasher::new();
    named.hash(&mut hasher);
    let home = user_cache()?.join(format!("fuzz-api-{:016x}", hasher.finish()));
    if home.join(WHOLE).is_file() {
        return Ok(home);
    }
    say!("  installing what {} names ...", requirements.display());
    // What an earlier try left is no environment.
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("remove {}", home.display()))?;
    }
    make(&home)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    process::run(pip.arg("--requirement").arg(requirements))?;
    fs::write(home.join(WHOLE), "").with_context(|| format!("write into {}", home.display()))?;
    Ok(home)
}

fn make(home: &Path) -> Result<()> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(home);
    if process::capture(&mut venv).is_ok() {
        return Ok(());
    }
    if !debian::may_install() {
        bail!(
            "fuzzing the API needs Python 3.10 or newer with venv: on Debian, as root, `apt-get \
             install -y --no-install-recommends python3 python3-venv`; elsewhere, install it"
        );
    }
    debian::install(&PACKAGES)?;
    process::capture(&mut venv).map(drop)
}
