//! Who may use whom.
//!
//! ```text
//! model <- api <- drivers      conformance: tests of drivers only
//! model <- sandbox             the one that knows wasmtime
//! model <- torture             attacks: whichever sandbox they are given
//! model + api <- runtime <- HTTP API
//! cli names drivers and the sandbox; the SDK uses nothing of the host
//! tests/* use anything; only tests use tests/*
//! ```

/// The folder whose packages may use anything and that nothing may use.
pub(super) const FREE_FOLDER: &str = "tests";
/// The folder whose packages are free by name: they come and go, and only the folder counts.
pub(super) const PLUGINS_FOLDER: &str = "plugins";

/// A package, and what it may use of this project.
const MAY_USE: &[(&str, &[&str])] = &[
    ("zapjobs-model", &[]),
    ("zapjobs-storage", &["zapjobs-model"]),
    ("zapjobs-conformance", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-memory", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-sqlite", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-postgres", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-redis", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-sandbox", &["zapjobs-model"]),
    ("zapjobs-torture", &["zapjobs-model"]),
    ("zapjobs-runtime", &["zapjobs-model", "zapjobs-storage"]),
    ("zapjobs-api", &["zapjobs-model", "zapjobs-storage", "zapjobs-runtime"]),
    ("zapjobs-dashboard", &[]),
    (
        "zapjobs",
        &[
            "zapjobs-model",
            "zapjobs-storage",
            "zapjobs-memory",
            "zapjobs-sqlite",
            "zapjobs-postgres",
            "zapjobs-redis",
            "zapjobs-sandbox",
            "zapjobs-runtime",
            "zapjobs-torture",
            "zapjobs-api",
            "zapjobs-dashboard",
        ],
    ),
    ("zapjobs-sdk-macros", &[]),
    ("zapjobs-sdk", &["zapjobs-sdk-macros"]),
];

/// What the tests inside a package may use besides.
const TESTS_MAY_USE: &[(&str, &[&str])] = &[
    ("zapjobs-conformance", &["zapjobs-memory"]),
    ("zapjobs-memory", &["zapjobs-conformance"]),
    ("zapjobs-sqlite", &["zapjobs-conformance", "zapjobs-memory"]),
    ("zapjobs-postgres", &["zapjobs-conformance", "zapjobs-memory", "zapjobs-services"]),
    ("zapjobs-redis", &["zapjobs-conformance", "zapjobs-memory", "zapjobs-services"]),
    ("zapjobs-runtime", &["zapjobs-memory"]),
    ("zapjobs-sandbox", &["zapjobs-components", "zapjobs-services"]),
    ("zapjobs-torture", &["zapjobs-sandbox"]),
    ("zapjobs-api", &["zapjobs-memory"]),
    ("zapjobs", &["zapjobs-components", "zapjobs-services"]),
    ("zapjobs-sdk-macros", &["zapjobs-sdk"]),
];

/// A top-level folder, and the others it may use.
const FOLDERS: &[(&str, &[&str])] =
    &[("storage", &[]), ("host", &["storage"]), ("guest-sdk", &[]), ("plugins", &["guest-sdk"])];

/// Crates of others that only some packages may know, in tests too.
const OWNERS: &[(&str, &[&str])] = &[
    ("wasmtime", &["zapjobs-sandbox"]),
    ("wasmtime-wasi", &["zapjobs-sandbox"]),
    ("wasmtime-wasi-http", &["zapjobs-sandbox"]),
    ("rusqlite", &["zapjobs-sqlite"]),
    ("sqlx", &["zapjobs-postgres"]),
    ("redis", &["zapjobs-redis"]),
];

/// Whether a package is one that the table should name and does not.
pub(super) fn is_unknown(package: &str, folder: &str) -> bool {
    folder != PLUGINS_FOLDER && !MAY_USE.iter().any(|(name, _)| *name == package)
}

/// Whether a package may use another.
pub(super) fn may_use(from: &str, to: &str) -> bool {
    row(MAY_USE, from).is_some_and(|allowed| allowed.contains(&to))
}

/// Whether the tests inside a package may use another.
pub(super) fn tests_may_use(from: &str, to: &str) -> bool {
    row(TESTS_MAY_USE, from).is_some_and(|allowed| allowed.contains(&to))
}

/// Whether the packages of a folder may use those of another.
pub(super) fn folder_may_use(from: &str, to: &str) -> bool {
    from == to || row(FOLDERS, from).is_some_and(|allowed| allowed.contains(&to))
}

/// Who alone may know a crate; `None` where everyone may.
pub(super) fn owners(name: &str) -> Option<&'static [&'static str]> {
    row(OWNERS, name)
}

fn row(
    table: &'static [(&'static str, &'static [&'static str])],
    key: &str,
) -> Option<&'static [&'static str]> {
    table.iter().find(|(name, _)| *name == key).map(|(_, values)| *values)
}
