//! `cargo xtask test`: everything that CI runs, one step after another.
//!
//! **Invariant:** a step that cannot do its work fails; what a step left out, it says.
//!
//! Look next: [`steps`], one module for each.

mod counts;
mod guide;
mod steps;
mod summary;

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::say::say;
use crate::services::Services;
use crate::wasm_target::{self, WasmToolchain};
use crate::workspace::Workspace;
use counts::Counts;
use steps::deny::CargoDeny;

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The steps to run, in the order of --list; all where none is named.
    steps: Vec<String>,
    /// Runs the steps after a failing one as well.
    #[arg(long)]
    keep_going: bool,
    /// Lists the steps and runs none.
    #[arg(long)]
    list: bool,
}

/// One thing that CI checks.
struct Step {
    /// What people call it.
    name: &'static str,
    /// What it checks, in one line.
    about: &'static str,
    /// Checks it.
    run: fn(&Session) -> Result<Report>,
}

/// What a step that passed has to say.
#[derive(Debug, Default)]
struct Report {
    /// Tests that ran.
    tests: Counts,
    /// What was done, or left out.
    note: String,
}

impl Report {
    fn noted(note: impl Into<String>) -> Self {
        Self { note: note.into(), ..Self::default() }
    }

    fn counted(tests: Counts) -> Self {
        Self { tests, ..Self::default() }
    }
}

/// What the steps of one call share.
struct Session {
    workspace: Workspace,
    wasm: OnceCell<WasmToolchain>,
    services: OnceCell<Services>,
    cargo_deny: CargoDeny,
}

impl Session {
    /// How components are compiled, found out once.
    fn wasm(&self) -> Result<&WasmToolchain> {
        if self.wasm.get().is_none() {
            let toolchain = wasm_target::ensure(&self.workspace)?;
            return Ok(self.wasm.get_or_init(|| toolchain));
        }
        self.wasm.get().context("no toolchain for components")
    }

    /// Database servers, started once.
    fn services(&self) -> Result<&Services> {
        if self.services.get().is_none() {
            let services = Services::start(&self.workspace)?;
            return Ok(self.services.get_or_init(|| services));
        }
        self.services.get().context("no database servers")
    }
}

/// How a step ended.
struct Ended {
    name: &'static str,
    took: Duration,
    result: Result<Report>,
}

/// Runs the steps that were named.
pub(crate) fn run(workspace: Workspace, options: &Options) -> Result<()> {
    if options.list {
        steps::ALL.iter().for_each(|step| say!("{:<12} {}", step.name, step.about));
        return Ok(());
    }
    let chosen = chosen(&options.steps)?;
    // It installs in the background, so it begins before all others.
    let wants_deny = chosen.iter().any(|step| step.name == steps::deny::STEP.name);
    let cargo_deny = if wants_deny { CargoDeny::find()? } else { CargoDeny::unwanted() };
    let session =
        Session { workspace, wasm: OnceCell::new(), services: OnceCell::new(), cargo_deny };

    let started = Instant::now();
    let mut ended: Vec<Ended> = Vec::new();
    for (at, step) in chosen.iter().enumerate() {
        say!("\n=== {}/{} {}: {}", at + 1, chosen.len(), step.name, step.about);
        let one = one(step, &session);
        let failed = one.result.is_err();
        ended.push(one);
        if failed && !options.keep_going {
            break;
        }
    }
    let left: Vec<&str> = chosen[ended.len()..].iter().map(|step| step.name).collect();
    summary::print(&ended, &left, started.elapsed());
    let failed: Vec<&str> =
        ended.iter().filter(|step| step.result.is_err()).map(|step| step.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn one(step: &Step, session: &Session) -> Ended {
    let started = Instant::now();
    let result = (step.run)(session);
    let took = started.elapsed();
    match &result {
        Ok(report) => say!("--- {} ok in {}{}", step.name, summary::seconds(took), said(report)),
        Err(error) => say!("--- {} FAILED in {}: {error:#}", step.name, summary::seconds(took)),
    }
    Ended { name: step.name, took, result }
}

fn said(report: &Report) -> String {
    if report.note.is_empty() { String::new() } else { format!(": {}", report.note) }
}

/// The steps of these names, in the order in which they run.
fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = names.iter().find(|name| !steps::ALL.iter().any(|s| s.name == **name)) {
        let known: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}: use {}", known.join(", "));
    }
    let is_wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(steps::ALL.iter().copied().filter(|step| is_wanted(step)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_in_their_own_order() {
        let names = ["unit".to_owned(), "fmt".to_owned()];
        let chosen: Vec<&str> =
            chosen(&names).expect("both exist").iter().map(|s| s.name).collect();
        assert_eq!(chosen, ["fmt", "unit"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_those_that_exist() {
        let error = chosen(&["lint".to_owned()]).err().expect("no such step").to_string();
        assert!(error.contains("\"lint\"") && error.contains("clippy"), "{error}");
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (at, step) in steps::ALL.iter().enumerate() {
            assert!(!steps::ALL[..at].iter().any(|other| other.name == step.name), "{}", step.name);
        }
    }
}
