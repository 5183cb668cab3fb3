//! Versions of plugins: what is kept, held back, approved, gone back to and checked.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::support::directory::{reason, rescan};
use crate::support::{Bench, ScriptedSandbox, job, request};
use tempfile::TempDir;
use zapjobs_model::{Capability, Digest, Json, TenantId};
use zapjobs_runtime::{
    HoldReason, Origin, PluginDirectory, PluginId, PluginOptions, PluginState, SchemaCheck,
    TrustedKeys, VersionStore,
};

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/trusted.pub");
const SIGNATURE: &str = include_str!("../fixtures/signed.minisig");

/// One plugin, called `plugin`, over several lives of its host.
struct Place {
    folder: TempDir,
    bench: Bench,
    options: PluginOptions,
}

impl Place {
    fn new() -> Self {
        let settle = Duration::ZERO;
        let options = PluginOptions { settle, ..PluginOptions::new(TenantId::standard()) };
        Self { folder: TempDir::new().expect("a folder"), bench: Bench::new(), options }
    }

    fn open(&self) -> PluginDirectory {
        PluginDirectory::open(
            self.folder.path(),
            self.options.clone(),
            Arc::new(ScriptedSandbox),
            Arc::clone(&self.bench.storage),
            Arc::clone(&self.bench.catalog),
        )
        .expect("a directory")
    }

    /// Another host on the same files.
    fn reopen(&mut self) -> PluginDirectory {
        self.bench = Bench::on(Arc::clone(&self.bench.storage));
        self.open()
    }

    fn put(&self, component: &str) -> Digest {
        fs::write(self.path("plugin.wasm"), component).expect("written");
        Digest::of(component.as_bytes())
    }

    fn put_manifest(&self, text: &str) {
        fs::write(self.path("plugin.toml"), text).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn versions(&self) -> VersionStore {
        VersionStore::open(self.folder.path(), None).expect("a store")
    }

    fn served(&self, name: &str) -> Option<Digest> {
        self.bench.catalog.get(&job(name)).map(|served| served.plugin.digest())
    }
}

fn id() -> PluginId {
    PluginId { tenant: TenantId::standard(), name: "plugin".to_owned() }
}

#[tokio::test]
async fn the_last_good_version_serves_again_though_the_file_is_broken_now() {
    let mut place = Place::new();
    let good = place.put("job");
    rescan(&mut place.open()).await;
    place.put("broken now");

    let reports = rescan(&mut place.reopen()).await;
    let [served, refused] = reports.as_slice() else { panic!("{reports:?}") };
    assert!(
        matches!(served.state, PluginState::Serving { digest, origin: Origin::Kept, .. } if digest == good),
        "{served:?}"
    );
    assert!(
        matches!(refused.state, PluginState::Refused { still_serving: Some(digest), .. } if digest == good),
        "{refused:?}"
    );
    assert_eq!(place.served("job"), Some(good));
    assert!(place.versions().record(&id()).turned_down.expect("noted").reason.contains("broken"));

    place.put("job");
    rescan(&mut place.reopen()).await;
    assert_eq!(place.versions().record(&id()).turned_down, None);
}

#[tokio::test]
async fn a_kept_version_that_was_tampered_with_does_not_serve() {
    let mut place = Place::new();
    let good = place.put("job");
    rescan(&mut place.open()).await;
    let kept = place.versions().path().join(format!("sha256/{good}.wasm"));
    fs::write(kept, "evil").expect("written");
    place.put("broken now");
    let reports = rescan(&mut place.reopen()).await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!((place.served("job"), place.served("evil")), (None, None));
}

#[tokio::test]
async fn where_versions_cannot_be_kept_plugins_serve_nevertheless() {
    let mut place = Place::new();
    let file = place.path("no-folder");
    fs::write(&file, "").expect("written");
    place.options.versions_dir = Some(file);
    let mut directory = place.open();
    place.put("job # 1");
    rescan(&mut directory).await;
    let two = place.put("job # 2");
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(two));
    place.put("job +wasi:sockets/tcp");
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Held { .. }), "{reports:?}");
}

