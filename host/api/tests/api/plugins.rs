//! Plugins: how they stand, what waits, and what operators order.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use zapjobs_api::{ApiOptions, AuthMode, Scope};
use zapjobs_model::TenantId;
use zapjobs_runtime::{Catalog, PluginDirectory, PluginOptions};

use crate::paper::PaperSandbox;
use crate::support::{Place, place, place_on, store, text};

/// A plugins directory that an API tells of.
pub(crate) struct Plugins {
    pub(crate) place: Place,
    directory: PluginDirectory,
    folder: TempDir,
}

impl Plugins {
    pub(crate) async fn open(options: ApiOptions) -> Self {
        let (clock, storage) = store().await;
        let folder = TempDir::new().expect("a folder");
        let directory = PluginDirectory::open(
            folder.path(),
            PluginOptions { settle: Duration::ZERO, ..PluginOptions::new(TenantId::standard()) },
            Arc::new(PaperSandbox),
            Arc::clone(&storage),
            Arc::new(Catalog::new()),
        )
        .expect("a directory");
        let options = ApiOptions { plugins: directory.desk(), ..options };
        Self { place: place_on(clock, storage, options), directory, folder }
    }

    async fn for_all() -> Self {
        Self::open(ApiOptions { auth: AuthMode::Off, ..ApiOptions::default() }).await
    }

    /// Puts a version of a plugin in place, and lets the host look.
    pub(crate) async fn put(&mut self, name: &str, jobs: &[&str], imports: &[&str]) {
        let described = jobs.iter().map(|job| {
            json!({
                "job_type": job, "display_name": job, "description": "on paper", "tags": [],
                "retry": zapjobs_model::RetryPolicy::default(), "schedule": {"kind": "manual"},
            })
        });
        let paper = json!({"jobs": described.collect::<Vec<_>>(), "imports": imports});
        self.write(&format!("{name}.wasm"), &paper.to_string());
        self.look().await;
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("written");
    }

    async fn look(&mut self) {
        self.directory.rescan().await.expect("a look");
    }

    async fn shown(&self, name: &str) -> Value {
        self.place.get(&format!("/api/v1/plugins/{name}")).await.json()
    }

    async fn ordered(&self, name: &str, order: &str, wish: Value) -> Value {
        let answer = self.place.post(&format!("/api/v1/plugins/{name}/{order}"), wish).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

#[tokio::test]
async fn a_version_that_wants_more_waits_until_it_is_approved() {
    let mut plugins = Plugins::for_all().await;
    plugins.put("mail", &["send"], &[]).await;
    let first = plugins.shown("mail").await;
    assert_eq!((&first["state"], &first["jobs"]), (&json!("serving"), &json!(["send"])));
    plugins.put("mail", &["send"], &["wasi:sockets/tcp"]).await;

    let held = plugins.place.get("/api/v1/plugins?state=held").await.json();
    let listed = &held["plugins"][0];
    assert_eq!((&listed["name"], &listed["state"]), (&json!("mail"), &json!("held")));
    assert_eq!(listed["serving"], first["serving"], "the version before goes on serving");
    let waits = &listed["turned_down"];
    assert_eq!((&waits["held"], &waits["wants_more"]), (&json!(true), &json!(["sockets"])));

    let beginning = &text(&waits["digest"])[..12];
    let ordered = plugins.ordered("mail", "approve", json!({"digest": beginning})).await;
    assert_eq!((&ordered["order"], &ordered["digest"]), (&json!("approved"), &waits["digest"]));
    plugins.look().await;
    let after = plugins.shown("mail").await;
    assert_eq!((&after["state"], &after["serving"]), (&json!("serving"), &waits["digest"]));
    assert_eq!(after["wants"], json!(["sockets"]));
    assert_eq!(after["versions"].as_array().expect("versions").len(), 2);
}

#[tokio::test]
async fn a_rollback_pins_the_version_before_until_it_is_unpinned() {
    let mut plugins = Plugins::for_all().await;
    plugins.put("mail", &["send"], &[]).await;
    plugins.put("mail", &["send", "post"], &[]).await;
    let latest = plugins.shown("mail").await;
    let ordered = plugins.ordered("mail", "rollback", Value::Null).await;
    assert_eq!(ordered["digest"], latest["versions"][1]["digest"]);
    plugins.look().await;
    let back = plugins.shown("mail").await;
    assert_eq!((&back["state"], &back["pinned"]), (&json!("pinned"), &ordered["digest"]));
    assert_eq!((&back["serving"], &back["jobs"]), (&ordered["digest"], &json!(["send"])));

    let unpinned = plugins.ordered("mail", "unpin", Value::Null).await;
    assert_eq!(unpinned["digest"], ordered["digest"]);
    plugins.look().await;
    assert_eq!(plugins.shown("mail").await["serving"], latest["serving"]);
    let again = plugins.place.post("/api/v1/plugins/mail/unpin", Value::Null).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "conflict".to_owned()));
}

