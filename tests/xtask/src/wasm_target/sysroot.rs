//! Puts a toolchain together out of three: Debian's rustc, a standard library built here, and
//! the linkers of rustup's toolchain.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{TARGET, has_standard_library};
use crate::process;

/// The package whose build brings the standard library along.
const EMPTY_MANIFEST: &str = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                              [workspace]\n";
/// The linkers that components need.
const LINKERS: [&str; 2] = ["rust-lld", "wasm-component-ld"];

/// Debian's rustc, unpacked below some folder.
pub(super) struct DebianRust {
    /// Its `usr`, which is its sysroot too.
    usr: PathBuf,
    /// Where its shared libraries are.
    shared: PathBuf,
    /// The machine's triple, as it names it.
    machine: String,
}

impl DebianRust {
    pub(super) fn find(root: &Path) -> Result<Self> {
        let usr = root.join("usr");
        let shared = usr.join("lib").join(format!("{}-linux-gnu", env::consts::ARCH));
        let mut version = Command::new(usr.join("bin/rustc"));
        let text = process::capture(version.env("LD_LIBRARY_PATH", &shared).arg("-vV"))?;
        let machine = text.lines().find_map(|line| line.strip_prefix("host: "));
        let machine = machine.context("Debian's rustc does not name its machine")?.to_owned();
        Ok(Self { usr, shared, machine })
    }

    /// Builds the standard library for the target below `work`, and answers where it lies.
    pub(super) fn build_std(&self, work: &Path) -> Result<PathBuf> {
        fs::create_dir_all(work.join("src")).context("create an empty package")?;
        fs::write(work.join("Cargo.toml"), EMPTY_MANIFEST).context("write an empty package")?;
        fs::write(work.join("src/lib.rs"), "").context("write an empty package")?;
        let rustc = work.join("rustc");
        self.write_rustc(&rustc, None)?;
        let target = work.join("target");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
        cargo.arg("--target-dir").arg(&target).current_dir(work);
        // Debian's rustc may use what is unstable; LTO of a component needs the bitcode.
        cargo.env("RUSTC", &rustc).env("RUSTC_BOOTSTRAP", "1");
        cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
        process::capture(&mut cargo).context("build the standard library")?;
        Ok(target.join(TARGET).join("release/deps"))
    }

    /// Writes the program that starts it. rustc resolves symbolic links when it looks for its
    /// sysroot, so a link would not do.
    fn write_rustc(&self, path: &Path, sysroot: Option<&Path>) -> Result<()> {
        let sysroot =
            sysroot.map_or(String::new(), |dir| format!(" --sysroot '{}'", dir.display()));
        let text = format!(
            "#!/bin/sh\n\
             export LD_LIBRARY_PATH='{}'${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n\
             exec '{}/bin/rustc'{sysroot} \"$@\"\n",
            self.shared.display(),
            self.usr.display(),
        );
        fs::write(path, text)
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("write {}", path.display()))
    }
}

/// What a sysroot is made of.
pub(super) struct Parts<'a> {
    pub(super) debian: &'a DebianRust,
    /// Where the standard library for the target was built.
    pub(super) libraries: &'a Path,
    /// The sysroot of rustup's toolchain.
    pub(super) rustup: &'a Path,
}

impl Parts<'_> {
    /// Puts the sysroot together at `sysroot`.
    pub(super) fn assemble(&self, sysroot: &Path) -> Result<()> {
        let rustlib = sysroot.join("lib/rustlib");
        let target = rustlib.join(TARGET).join("lib");
        let machine = rustlib.join(&self.debian.machine);
        let bin = sysroot.join("bin");
        for folder in [&bin, &target.join("self-contained"), &machine] {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        self.copy_std(&target)?;
        self.copy_libc(&target.join("self-contained"))?;
        self.link_machine(&machine)?;
        self.debian.write_rustc(&bin.join("rustc"), Some(sysroot))?;
        link(&self.rustup.join("bin/cargo"), &bin.join("cargo"))
    }

    fn copy_std(&self, target: &Path) -> Result<()> {
        copy(self.libraries, target, |name| {
            name.ends_with(".rlib") && !name.starts_with("libempty")
        })?;
        if !has_standard_library(target) {
            bail!("the build of the standard library left no libstd-*.rlib");
        }
        Ok(())
    }

    fn copy_libc(&self, target: &Path) -> Result<()> {
        let libc = self.debian.usr.join("lib").join(TARGET);
        let copied = copy(&libc, target, |name| {
            let is_start = name.starts_with("crt1-") && name.ends_with(".o");
            is_start || name == "libc.a" || name.starts_with("libwasi-emulated-")
        })?;
        if copied == 0 {
            bail!("Debian's wasi-libc has nothing for {TARGET}");
        }
        Ok(())
    }

    /// The machine's own library, for build scripts and macros, and the linkers.
    fn link_machine(&self, machine: &Path) -> Result<()> {
        let own = Path::new("lib/rustlib").join(&self.debian.machine);
        link(&self.debian.usr.join(&own).join("lib"), &machine.join("lib"))?;
        let linkers = self.rustup.join(own).join("bin");
        if let Some(missing) = LINKERS.iter().find(|name| !linkers.join(name).exists()) {
            bail!("rustup's toolchain has no {missing} in {}", linkers.display());
        }
        link(&linkers, &machine.join("bin"))
    }
}

fn link(to: &Path, from: &Path) -> Result<()> {
    symlink(to, from).with_context(|| format!("link {} to {}", from.display(), to.display()))
}

/// Copies the files whose names are wanted and answers how many there were.
fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<usize> {
    let entries = fs::read_dir(from).with_context(|| format!("list {}", from.display()))?;
    let mut copied = 0;
    for entry in entries.flatten().filter(|entry| wanted(&entry.file_name().to_string_lossy())) {
        fs::copy(entry.path(), to.join(entry.file_name()))
            .with_context(|| format!("copy {}", entry.path().display()))?;
        copied += 1;
    }
    Ok(copied)
}
