//! Reads a plugin's files, within bounds. It blocks: the caller gives it a thread.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use zapjobs_model::Digest;

use super::scan::{self, PluginFile};
use super::{Manifest, PluginOptions};

/// Bytes of a manifest at most.
const MANIFEST_BYTES_MAX: u64 = 256 << 10;
/// Bytes of a signature file at most.
const SIGNATURE_BYTES_MAX: u64 = 4 << 10;

/// Code that may come to serve, with what was said of it. Wherever a plugin comes from, this is
/// what it becomes first.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) digest: Digest,
    pub(super) bytes: Arc<[u8]>,
    /// The manifest's text, where there is one.
    pub(super) manifest_text: Option<String>,
    pub(super) manifest: Manifest,
    pub(super) signature: Option<String>,
}

impl Candidate {
    /// The code in the file, if the manifest and the signature allow it.
    pub(super) fn of_file(file: &PluginFile, options: &PluginOptions) -> Result<Self, String> {
        let bytes = read_bounded(&file.path, &file.within, options.component_bytes_max)?;
        let signature = match file.stamp.has_signature() {
            false => None,
            true => Some(text(&scan::signature_path(&file.path), file, SIGNATURE_BYTES_MAX)?),
        };
        Self::new(bytes, manifest_text(file)?, signature, options)
    }

    /// Code from anywhere, if the manifest and the signature allow it.
    pub(super) fn new(
        bytes: Vec<u8>,
        manifest_text: Option<String>,
        signature: Option<String>,
        options: &PluginOptions,
    ) -> Result<Self, String> {
        let manifest = Manifest::parse(manifest_text.as_deref().unwrap_or_default())
            .map_err(|error| format!("the manifest is invalid: {error}"))?;
        let digest = Digest::of(&bytes);
        if let Some(pinned) = manifest.digest().filter(|pinned| *pinned != digest) {
            return Err(format!(
                "the manifest allows the code sha256:{pinned} alone, and this is sha256:{digest}: \
                 change `digest` in the manifest if this code is wanted"
            ));
        }
        options.trusted_keys.verify(&bytes, signature.as_deref())?;
        Ok(Self { digest, bytes: bytes.into(), manifest_text, manifest, signature })
    }
}

/// The text of the manifest beside a component, if there is one, and if it is sound.
pub(super) fn manifest_text(file: &PluginFile) -> Result<Option<String>, String> {
    if !file.stamp.has_manifest() {
        return Ok(None);
    }
    let path = scan::manifest_path(&file.path);
    let text = text(&path, file, MANIFEST_BYTES_MAX)?;
    Manifest::parse(&text)
        .map_err(|error| format!("the manifest {} is invalid: {error}", path.display()))?;
    Ok(Some(text))
}

fn text(path: &Path, file: &PluginFile, bytes_max: u64) -> Result<String, String> {
    String::from_utf8(read_bounded(path, &file.within, bytes_max)?)
        .map_err(|_| format!("{} is not UTF-8", path.display()))
}

/// Reads a file that does not lead out of a folder.
fn read_bounded(path: &Path, within: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let real = fs::canonicalize(path).map_err(unreadable)?;
    if !real.starts_with(within) {
        return Err(format!(
            "{} leads out of the plugins directory: put the file itself there",
            path.display()
        ));
    }
    let file = File::open(real).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let too_long =
        |bytes: u64| format!("{} is {bytes} bytes long, {bytes_max} are allowed", path.display());
    if bytes > bytes_max {
        return Err(too_long(bytes));
    }
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    file.take(bytes_max + 1).read_to_end(&mut content).map_err(unreadable)?;
    match content.len() as u64 {
        grown if grown > bytes_max => Err(too_long(grown)),
        _ => Ok(content),
    }
}
