//! A compiler for components out of Debian's packages, for where rustup's server is out of
//! reach: about a minute and 140 MB once, then cached per user.
//!
//! Debian's rustc is unpacked beside, not installed; the standard library for the target is
//! built once from Debian's sources, on Debian's `wasi-libc`; the linkers are those that came
//! with rustup's toolchain. rustup then knows the whole by a name.
//!
//! **Invariant:** the cache is whole or is made anew: a mark is written last.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::apt::Apt;
use super::{WasmToolchain, sysroot};
use crate::process;
use crate::say::say;
use crate::workspace::{Workspace, user_cache};

/// The name that rustup knows it by.
const NAME: &str = "zapjobs-wasm";
/// The one release whose packages are known to serve: its security suite has a rustc for web
/// browsers that is as new as they need, its backports a `wasi-libc` for this target.
const CODENAME: &str = "bookworm";
/// Raised when what is made below changes.
const LAYOUT: u32 = 1;
/// Says that the folder is whole.
const MARK: &str = "complete";

/// Whether this way can work here at all.
pub(super) fn is_supported() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    codename(&release) == Some(CODENAME)
        && env::consts::ARCH == "x86_64"
        && process::exists("apt-get", "--version")
        && process::exists("rustup", "--version")
}

/// Makes the toolchain, or finds it made.
pub(super) fn ensure(workspace: &Workspace) -> Result<WasmToolchain> {
    if !is_supported() {
        bail!("Debian's packages serve on Debian 12 ({CODENAME}) for x86-64 with rustup only");
    }
    let cache = user_cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("create {}", cache.display()))?;
    let lock = fs::File::create(cache.join("wasm-toolchain.lock")).context("create a lock file")?;
    lock.lock().context("wait for another build of the toolchain")?;
    let home = cache.join(format!("wasm-toolchain-{CODENAME}-{LAYOUT}"));
    if !home.join(MARK).is_file() {
        make(workspace, &home).context("make a compiler for components from Debian's packages")?;
    }
    link(&home.join("sysroot"))?;
    Ok(WasmToolchain::Linked(NAME))
}

fn make(workspace: &Workspace, home: &Path) -> Result<()> {
    let started = Instant::now();
    if home.exists() {
        fs::remove_dir_all(home).context("remove an unfinished toolchain")?;
    }
    say!("  fetching Debian's rustc, its sources and wasi-libc (140 MB) ...");
    let apt = Apt::set_up(&home.join("apt"), CODENAME)?;
    apt.update()?;
    let root = home.join("debian");
    let libc = format!("wasi-libc/{CODENAME}-backports");
    apt.unpack(&["rustc-web", "rust-web-src", &libc], &root)?;

    say!("  building the standard library for {} ...", super::TARGET);
    let debian = sysroot::DebianRust::find(&root)?;
    let libraries = debian.build_std(&home.join("std"))?;
    let parts =
        sysroot::Parts { debian: &debian, libraries: &libraries, rustup: &rustups(workspace)? };
    parts.assemble(&home.join("sysroot"))?;

    for spent in [home.join("apt"), home.join("std"), root.join("usr/src"), root.join("usr/share")]
    {
        fs::remove_dir_all(&spent).with_context(|| format!("remove {}", spent.display()))?;
    }
    fs::write(home.join(MARK), "").context("mark the toolchain as whole")?;
    say!("  done in {:.0} s: {}", started.elapsed().as_secs_f64(), home.display());
    Ok(())
}

/// The sysroot of the toolchain that builds the host.
fn rustups(workspace: &Workspace) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]).current_dir(workspace.root());
    Ok(PathBuf::from(process::capture(&mut rustc)?.trim()))
}

fn link(sysroot: &Path) -> Result<()> {
    let mut link = Command::new("rustup");
    process::capture(link.args(["toolchain", "link", NAME]).arg(sysroot)).map(drop)
}

/// The codename in the text of `/etc/os-release`, if it is a Debian.
fn codename(release: &str) -> Option<&str> {
    let fields: HashMap<&str, &str> = release
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect();
    (fields.get("ID") == Some(&"debian")).then(|| fields.get("VERSION_CODENAME").copied())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_itself_has_a_codename_here() {
        let text = "NAME=\"Debian\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(codename(text), Some("bookworm"));
        assert_eq!(codename("ID=ubuntu\nVERSION_CODENAME=noble\n"), None);
        assert_eq!(codename(""), None);
    }
}
