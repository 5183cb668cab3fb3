//! A plugins directory to look at: what serves, what waits for approval, what is refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zapjobs_model::TenantId;
use zapjobs_runtime::{Catalog, PluginDesk, PluginDirectory, PluginOptions};
use zapjobs_storage::Storage;

use crate::paper::PaperSandbox;
use crate::{DemoClock, jobs};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MANIFEST: &str = r#"
queues = ["mail"]

[[http]]
host = "api.example.com"

[env]
LANGUAGE = "pt"

[limits]
memory_bytes_max = 33554432
"#;

/// The directory while it is looked after.
pub(crate) struct Plugins {
    pub(crate) desk: PluginDesk,
    _folder: TempDir,
}

impl Plugins {
    /// Makes files, lets them serve, and watches them until `stop`.
    pub(crate) async fn make(
        storage: &Arc<dyn Storage>,
        clock: &DemoClock,
        stop: CancellationToken,
    ) -> Self {
        let folder = TempDir::new().expect("a folder");
        let options =
            PluginOptions { settle: Duration::ZERO, ..PluginOptions::new(TenantId::standard()) };
        let mut directory = PluginDirectory::open(
            folder.path(),
            options,
            Arc::new(PaperSandbox),
            Arc::clone(storage),
            Arc::new(Catalog::new()),
        )
        .expect("a directory");

        clock.set_behind(2 * DAY);
        put(folder.path(), "media", &["thumbnail"], &[], 1);
        put(folder.path(), "office", &["invoice", "import-prices", "nightly-report"], &[], 1);
        fs::write(folder.path().join("mail.toml"), MANIFEST).expect("written");
        put(folder.path(), "mail", &["send-mail"], &["wasi:http/outgoing-handler"], 1);
        directory.rescan().await.expect("a look");
        clock.set_behind(DAY);
        put(folder.path(), "media", &["thumbnail"], &["wasi:filesystem/types"], 2);
        fs::write(folder.path().join("media.toml"), "").expect("written");
        put(folder.path(), "office", &["invoice", "import-prices", "nightly-report"], &[], 2);
        directory.rescan().await.expect("a look");
        clock.set_behind(Duration::ZERO);
        let more = ["wasi:http/outgoing-handler", "wasi:sockets/tcp"];
        put(folder.path(), "mail", &["send-mail"], &more, 2);
        fs::write(folder.path().join("reports.wasm"), "half a copy").expect("written");
        directory.rescan().await.expect("a look");

        let desk = directory.desk().expect("versions are kept");
        tokio::spawn(directory.watch(stop, |_| ()));
        Self { desk, _folder: folder }
    }
}

fn put(folder: &Path, name: &str, jobs: &[&str], imports: &[&str], version: u32) {
    let all = jobs::descriptions();
    let own: Vec<_> = all.iter().filter(|it| jobs.contains(&it.job_type.as_str())).collect();
    let paper = json!({"jobs": own, "imports": imports, "version": version});
    fs::write(folder.join(format!("{name}.wasm")), paper.to_string()).expect("written");
}
