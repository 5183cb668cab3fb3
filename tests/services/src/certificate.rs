//! Certificates for servers that speak TLS.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::OPENSSL;

/// A self-signed certificate is its own authority, and must not be one for others: some
/// clients refuse a server that presents an authority's certificate.
const CONFIG: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
basicConstraints = critical,CA:FALSE
subjectAltName = IP:127.0.0.1,DNS:localhost
extendedKeyUsage = serverAuth
";

/// A certificate for `127.0.0.1` and `localhost`, good for 30 days, and its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate's file, as PEM.
    pub certificate: PathBuf,
    /// The key's file, as PEM.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one in a directory.
    pub fn make(directory: &Path) -> io::Result<Self> {
        let config = directory.join("certificate.cnf");
        std::fs::write(&config, CONFIG)?;
        let (certificate, key) = (directory.join("server.crt"), directory.join("server.key"));
        let made = Command::new(OPENSSL.find()?)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "30", "-config"])
            .arg(config)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()?;
        if made.status.success() {
            return Ok(Self { certificate, key });
        }
        let words = String::from_utf8_lossy(&made.stderr);
        Err(io::Error::other(format!("openssl made no certificate: {}", words.trim())))
    }
}
