//! Installs the programs that servers need.

use std::fs::{OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::is_root;
use crate::programs::{ALL, Program, find, missing};

/// Where Debian's packages ask whether they may start their servers.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// The answer: "forbidden by policy".
const FORBID: &str = "#!/bin/sh\nexit 101\n";

/// Makes sure that the programs of PostgreSQL, Redis, PgBouncer and OpenSSL are there. What is
/// missing is installed with `apt-get`, where there is one and this process is root's; the
/// packages' own servers are not started. Says each thing that it finds or does.
///
/// # Errors
///
/// Where programs are missing and cannot be installed: one line that says which, and how to
/// get them.
pub fn install(mut say: impl FnMut(&str)) -> io::Result<()> {
    let is_missing = |program: &Program| find(program.name).is_none();
    let lacking: Vec<Program> = ALL.into_iter().filter(is_missing).collect();
    if !lacking.is_empty() {
        let Some(apt) = find("apt-get").filter(|_| is_root()) else {
            return Err(missing(&lacking));
        };
        install_with(&apt, &packages(&lacking), &mut say)?;
    }
    for program in ALL {
        say(&format!("{}: {}", program.name, program.find()?.display()));
    }
    Ok(())
}

fn packages(programs: &[Program]) -> Vec<&'static str> {
    let mut packages: Vec<_> = programs.iter().map(|program| program.package).collect();
    packages.dedup();
    packages
}

fn install_with(apt: &Path, packages: &[&str], say: &mut dyn FnMut(&str)) -> io::Result<()> {
    let _forbidden = Forbidden::put(say)?;
    let install = [["install", "-y", "--no-install-recommends"].as_slice(), packages].concat();
    // Lists that are there and fresh enough need not be fetched.
    if run(apt, &install, say)? {
        return Ok(());
    }
    if run(apt, &["update"], say)? && run(apt, &install, say)? {
        return Ok(());
    }
    let words = format!("apt-get does not install {}: see its words above", packages.join(" "));
    Err(io::Error::other(words))
}

/// Whether it went well. What it says goes where errors go.
fn run(apt: &Path, arguments: &[&str], say: &mut dyn FnMut(&str)) -> io::Result<bool> {
    say(&format!("apt-get {}", arguments.join(" ")));
    let run = Command::new(apt)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()?;
    Ok(run.success())
}

/// Forbids packages to start their servers; dropped, it no longer does. Where the machine has
/// a policy of its own, that is left alone.
struct Forbidden {
    is_ours: bool,
}

impl Forbidden {
    fn put(say: &mut dyn FnMut(&str)) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match file {
            Ok(mut file) => {
                // From here on it is removed again.
                let forbidden = Self { is_ours: true };
                file.write_all(FORBID.as_bytes())?;
                say(&format!("{POLICY}: packages do not start servers meanwhile"));
                Ok(forbidden)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                say(&format!("{POLICY}: there already, left as it is"));
                Ok(Self { is_ours: false })
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("{POLICY}: {error}"))),
        }
    }
}

impl Drop for Forbidden {
    fn drop(&mut self) {
        if self.is_ours {
            // It does no harm where it stays: servers are then started by hand.
            let _ = remove_file(POLICY);
        }
    }
}