#[tokio::test]
async fn a_damaged_record_is_begun_anew_and_the_plugin_serves() {
    let mut place = Place::new();
    let one = place.put("job");
    rescan(&mut place.open()).await;
    fs::write(place.versions().path().join("records/default/plugin.json"), "{").expect("written");
    rescan(&mut place.reopen()).await;
    assert_eq!(place.served("job"), Some(one));
    assert_eq!(place.versions().record(&id()).current, Some(one), "it is whole again");
}

#[tokio::test]
async fn a_successor_that_wants_more_waits_for_approval_over_restarts_too() {
    let mut place = Place::new();
    let mut directory = place.open();
    let old = place.put("job +wasi:filesystem/types");
    rescan(&mut directory).await;
    let new = place.put("job +wasi:filesystem/types +wasi:sockets/tcp");
    let reports = rescan(&mut directory).await;
    let PluginState::Held { digest, reason, still_serving } = &reports[0].state else {
        panic!("{reports:?}")
    };
    assert_eq!((*digest, *still_serving), (new, Some(old)));
    assert_eq!(*reason, HoldReason::WantsMore(vec![Capability::Sockets]));
    assert!(rescan(&mut directory).await.is_empty(), "told once");

    let mut directory = place.reopen();
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(old), "held back after a restart too");
    let turned_down = place.versions().record(&id()).turned_down.expect("noted");
    assert!(turned_down.held && turned_down.wants_more == [Capability::Sockets]);

    assert_eq!(place.versions().approve(&id(), None).expect("approved"), new);
    let reports = rescan(&mut directory).await;
    assert!(matches!(reports[0].state, PluginState::Serving { replaced: true, .. }), "{reports:?}");
    assert_eq!(place.served("job"), Some(new));
    assert_eq!(place.versions().record(&id()).turned_down, None);
}

#[tokio::test]
async fn a_manifest_that_grants_more_approves_it() {
    let place = Place::new();
    let mut directory = place.open();
    place.put("job");
    rescan(&mut directory).await;
    let new = place.put("job +wasi:filesystem/types");
    assert!(matches!(rescan(&mut directory).await[0].state, PluginState::Held { .. }));
    place.put_manifest("[[directory]]\nhost = \"/srv\"\nguest = \"/in\"\naccess = \"ro\"\n");
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(new));
}

#[tokio::test]
async fn a_rollback_holds_whatever_comes_until_it_is_ended() {
    let mut place = Place::new();
    let mut directory = place.open();
    let one = place.put("job # 1");
    rescan(&mut directory).await;
    place.put("job # 2");
    rescan(&mut directory).await;

    assert_eq!(place.versions().roll_back(&id(), None).expect("there is one"), one);
    let reports = rescan(&mut directory).await;
    assert!(
        matches!(reports[0].state, PluginState::Serving { digest, origin: Origin::Pinned, .. } if digest == one),
        "{reports:?}"
    );
    let three = place.put("job # 3");
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(one));
    let mut directory = place.reopen();
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(one), "over a restart too");

    assert_eq!(place.versions().unpin(&id()).expect("it was"), one);
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(three));
}

#[tokio::test]
async fn orders_that_make_no_sense_say_what_to_do() {
    let place = Place::new();
    let mut directory = place.open();
    place.put("job");
    rescan(&mut directory).await;
    let versions = place.versions();
    for (error, expected) in [
        (versions.approve(&id(), None).expect_err("nothing held"), "plugins list"),
        (versions.roll_back(&id(), None).expect_err("nothing before"), "plugins history"),
        (versions.roll_back(&id(), Some(Digest::of(b"?"))).expect_err("unknown"), "no version"),
        (versions.unpin(&id()).expect_err("not pinned"), "not pinned"),
    ] {
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_pinned_version_that_is_lost_leaves_the_present_one_serving() {
    let place = Place::new();
    let mut directory = place.open();
    let one = place.put("job # 1");
    rescan(&mut directory).await;
    let two = place.put("job # 2");
    rescan(&mut directory).await;
    place.versions().roll_back(&id(), None).expect("there is one");
    fs::remove_file(place.versions().path().join(format!("sha256/{one}.wasm"))).expect("removed");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("plugins unpin plugin"), "{reports:?}");
    assert_eq!(place.served("job"), Some(two));
}

#[tokio::test]
async fn a_manifest_that_names_a_digest_refuses_other_code() {
    let place = Place::new();
    let mut directory = place.open();
    let one = place.put("job # 1");
    place.put_manifest(&format!("digest = \"sha256:{one}\"\n"));
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(one));
    place.put("job # 2");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("alone"), "{reports:?}");
    assert_eq!(place.served("job"), Some(one));
}

