//! A component file with the manifest beside it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zapjobs_model::Grants;
use zapjobs_model::port::{LoadError, Plugin, PluginSource};
use zapjobs_runtime::Manifest;

use crate::config::Config;
use crate::errors::{Done, Failure};
use crate::sandbox::{self, Inspection};

/// Bytes of a manifest at most.
const MANIFEST_BYTES_MAX: u64 = 256 << 10;

/// A component file with the manifest beside it.
pub(crate) struct Component {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) inspection: Inspection,
    pub(crate) manifest: Manifest,
}

impl Component {
    /// Reads both, and refuses a file that is no component.
    pub(crate) fn read(path: &Path, config: &Config) -> Done<Self> {
        let bytes: Arc<[u8]> = read_bounded(path, config.plugin.component_bytes_max)?.into();
        let inspection = sandbox::inspect(&bytes).map_err(|reason| refused(path, &reason))?;
        let manifest = manifest(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { path: path.to_owned(), name, bytes, inspection, manifest })
    }
}

fn refused(path: &Path, reason: &LoadError) -> Failure {
    Failure::usage(format!("{}: {reason}", path.display()))
}

/// Makes the component ready to run. The failure names the file.
pub(crate) async fn load(
    config: &Config,
    component: &Component,
    grants: Grants,
) -> Done<Arc<dyn Plugin>> {
    let source =
        PluginSource { name: component.name.clone(), bytes: Arc::clone(&component.bytes), grants };
    let loaded = sandbox::for_one(config)?.load(source).await;
    loaded.map_err(|reason| refused(&component.path, &reason))
}

/// The manifest beside a component; an empty one where there is none.
fn manifest(component: &Path) -> Done<Manifest> {
    let path = component.with_extension("toml");
    if !path.is_file() {
        return Ok(Manifest::default());
    }
    let invalid = |problem: String| {
        Failure::usage(format!("the manifest {} is invalid: {problem}", path.display()))
    };
    let text = String::from_utf8(read_bounded(&path, MANIFEST_BYTES_MAX)?)
        .map_err(|_| invalid("it is not UTF-8".to_owned()))?;
    Manifest::parse(&text).map_err(|error| invalid(error.to_string()))
}

fn read_bounded(path: &Path, bytes_max: u64) -> Done<Vec<u8>> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be read: {error}", path.display()))
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::usage(format!(
            "{} is longer than the {bytes_max} bytes that are allowed",
            path.display()
        )));
    }
    Ok(bytes)
}
