//! A plugins directory whose files say on paper what they have and want: one plugin serves, the
//! successor of another waits for approval, one file is broken.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zapjobs_model::port::{
    BoxFuture, Cancellation, Invocation, LoadError, Plugin, PluginSource, RunSink, Sandbox,
};
use zapjobs_model::{
    Digest, JobDescription, Json, Outcome, Report, RetryPolicy, RunError, TenantId, Usage,
};
use zapjobs_runtime::{Catalog, PluginDesk, PluginDirectory, PluginOptions};
use zapjobs_storage::Storage;

/// What the newsletter's manifest says.
const MANIFEST: &str = "[[http]]\nhost = \"api.example.com\"\n\n[env]\nLANGUAGE = \"pt\"\n\n\
    [limits]\nmemory_bytes_max = 33554432\n";

/// The directory, as long as it is there.
pub(crate) struct Files {
    pub(crate) desk: PluginDesk,
    _folder: TempDir,
}

impl Files {
    /// Makes files, lets them serve, and watches them until `stop`.
    pub(crate) async fn make(
        storage: &Arc<dyn Storage>,
        catalog: &Arc<Catalog>,
        stop: CancellationToken,
    ) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut directory = PluginDirectory::open(
            folder.path(),
            PluginOptions { settle: Duration::ZERO, ..PluginOptions::new(TenantId::standard()) },
            Arc::new(Papers),
            Arc::clone(storage),
            Arc::clone(catalog),
        )
        .expect("a directory");
        fs::write(folder.path().join("newsletter.toml"), MANIFEST).expect("written");
        for version in 1..=2 {
            put(folder.path(), "newsletter", &["wasi:http/outgoing-handler"], version);
            put(folder.path(), "stocktaking", &[], version);
            directory.rescan().await.expect("a look");
        }
        let more = ["wasi:http/outgoing-handler", "wasi:sockets/tcp"];
        put(folder.path(), "newsletter", &more, 3);
        fs::write(folder.path().join("reports.wasm"), "half a copy").expect("written");
        directory.rescan().await.expect("a look");
        let desk = directory.desk().expect("versions are kept");
        tokio::spawn(directory.watch(stop, |_| ()));
        Self { desk, _folder: folder }
    }
}

/// A plugin with one job of its own name.
fn put(folder: &Path, name: &str, imports: &[&str], version: u32) {
    let job = json!({
        "job_type": name, "display_name": name, "description": "A job of a plugin.", "tags": [],
        "retry": RetryPolicy::default(), "schedule": {"kind": "manual"},
    });
    let paper = json!({"jobs": [job], "imports": imports, "version": version});
    fs::write(folder.join(format!("{name}.wasm")), paper.to_string()).expect("written");
}

struct Papers;

#[derive(Deserialize)]
struct Paper {
    jobs: Vec<JobDescription>,
    imports: Vec<String>,
}

struct PaperPlugin(Digest, Paper);

impl Sandbox for Papers {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>> {
        Box::pin(async move {
            let refused = |error| LoadError(format!("it is no component: {error}: build it again"));
            let paper = serde_json::from_slice(&source.bytes).map_err(refused)?;
            Ok(Arc::new(PaperPlugin(Digest::of(&source.bytes), paper)) as Arc<dyn Plugin>)
        })
    }
}

impl Plugin for PaperPlugin {
    fn digest(&self) -> Digest {
        self.0
    }

    fn jobs(&self) -> &[JobDescription] {
        &self.1.jobs
    }

    fn imports(&self) -> &[String] {
        &self.1.imports
    }

    fn run(
        &self,
        _: Invocation,
        _: Arc<dyn RunSink>,
        _: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let outcome = Outcome::Completed(Json::null());
        Box::pin(async move { Ok(Report { outcome, usage: Usage::default() }) })
    }
}