#[tokio::test]
async fn a_refused_file_says_why_and_what_is_allowed_is_told_without_its_values() {
    let mut plugins = Plugins::for_all().await;
    let manifest = "[env]\nPASSWORD = \"geheim\"\n[[http]]\nhost = \"api.example.com\"\n\
                    [limits]\nmemory_bytes_max = 1048576\n";
    plugins.write("mail.toml", manifest);
    plugins.put("mail", &["send"], &["wasi:http/outgoing-handler"]).await;
    plugins.write("mail.wasm", "half a copy");
    plugins.look().await;

    let answer = plugins.place.get("/api/v1/plugins/mail").await;
    assert!(!answer.text.contains("geheim"), "{}", answer.text);
    let shown = answer.json();
    assert_eq!((&shown["state"], &shown["wants"]), (&json!("refused"), &json!(["http"])));
    assert!(text(&shown["reason"]).contains("no component"), "{shown}");
    assert_eq!(shown["grants"]["environment"], json!(["PASSWORD"]));
    assert_eq!(shown["grants"]["http"], json!(["https://api.example.com"]));
    assert_eq!(shown["limits"]["memory_bytes_max"], 1_048_576);
    assert_eq!(
        (&shown["signature"], &shown["turned_down"]["held"]),
        (&json!("none"), &json!(false))
    );
    assert_eq!(shown["versions"][0]["kept"], true);
}

#[tokio::test]
async fn pages_follow_each_other_by_tenant_and_name() {
    let mut plugins = Plugins::for_all().await;
    for name in ["a", "b", "c"] {
        plugins.put(name, &[name], &[]).await;
    }
    let first = plugins.place.get("/api/v1/plugins?limit=2").await.json();
    assert_eq!(first["plugins"].as_array().expect("a page").len(), 2);
    let path = format!("/api/v1/plugins?limit=2&cursor={}", text(&first["next"]));
    let second = plugins.place.get(&path).await.json();
    assert_eq!((&second["plugins"][0]["name"], &second["next"]), (&json!("c"), &Value::Null));
    let bad = plugins.place.get("/api/v1/plugins?state=well").await;
    assert_eq!((bad.status, bad.code()), (StatusCode::BAD_REQUEST, "bad-query".to_owned()));
}

#[tokio::test]
async fn orders_are_for_plugins_that_are_there_and_for_the_installation_alone() {
    let mut plugins = Plugins::open(ApiOptions::default()).await;
    plugins.put("mail", &["send"], &[]).await;
    let admin = plugins.place.token(Scope::Admin, None).await;
    for name in ["post", "..%2Fmail", "..%2F..%2Forders%2Fdefault%2Fmail", ".mail", "%00"] {
        let path = format!("/api/v1/plugins/{name}/reset");
        let answer = plugins.place.by(&admin, Method::POST, &path, None).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not-found".to_owned()));
    }
    let path = "/api/v1/plugins/mail/reset";
    let answer = plugins.place.by(&admin, Method::POST, path, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let own = plugins.place.token(Scope::Admin, Some("default")).await;
    let answer = plugins.place.by(&own, Method::POST, path, None).await;
    assert_eq!(answer.code(), "insufficient-scope");
    let changes = plugins.place.by(&admin, Method::GET, "/api/v1/audit", None).await.json();
    assert_eq!(changes["changes"][0]["action"], "POST /api/v1/plugins/{name}/reset");
}

#[tokio::test]
async fn a_server_without_a_plugins_directory_says_so() {
    let answer = place().await.get("/api/v1/plugins").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::NOT_IMPLEMENTED, "not-here".to_owned())
    );
}
