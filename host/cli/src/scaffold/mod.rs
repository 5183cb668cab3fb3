//! How a new plugin begins.
//!
//! **Invariant:** nothing that is there is ever overwritten: a plugin is made in a directory
//! of its own or not at all, and a copy of the SDK is named by its content.

mod name;
mod sdk;
mod template;

/// The SDK's and the template's files, embedded by the build script.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

pub(crate) use name::PluginName;
pub(crate) use sdk::installed;
pub(crate) use template::create;
