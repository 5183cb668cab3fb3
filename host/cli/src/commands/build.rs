//! `zapjobs build`: from a plugin's directory to one .wasm file.

mod cargo;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::App;
use super::plugins::component::{self, Component};
use super::plugins::wishes;
use crate::args::BuildArgs;
use crate::errors::{Done, Failure};
use crate::output::Tone;
use crate::sandbox::Inspection;
use crate::values::rounded_size;
use cargo::{Cargo, Package};

pub(super) async fn build(args: BuildArgs, app: App) -> Done {
    let cargo = Cargo::from_environment();
    let package = cargo.package(&args.dir)?;
    if let Some(done) = cargo.ensure_target()? {
        app.output.note(done);
    }
    cargo.build(&package, args.debug)?;
    let made = package.artifact(args.debug);
    let place = args.output.unwrap_or_else(|| args.dir.join(format!("{}.wasm", package.name)));
    copy(&made, &place)?;
    show(&app, &package, &place).await
}

/// Copies the component in one step, so that a host that watches the place never sees half.
fn copy(from: &Path, to: &Path) -> Done {
    let failed = |what: &Path, error: std::io::Error| {
        Failure::unavailable(format!("{} cannot be written: {error}", what.display()))
    };
    let bytes = std::fs::read(from).map_err(|error| {
        Failure::unavailable(format!("cargo made no {}: {error}", from.display()))
    })?;
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let draft: PathBuf = to.with_file_name(format!(".{name}.part"));
    std::fs::write(&draft, bytes).map_err(|error| failed(&draft, error))?;
    std::fs::rename(&draft, to).map_err(|error| failed(to, error))
}

async fn show(app: &App, package: &Package, place: &Path) -> Done {
    let component = Component::read(place, &app.config)?;
    let inspection = &component.inspection;
    let plugin = component::load(&app.config, &component, component.manifest.grants()).await?;
    let jobs: Vec<&str> = plugin.jobs().iter().map(|job| job.job_type.as_str()).collect();
    if app.output.json {
        app.output.document(&json!({
            "name": package.name, "path": place, "digest": inspection.digest,
            "bytes": inspection.bytes, "jobs": jobs,
            "imports": inspection.imports.iter().map(|it| &it.name).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let output = app.output;
    output.line(format_args!(
        "{} {}  {}  {}",
        output.paint(Tone::Good, "built"),
        place.display(),
        rounded_size(inspection.bytes),
        output.paint(Tone::Quiet, inspection.digest),
    ));
    output.line(format_args!("jobs:   {}", jobs.join(", ")));
    output.line(format_args!("wants:  {}", wants(inspection)));
    let shown = place.display();
    let job = jobs.first().copied().unwrap_or_default();
    output.line(format_args!(
        "next:   zapjobs run {shown} --job {job} --input JSON   # here and now\n        \
         cp {shown} {}/   # a running `zapjobs serve` takes it up",
        app.config.plugins.display()
    ));
    Ok(())
}

/// What the component wants beyond this project's own interfaces, each once.
fn wants(inspection: &Inspection) -> String {
    let meanings: Vec<&str> = wishes(inspection).into_iter().map(|(meaning, _)| meaning).collect();
    if meanings.is_empty() { "nothing".to_owned() } else { meanings.join("; ") }
}
