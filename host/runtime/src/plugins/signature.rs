//! Whose signatures count: minisign's public keys.

use std::path::Path;

use minisign_verify::{PublicKey, Signature};

/// Bytes of a key file at most.
const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

/// Keys whose signatures count. Without any, signatures are not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedKeys(Vec<PublicKey>);

impl TrustedKeys {
    /// Reads keys, each as minisign prints it (`RW...`) or as the path of a `.pub` file.
    pub fn read<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        keys.into_iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// Whether signatures are asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a component's signature. The error says what to do.
    pub fn verify(&self, component: &[u8], signature: Option<&str>) -> Result<(), String> {
        if self.is_empty() {
            return Ok(());
        }
        let text = signature.ok_or(
            "it has no signature, and this host asks for one: put NAME.wasm.minisig beside \
             NAME.wasm, made with `minisign -Sm NAME.wasm` and a trusted key",
        )?;
        let signature = Signature::decode(text).map_err(|error| {
            format!("its signature cannot be read ({error}): sign it again with minisign")
        })?;
        let mut reason = "it was made with a key that is not trusted".to_owned();
        for key in &self.0 {
            match key.verify(component, &signature, false) {
                Ok(()) => return Ok(()),
                Err(minisign_verify::Error::UnexpectedKeyId) => {}
                Err(minisign_verify::Error::UnexpectedAlgorithm) => {
                    reason = "it is of the old kind, not prehashed".to_owned();
                }
                Err(_) => reason = "it does not belong to this code".to_owned(),
            }
        }
        Err(format!(
            "its signature does not count: {reason}: sign this very file with a trusted key"
        ))
    }
}

fn key(text: &str) -> Result<PublicKey, String> {
    let text = text.trim();
    if let Ok(key) = PublicKey::from_base64(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    let unusable = |problem: String| {
        format!("{text:?} is no key: {problem}: use a minisign public key (RW...) or its file")
    };
    let bytes = std::fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
    if bytes > KEY_FILE_BYTES_MAX {
        return Err(unusable(format!("the file is longer than {KEY_FILE_BYTES_MAX} bytes")));
    }
    PublicKey::from_file(path).map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests;
