//! The plugins directory, with a sandbox that takes lists of job names for components.

mod support;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use support::{Bench, PATIENCE, ScriptedSandbox, job};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zapjobs_model::{Limits, TenantId};
use zapjobs_runtime::{PluginDirectory, PluginReport, PluginState};

fn directory(bench: &Bench) -> (TempDir, PluginDirectory) {
    let folder = TempDir::new().expect("a folder");
    let directory = PluginDirectory::open(
        folder.path(),
        TenantId::standard(),
        Limits::default(),
        Arc::new(ScriptedSandbox),
        Arc::clone(&bench.storage),
        Arc::clone(&bench.catalog),
    );
    (folder, directory.expect("a directory"))
}

async fn rescan(directory: &mut PluginDirectory) -> Vec<PluginReport> {
    directory.rescan().await.expect("a round")
}

fn reason(report: &PluginReport) -> &str {
    match &report.state {
        PluginState::Refused { reason, .. } => reason,
        other => panic!("{other:?} is no refusal"),
    }
}

#[tokio::test]
async fn a_component_that_appears_is_served_and_one_that_goes_is_retired() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    assert!(rescan(&mut directory).await.is_empty());

    fs::write(folder.path().join("two.wasm"), "one two").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(matches!(&reports[0].state, PluginState::Serving { jobs, .. } if jobs.len() == 2));
    assert!(bench.catalog.get(&job("two")).is_some());
    assert!(rescan(&mut directory).await.is_empty(), "nothing changed");

    fs::remove_file(folder.path().join("two.wasm")).expect("removed");
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Retired { .. }));
    assert!(bench.catalog.get(&job("two")).is_none());
    let definition = bench.storage.definition(&job("two")).await.expect("a storage");
    assert_eq!(definition.expect("it stays").digest, None, "but nothing serves it");
}

#[tokio::test]
async fn a_changed_component_takes_over_and_drops_the_jobs_it_no_longer_has() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    let file = folder.path().join("plugin.wasm");
    fs::write(&file, "keep drop").expect("written");
    rescan(&mut directory).await;
    let before = bench.catalog.get(&job("keep")).expect("served").plugin.digest();
    fs::write(&file, "keep added").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Serving { replaced: true, .. }));
    assert_ne!(bench.catalog.get(&job("keep")).expect("served").plugin.digest(), before);
    assert!(bench.catalog.get(&job("added")).is_some());
    assert!(bench.catalog.get(&job("drop")).is_none());
}

#[tokio::test]
async fn a_broken_successor_leaves_the_old_version_serving() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    let file = folder.path().join("plugin.wasm");
    fs::write(&file, "job").expect("written");
    rescan(&mut directory).await;
    fs::write(&file, "broken now").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(matches!(
        &reports[0].state,
        PluginState::Refused { reason, still_serving: Some(_) } if reason.contains("build it again")
    ));
    assert!(bench.catalog.get(&job("job")).is_some());
}

#[tokio::test]
async fn two_files_with_one_job_type_conflict_until_one_is_gone() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    fs::write(folder.path().join("a.wasm"), "job").expect("written");
    fs::write(folder.path().join("b.wasm"), "job other").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[1]).contains("a.wasm"), "{reports:?}");
    assert!(bench.catalog.get(&job("other")).is_none(), "a plugin is taken whole or not");
    fs::remove_file(folder.path().join("a.wasm")).expect("removed");
    rescan(&mut directory).await;
    assert!(bench.catalog.get(&job("other")).is_some());
}

#[tokio::test]
async fn a_broken_manifest_is_told_with_its_line() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    fs::write(folder.path().join("a.wasm"), "job").expect("written");
    fs::write(folder.path().join("a.toml"), "[limit]\n").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("a.toml"), "{reports:?}");
    assert!(reason(&reports[0]).contains("line 1"), "{reports:?}");
    fs::write(folder.path().join("a.toml"), "[limits]\n").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Serving { .. }), "{reports:?}");
}

#[tokio::test]
async fn a_watched_directory_tells_of_changes_soon() {
    let bench = Bench::new();
    let (folder, directory) = directory(&bench);
    let stop = CancellationToken::new();
    let (tell, mut told) = mpsc::unbounded_channel();
    let watching = tokio::spawn(directory.watch(stop.clone(), move |report| {
        tell.send(report.expect("a round")).expect("the test listens");
    }));
    fs::write(folder.path().join("new.wasm"), "job").expect("written");
    let report =
        tokio::time::timeout(PATIENCE, told.recv()).await.expect("soon").expect("a report");
    assert_eq!(report.name, "new");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), watching).await.expect("it stops").expect("well");
}

#[tokio::test]
async fn a_plugin_serves_only_the_tenants_and_queues_of_its_manifest() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    fs::write(folder.path().join("one.wasm"), "one").expect("written");
    let mut with = async |manifest: &str| {
        fs::write(folder.path().join("one.toml"), manifest).expect("written");
        rescan(&mut directory).await.remove(0)
    };
    assert_eq!(
        reason(&with("queues = [\"reports\"]\n").await),
        "its job one waits in the queue default, which its manifest does not allow: add \
         \"default\" to its `queues`"
    );
    assert_eq!(
        reason(&with("tenants = [\"acme\"]\n").await),
        "its manifest restricts it to tenants, and this directory serves default: add \"default\" \
         to its `tenants`, or move it"
    );
    let report = with("tenants = [\"acme\", \"default\"]\nqueues = [\"default\"]\n").await;
    assert!(matches!(report.state, PluginState::Serving { .. }));
    let served = bench.catalog.get(&job("one")).expect("served");
    assert_eq!(served.queues.as_deref().map(<[_]>::len), Some(1));
}
