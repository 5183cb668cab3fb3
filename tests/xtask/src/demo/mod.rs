//! `cargo xtask demo`: from a checkout to a host that has run real jobs.
//!
//! **Invariant:** the demo uses what everyone has: the `zapjobs` program and files. Its folder
//! is its own, made anew each time; a folder that holds something else is left alone.
//!
//! Look next: [`jobs`] for what is run, [`folder`] for where.

mod components;
mod folder;
mod host;
mod jobs;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::say::say;
use crate::wasm_target;
use crate::workspace::Workspace;
use folder::Folder;
use host::Host;

pub(crate) use components::build as build_components;

/// How the demo runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Stops the host and ends once all jobs have run.
    #[arg(long)]
    once: bool,
    /// Where the demo keeps all its files; `demo` in the target directory unless said. Made
    /// anew each time.
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Where the runs are kept, such as postgres://... or redis://...; a SQLite file in the
    /// demo's folder unless said. What is kept there stays.
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
}

impl Options {
    /// What CI runs.
    pub(crate) fn once(storage: Option<&str>) -> Self {
        Self { once: true, dir: None, storage: storage.map(str::to_owned) }
    }
}

/// Runs the demo.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    build(workspace)?;

    say!("\n== Preparing input and plugins");
    let folder = Folder::make(workspace, options.dir.as_deref())?;
    jobs::prepare(workspace, &folder)?;

    say!("\n== Starting the host");
    let storage = options.storage.clone().unwrap_or_else(|| folder.storage());
    let stop = stop_on_ctrl_c()?;
    let mut host = Host::start(workspace, &folder, &storage)?;
    let ran = host.wait_until_ready(stop).and_then(|()| {
        say!("The host is ready; it keeps its runs in {storage}.");
        say!("\n== Running the jobs");
        jobs::run_all(workspace, &folder, &storage)
    });
    if let Err(error) = ran {
        if stop.load(Ordering::Relaxed) {
            host.stop()?;
            bail!("stopped by Ctrl-C");
        }
        let last_words = host.last_words();
        let _ = host.stop();
        return Err(error.context(format!("the demo failed; the host said last:\n{last_words}\n")));
    }

    where_to_look_on(workspace, &folder, &storage);
    if !options.once {
        say!("\nThe host goes on until Ctrl-C. Its log: {}", folder.host_log().display());
        host.wait_until_told(stop)?;
    }
    host.stop()?;
    say!("\nThe host has stopped.");
    Ok(())
}

fn build(workspace: &Workspace) -> Result<()> {
    say!("== Building the example plugins");
    let toolchain = wasm_target::ensure(workspace)?;
    let plugins = workspace.guests().into_iter().find(|guests| guests.name == "plugins");
    let plugins = plugins.context("find the example plugins: there is no plugins/Cargo.toml")?;
    build_components(workspace, &plugins, &toolchain)?;

    say!("\n== Building zapjobs (a few minutes the first time)");
    workspace.build_programs()
}

/// A flag that Ctrl-C raises from now on, instead of ending this program.
fn stop_on_ctrl_c() -> Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    match ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        // A demo before this one has seen to it.
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(&STOP),
        Err(error) => Err(error).context("handle Ctrl-C"),
    }
}

fn where_to_look_on(workspace: &Workspace, folder: &Folder, storage: &str) {
    let zapjobs = workspace.program("zapjobs");
    let zapjobs = format!("{} --storage {storage}", zapjobs.display());
    say!("\n== Where to look on");
    say!("  what the jobs wrote   {}", folder.output().display());
    say!("  the plugins           {}", folder.plugins().display());
    say!("  the runs              {zapjobs} runs list");
    say!("  one run and its log   {zapjobs} runs show ID; {zapjobs} runs logs ID");
    say!("  the host's log        {}", folder.host_log().display());
}
