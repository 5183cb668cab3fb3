use zapjobs_model::Timestamp;

use super::*;

fn store() -> (tempfile::TempDir, VersionStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = VersionStore::open(folder.path(), None).expect("a store");
    (folder, store)
}

fn id(name: &str) -> PluginId {
    PluginId { tenant: TenantId::standard(), name: name.to_owned() }
}

#[test]
fn code_that_was_tampered_with_is_not_given_out_and_is_mended_when_kept_again() {
    let (_folder, store) = store();
    let digest = Digest::of(b"code");
    store.keep(digest, b"code").expect("kept");
    assert_eq!(store.read(digest, 100).expect("whole"), b"code");
    assert!(store.read(digest, 3).is_err(), "it is longer than allowed");

    fs::write(store.code_path(digest), "evil").expect("written");
    let error = store.read(digest, 100).expect_err("tampered with");
    assert!(error.contains("damaged"), "{error}");
    store.keep(digest, b"code").expect("kept again");
    assert_eq!(store.read(digest, 100).expect("whole"), b"code");
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = store();
    store.keep(Digest::of(b"code"), b"code").expect("kept");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(store.path()), 0o700);
    assert_eq!(mode(&store.code_path(Digest::of(b"code"))), 0o600);
}

#[test]
fn a_damaged_record_counts_as_none_and_can_be_written_again() {
    let (_folder, store) = store();
    let record =
        PluginRecord { retired_at: Some(Timestamp::from_micros(1)), ..PluginRecord::default() };
    store.write_record(&id("a"), &record).expect("written");
    assert_eq!(store.record(&id("a")), record);
    assert_eq!(store.plugins().expect("a list"), [id("a")]);

    fs::write(store.records().join("default/a.json"), "{\"current\": ").expect("written");
    assert_eq!(store.record(&id("a")), PluginRecord::default());
    store.write_record(&id("a"), &record).expect("written again");
    assert_eq!(store.record(&id("a")), record);
}

#[test]
fn a_sweep_takes_what_nobody_needs_once_it_is_old() {
    let (_folder, store) = store();
    let [needed, not] = [b"needed".as_slice(), b"not".as_slice()].map(|bytes| {
        store.keep(Digest::of(bytes), bytes).expect("kept");
        Digest::of(bytes)
    });
    fs::write(store.code().join(".draft.part"), "half").expect("written");
    let now = SystemTime::now();
    let by = BTreeSet::from([needed]);
    assert_eq!(store.sweep(&by, now).expect("swept"), 0, "all of it is young");
    assert_eq!(store.sweep(&by, now + UNREFERENCED_KEPT).expect("swept"), 2);
    assert!(store.holds(needed) && !store.holds(not));
}
