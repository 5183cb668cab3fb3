//! `wasi:config/store`: the settings of a plugin's manifest, by key.

use wasmtime::component::{ComponentType, Linker, Lower};

use super::State;

/// The interface, and the only version of it that there is in practice.
pub(crate) const STORE: &str = "wasi:config/store";
/// Drafts are not compatible with each other.
pub(crate) const VERSION: &str = "0.2.0-rc.1";

/// Why a setting cannot be read: never the case here.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
enum Unreadable {
    #[component(name = "upstream")]
    #[allow(dead_code, reason = "part of the interface")]
    Upstream(String),
    #[component(name = "io")]
    #[allow(dead_code, reason = "part of the interface")]
    Io(String),
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut store = linker.instance(&format!("{STORE}@{VERSION}"))?;
    store.func_wrap("get", |store, (key,): (String,)| {
        let value = store.data().granted.settings.get(&key).map(str::to_owned);
        Ok((Ok::<Option<String>, Unreadable>(value),))
    })?;
    store.func_wrap("get-all", |store, ()| {
        let settings = store.data().granted.settings.iter();
        let all = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Ok((Ok::<Vec<(String, String)>, Unreadable>(all),))
    })
}
