//! Encryption, and whom to believe.
//!
//! **Invariant:** a server proves its name, always. There is no setting to skip it, and no
//! session outlives its connection, so that nothing ties one attempt to another.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Bytes of a file of certificates at most.
const CA_FILE_BYTES_MAX: u64 = 1 << 20;

/// Trusts the public authorities, and those in a file.
pub(super) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca_file {
        add(&mut roots, file)
            .map_err(|problem| format!("granted ca_file {} {problem}", file.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let unreadable = |error| format!("cannot be read: {error}: create it or change the grant");
    let bytes = fs::metadata(file).map_err(unreadable)?.len();
    if bytes > CA_FILE_BYTES_MAX {
        return Err(format!("has {bytes} bytes: use at most {CA_FILE_BYTES_MAX}"));
    }
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(file).map_err(unreadable)?) {
        let certificate = certificate.map_err(|error| format!("is no PEM: {error:?}"))?;
        roots.add(certificate).map_err(|error| format!("has a bad certificate: {error}"))?;
    }
    if roots.len() == before {
        return Err("has no certificates: put one in, as PEM".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_certificates_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let error = config(Some(&file)).expect_err("missing");
        assert!(error.contains("ca.pem cannot be read"), "{error}");
        fs::write(&file, "nothing").expect("written");
        let error = config(Some(&file)).expect_err("empty");
        assert!(error.ends_with("has no certificates: put one in, as PEM"), "{error}");
        assert!(config(None).is_ok());
    }
}
