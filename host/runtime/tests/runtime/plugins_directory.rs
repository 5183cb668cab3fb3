//! The plugins directory, with a sandbox that takes lists of job names for components.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::support::directory::{reason, rescan};
use crate::support::{Bench, PATIENCE, ScriptedSandbox, job};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zapjobs_model::{JobKey, JobType, TenantId};
use zapjobs_runtime::{PluginDirectory, PluginOptions, PluginState};

fn directory(bench: &Bench) -> (TempDir, PluginDirectory) {
    directory_with(bench, options())
}

fn directory_with(bench: &Bench, options: PluginOptions) -> (TempDir, PluginDirectory) {
    let folder = TempDir::new().expect("a folder");
    let directory = PluginDirectory::open(
        folder.path(),
        options,
        Arc::new(ScriptedSandbox),
        Arc::clone(&bench.storage),
        Arc::clone(&bench.catalog),
    );
    (folder, directory.expect("a directory"))
}

/// Files count as settled at once.
fn options() -> PluginOptions {
    PluginOptions { settle: Duration::ZERO, ..PluginOptions::new(TenantId::standard()) }
}

fn job_of(tenant: &str, name: &str) -> JobKey {
    let tenant = TenantId::new(tenant).expect("a tenant");
    JobKey { tenant, job_type: JobType::new(name).expect("a name") }
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

#[tokio::test]
async fn tenants_have_folders_and_job_types_of_their_own() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    let acme = folder.path().join("acme");
    fs::create_dir(&acme).expect("a folder");
    fs::write(folder.path().join("plugin.wasm"), "job").expect("written");
    fs::write(acme.join("plugin.wasm"), "job # of acme").expect("written");
    let reports = rescan(&mut directory).await;
    assert_eq!(reports.len(), 2);
    let [own, acmes] = ["default", "acme"]
        .map(|tenant| bench.catalog.get(&job_of(tenant, "job")).expect("served").plugin.digest());
    assert_ne!(own, acmes);

    fs::remove_file(acme.join("plugin.wasm")).expect("removed");
    rescan(&mut directory).await;
    assert!(bench.catalog.get(&job_of("acme", "job")).is_none());
    assert!(bench.catalog.get(&job("job")).is_some(), "the other tenant's stays");
}

#[tokio::test]
async fn what_is_no_plugin_is_passed_over_with_its_reason() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    for name in ["not a tenant", ".hidden", "acme", "acme/nested", "default"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    for file in ["not a tenant/a.wasm", ".hidden/a.wasm", "acme/nested/a.wasm", "acme/.a.wasm"] {
        fs::write(folder.path().join(file), "job").expect("written");
    }
    fs::write(folder.path().join("twice.wasm"), "one").expect("written");
    fs::write(folder.path().join("default/twice.wasm"), "two").expect("written");
    let reports = rescan(&mut directory).await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    let root = directory.path();
    let passed_over: Vec<_> = directory
        .passed_over()
        .keys()
        .map(|path| path.strip_prefix(root).expect("inside").display().to_string())
        .collect();
    assert_eq!(passed_over, ["acme/nested", "default/twice.wasm", "not a tenant"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_not_followed_out_of_the_directory() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    let outside = TempDir::new().expect("a folder");
    fs::write(outside.path().join("a.wasm"), "stolen").expect("written");
    symlink(outside.path(), folder.path().join("acme")).expect("a link");
    symlink(outside.path().join("a.wasm"), folder.path().join("a.wasm")).expect("a link");
    fs::write(folder.path().join("real.wasm"), "job").expect("written");
    symlink(folder.path().join("real.wasm"), folder.path().join("z.wasm")).expect("a link");
    let reports = rescan(&mut directory).await;
    assert_eq!(reports.len(), 3, "{reports:?}");
    assert!(reason(&reports[0]).contains("leads out of"), "{reports:?}");
    assert!(reason(&reports[2]).contains("real.wasm"), "a link inside is read: {reports:?}");
    assert!(bench.catalog.get(&job_of("acme", "stolen")).is_none());
    assert_eq!(directory.passed_over().len(), 1, "{:?}", directory.passed_over());
}

#[tokio::test]
async fn a_tenant_has_no_more_plugins_than_it_may_until_one_is_gone() {
    let bench = Bench::new();
    let (folder, mut directory) =
        directory_with(&bench, PluginOptions { plugins_max: 2, ..options() });
    fs::create_dir(folder.path().join("acme")).expect("a folder");
    for file in ["a.wasm", "b.wasm", "c.wasm", "acme/d.wasm"] {
        let name = file.trim_start_matches("acme/").trim_end_matches(".wasm");
        fs::write(folder.path().join(file), name).expect("written");
    }
    let reports = rescan(&mut directory).await;
    let refused: Vec<&str> = reports
        .iter()
        .filter(|it| matches!(&it.state, PluginState::Refused { .. }))
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(refused, ["c"], "each tenant by itself");
    fs::remove_file(folder.path().join("a.wasm")).expect("removed");
    rescan(&mut directory).await;
    assert!(bench.catalog.get(&job("c")).is_some());
}

#[tokio::test]
async fn a_component_that_is_too_long_is_not_read() {
    let bench = Bench::new();
    let (folder, mut directory) =
        directory_with(&bench, PluginOptions { component_bytes_max: 8, ..options() });
    fs::write(folder.path().join("a.wasm"), "a-long-name").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("11 bytes long, 8 are allowed"), "{reports:?}");
}

#[tokio::test]
async fn a_file_that_was_written_just_now_is_read_once_it_is_settled() {
    let bench = Bench::new();
    let settle = Duration::from_millis(50);
    let (folder, mut directory) = directory_with(&bench, PluginOptions { settle, ..options() });
    let began = std::time::Instant::now();
    fs::write(folder.path().join("a.wasm"), "job").expect("written");
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Serving { .. }), "{reports:?}");
    assert!(began.elapsed() >= settle, "it waited");
}

#[tokio::test]
async fn a_manifest_says_how_jobs_are_tried_again() {
    let bench = Bench::new();
    let (folder, mut directory) = directory(&bench);
    let manifest = folder.path().join("mail.toml");
    let said = "[jobs.mail.retry]\nmax_attempts = 7\nkind = \"fixed\"\nnot_retried = [\"a.*\"]\n";
    fs::write(&manifest, said).expect("written");
    fs::write(folder.path().join("mail.wasm"), "mail other").expect("written");
    rescan(&mut directory).await;
    let stored = |name| bench.storage.definition(name);
    let (mail, other) = (job("mail"), job("other"));
    let retry = stored(&mail).await.expect("read").expect("it is there").retry;
    assert_eq!((retry.max_attempts, retry.kind), (7, zapjobs_model::Backoff::Fixed));
    assert_eq!(bench.catalog.get(&mail).expect("it serves").retry, retry);
    let retry = stored(&other).await.expect("read").expect("it is there").retry;
    assert_eq!(retry, crate::support::describe("other").retry, "as declared");
    // The runs of it get as many attempts as the operator says.
    let run = bench.enqueue("mail").await;
    assert_eq!(bench.run(run).await.max_attempts, 7);

    fs::write(&manifest, "[jobs.mial.retry]\nmax_attempts = 7\n").expect("written");
    let reports = rescan(&mut directory).await;
    let told = reason(&reports[0]);
    assert!(told.contains("the job mial, which it does not have"), "{told}");
    let retry = stored(&mail).await.expect("read").expect("it is there").retry;
    assert_eq!(retry.max_attempts, 7, "what served before goes on");
}
