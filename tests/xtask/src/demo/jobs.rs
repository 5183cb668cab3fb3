//! What the demo runs: one job of each example plugin, on input of realistic shape.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::folder::Folder;
use crate::process;
use crate::say::say;
use crate::workspace::Workspace;

/// How long one job may wait and run.
const JOB_MAX: &str = "5m";
/// Characters of a result that are shown, at most.
const RESULT_CHARS_MAX: usize = 200;

/// A job, and what its plugin is allowed.
struct DemoJob {
    /// The plugin's package.
    plugin: &'static str,
    /// The job type.
    job: &'static str,
    /// Its input.
    input: &'static str,
    /// What the plugin sees.
    directories: &'static [Directory],
    /// What of its output is shown: a name, and a JSON pointer. Of a list, its length.
    told: &'static [(&'static str, &'static str)],
}

/// A directory that a plugin sees.
struct Directory {
    place: Place,
    /// Its name in that place.
    name: &'static str,
    /// How the plugin names it.
    guest: &'static str,
}

/// What a directory is for, and so what may be done in it.
#[derive(Clone, Copy)]
enum Place {
    /// The checkout: the site is built from this project's own documents.
    Checkout,
    Input,
    Output,
}

const fn reads(name: &'static str, guest: &'static str) -> Directory {
    Directory { place: Place::Input, name, guest }
}

const fn writes(name: &'static str, guest: &'static str) -> Directory {
    Directory { place: Place::Output, name, guest }
}

const CHECKOUT: Directory = Directory { place: Place::Checkout, name: "", guest: "/in" };

const JOBS: [DemoJob; 4] = [
    DemoJob {
        plugin: "hello",
        job: "greet",
        input: r#"{"name": "Ada"}"#,
        directories: &[],
        told: &[("says", "")],
    },
    DemoJob {
        plugin: "access-log",
        job: "access-log",
        input: "{}",
        directories: &[reads("logs", "/in"), writes("access-log", "/out")],
        told: &[
            ("requests", "/report/requests"),
            ("malformed lines", "/report/malformed_lines"),
            ("busiest hour", "/report/busiest_hour"),
            ("p99 ms", "/report/request_time/p99_ms"),
        ],
    },
    DemoJob {
        plugin: "thumbnail",
        job: "thumbnail",
        input: "{}",
        directories: &[reads("photos", "/in"), writes("thumbnails", "/out")],
        told: &[("thumbnails", "/made"), ("broken images", "/failed")],
    },
    DemoJob {
        plugin: "site-build",
        job: "site-build",
        input: concat!(
            r#"{"name": "ZapJobs", "repository": ""#,
            env!("CARGO_PKG_REPOSITORY"),
            r#"/blob/main"}"#
        ),
        directories: &[CHECKOUT, writes("site", "/out")],
        told: &[("pages", "/pages"), ("broken links", "/broken_links"), ("bytes", "/bytes")],
    },
];

/// Writes input, components and manifests into the demo's folder.
pub(super) fn prepare(workspace: &Workspace, folder: &Folder) -> Result<()> {
    let mut generate = Command::new(workspace.program("zapjobs-demo-input"));
    process::run(generate.arg(folder.input()))?;
    let guests = workspace.guests().into_iter().find(|guests| guests.name == "plugins");
    let built = guests.context("find the example plugins")?.components();
    for job in &JOBS {
        let component = built.join(job.plugin.replace('-', "_")).with_extension("wasm");
        let manifest = manifest(job, workspace, folder)?;
        let to = folder.plugins().join(job.plugin);
        fs::write(to.with_extension("toml"), manifest)
            .with_context(|| format!("write the manifest of {}", job.plugin))?;
        fs::copy(&component, to.with_extension("wasm"))
            .with_context(|| format!("copy {}", component.display()))?;
    }
    Ok(())
}