#[tokio::test]
async fn a_component_needs_a_signature_where_keys_are_trusted() {
    let mut place = Place::new();
    place.options.trusted_keys = TrustedKeys::read([KEY]).expect("a key");
    let mut directory = place.open();
    let signed = place.put("signed");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("minisign -Sm"), "{reports:?}");
    fs::write(place.path("plugin.wasm.minisig"), SIGNATURE).expect("written");
    rescan(&mut directory).await;
    assert_eq!(place.served("signed"), Some(signed));
    place.put("signed otherwise");
    let reports = rescan(&mut directory).await;
    assert!(reason(&reports[0]).contains("does not belong to this code"), "{reports:?}");

    let mut directory = place.reopen();
    rescan(&mut directory).await;
    assert_eq!(place.served("signed"), Some(signed), "a kept version has its signature with it");
}

#[tokio::test]
async fn a_kept_version_without_a_trusted_signature_does_not_serve() {
    let mut place = Place::new();
    place.put("job");
    rescan(&mut place.open()).await;
    place.options.trusted_keys = TrustedKeys::read([KEY]).expect("a key");
    place.put("broken now");
    rescan(&mut place.reopen()).await;
    assert_eq!(place.served("job"), None);
}

#[tokio::test]
async fn waiting_inputs_that_no_longer_fit_are_told() {
    let place = Place::new();
    let mut directory = place.open();
    place.put("job");
    rescan(&mut directory).await;
    place.bench.enqueue("job").await;
    let object = Json::trusted("{}");
    let fits = zapjobs_model::JobRequest { input: object, ..request("job") };
    place.bench.client.enqueue(fits).await.expect("enqueued");

    let strict = place.put("job!");
    let reports = rescan(&mut directory).await;
    let PluginState::Serving { warning: Some(warning), .. } = &reports[0].state else {
        panic!("{reports:?}")
    };
    assert!(warning.starts_with("1 of 2 waiting inputs of job do not fit"), "{warning}");
    assert_eq!(place.served("job"), Some(strict), "it is taken nevertheless");
}

#[tokio::test]
async fn waiting_inputs_hold_a_version_back_where_that_is_asked_for() {
    let mut place = Place::new();
    place.options.schema_check = SchemaCheck::Hold;
    let mut directory = place.open();
    let loose = place.put("job");
    rescan(&mut directory).await;
    place.bench.enqueue("job").await;
    let strict = place.put("job!");
    let reports = rescan(&mut directory).await;
    assert!(
        matches!(&reports[0].state, PluginState::Held { reason: HoldReason::Inputs(_), .. }),
        "{reports:?}"
    );
    assert_eq!(place.served("job"), Some(loose));
    place.versions().approve(&id(), None).expect("approved");
    rescan(&mut directory).await;
    assert_eq!(place.served("job"), Some(strict));
}

#[tokio::test]
async fn versions_beyond_those_kept_are_forgotten() {
    let mut place = Place::new();
    place.options.versions_kept = 2;
    let mut directory = place.open();
    for number in 0..5 {
        place.put(&format!("job # {number}"));
        rescan(&mut directory).await;
    }
    let history = place.versions().record(&id()).history;
    assert_eq!(history.len(), 2, "{history:?}");
    assert_eq!(Some(history[0].digest), place.served("job"));
}
