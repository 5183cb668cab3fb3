//! A plugins directory whose files say on paper what they have and want: one plugin serves, the
//! successor of another waits for approval, one file is broken.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zapjobs_model::{RetryPolicy, TenantId};
use zapjobs_runtime::{Catalog, PluginDesk, PluginDirectory, PluginOptions};
use zapjobs_storage::Storage;

use crate::paper::PaperSandbox;

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
            Arc::new(PaperSandbox),
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