/// Runs all jobs: on a terminal one after another, with their logs and progress bars; else all
/// at once and in silence.
pub(super) fn run_all(workspace: &Workspace, folder: &Folder, storage: &str) -> Result<()> {
    let zapjobs = || {
        let mut zapjobs = Command::new(workspace.program("zapjobs"));
        zapjobs.arg("--storage").arg(storage).arg("--plugins").arg(folder.plugins());
        zapjobs
    };
    if io::stderr().is_terminal() {
        return JOBS.iter().try_for_each(|job| run_live(zapjobs(), job));
    }
    thread::scope(|scope| {
        let start = |job| scope.spawn(move || run_silently(zapjobs(), job));
        let running: Vec<_> = JOBS.iter().map(start).collect();
        let mut failed = None;
        for thread in running {
            let ended = thread.join().expect("waiting for a job does not panic");
            failed = ended.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    })
}

/// Runs a job while its log and its progress go to the terminal.
fn run_live(mut zapjobs: Command, job: &DemoJob) -> Result<()> {
    say!("\n{}", job.job);
    let output = enqueue(zapjobs.stderr(Stdio::inherit()), job)?;
    say!("  {}", told(&output, job.told)?);
    Ok(())
}

/// Runs a job; only where it fails, its log is in the error.
fn run_silently(mut zapjobs: Command, job: &DemoJob) -> Result<()> {
    let run = enqueue(zapjobs.arg("--json").stderr(Stdio::piped()), job)?;
    say!("  {:<12} {}", job.job, summary(&run, job.told)?);
    Ok(())
}

/// Enqueues a job, waits for its end and answers the JSON that was printed.
fn enqueue(zapjobs: &mut Command, job: &DemoJob) -> Result<Value> {
    zapjobs.args(["enqueue", job.job, "--input", job.input, "--wait", "--timeout", JOB_MAX]);
    let output = zapjobs
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| format!("start `{}`", process::shown(zapjobs)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}\n{}", process::shown(zapjobs), output.status, errors.trim());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said)
        .with_context(|| format!("read what `{}` printed: {said}", process::shown(zapjobs)))
}

/// A manifest that grants a plugin its directories, which it creates.
fn manifest(job: &DemoJob, workspace: &Workspace, folder: &Folder) -> Result<String> {
    let mut text = String::new();
    for directory in job.directories {
        let (host, access) = directory.on_host(workspace, folder);
        fs::create_dir_all(&host).with_context(|| format!("create {}", host.display()))?;
        let host = quoted(&host)?;
        let guest = directory.guest;
        let _ = write!(
            text,
            "[[directory]]\nhost = {host}\nguest = \"{guest}\"\naccess = \"{access}\"\n\n"
        );
    }
    Ok(text)
}

impl Directory {
    fn on_host(&self, workspace: &Workspace, folder: &Folder) -> (PathBuf, &'static str) {
        match self.place {
            Place::Checkout => (workspace.root().join(self.name), "ro"),
            Place::Input => (folder.input().join(self.name), "ro"),
            Place::Output => (folder.output().join(self.name), "rw"),
        }
    }
}

/// A path as a TOML string. A JSON string is one.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(Value::from(text).to_string())
}

/// What a run came to, in a line. A run that is not completed is an error.
fn summary(run: &Value, wanted: &[(&str, &str)]) -> Result<String> {
    let status = run["status"].as_str().unwrap_or("unknown");
    if status != "completed" {
        bail!("the run ended as {status}: {}", shortened(&run["error"].to_string()));
    }
    let milliseconds = |key: &str| run["usage"][key].as_f64().unwrap_or_default() / 1_000.0;
    let memory_mib = run["usage"]["memory_bytes_peak"].as_f64().unwrap_or_default() / 1_048_576.0;
    Ok(format!(
        "{status} in {:.1} ms ({:.1} ms CPU, {memory_mib:.1} MiB): {}",
        milliseconds("wall_us"),
        milliseconds("cpu_us"),
        told(&run["output"], wanted)?,
    ))
}

/// The parts of an output that are wanted, by name.
fn told(output: &Value, wanted: &[(&str, &str)]) -> Result<String> {
    let parts = wanted.iter().map(|(name, pointer)| {
        let value = output.pointer(pointer);
        let value = value.with_context(|| format!("the output has no {pointer}"))?;
        let value = value.as_array().map_or_else(|| value.to_string(), |all| all.len().to_string());
        Ok(format!("{name} {}", shortened(&value)))
    });
    Ok(parts.collect::<Result<Vec<_>>>()?.join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(RESULT_CHARS_MAX) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_completed_run_is_told_in_a_line() {
        let usage = json!({"wall_us": 1500, "cpu_us": 1000, "memory_bytes_peak": 2_097_152});
        let output = json!({"lines": 3, "top": ["a", "b"]});
        let run = json!({"status": "completed", "output": output, "usage": usage});
        let told = [("lines", "/lines"), ("names", "/top")];
        let expected = "completed in 1.5 ms (1.0 ms CPU, 2.0 MiB): lines 3, names 2";
        assert_eq!(summary(&run, &told).expect("completed"), expected);
        let error = summary(&run, &[("bytes", "/bytes")]).expect_err("no such field");
        assert!(error.to_string().contains("/bytes"), "{error}");
    }

    #[test]
    fn a_run_that_failed_fails_the_demo_with_its_reason() {
        let run = json!({"status": "failed", "error": {"message": "no such file"}});
        let error = summary(&run, &[]).expect_err("failed").to_string();
        assert!(error.contains("failed") && error.contains("no such file"), "{error}");
    }

    #[test]
    fn long_results_are_cut_between_characters() {
        let cut = shortened(&"ä".repeat(RESULT_CHARS_MAX + 1));
        assert_eq!(cut.chars().filter(|c| *c == 'ä').count(), RESULT_CHARS_MAX);
        assert_eq!(shortened("short"), "short");
    }
}
