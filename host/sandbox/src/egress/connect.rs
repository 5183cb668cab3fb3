//! The way to a server: its addresses, a connection to one of them, and encryption.
//!
//! **Invariant:** a name with a single address that is not granted is refused whole. Nobody's
//! name server decides which of them is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::Error;
use zapjobs_model::HttpTarget;
use zapjobs_model::grants::{Host, PrivateAddresses, Scheme};

use super::address::{self, Closed};
use super::resolve::ADDRESSES_MAX;
use super::{Egress, Failure, quoted};

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the server of a request that these grants allow, before an instant.
pub(super) async fn connect(
    egress: &Egress,
    allowing: &[usize],
    target: &HttpTarget,
    before: Instant,
) -> Result<Box<dyn Stream>, Failure> {
    let found = match &target.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => timeout_at(before, egress.resolver.resolve(name))
            .await
            .map_err(|_| Error::DnsTimeout)?
            .map_err(|error| no_address(&error.to_string()))?,
    };
    let opened = allowing.iter().map(|grant| &egress.grants[*grant].private_addresses);
    let addresses = checked(&found, &opened, target)?;
    let stream = dial(&addresses, target.port, before).await?;
    if target.scheme == Scheme::Http {
        return Ok(Box::new(stream));
    }
    let with_own = allowing.iter().find(|grant| egress.grants[**grant].ca_file.is_some());
    let trust = &egress.trust[*with_own.unwrap_or(&allowing[0])];
    let name = match &target.host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Error::TlsCertificateError)?
        }
    };
    let handshake = TlsConnector::from(Arc::clone(trust)).connect(name, stream);
    let stream = timeout_at(before, handshake)
        .await
        .map_err(|_| Error::ConnectionTimeout)?
        .map_err(|error| of_tls(&error, target))?;
    Ok(Box::new(stream))
}

/// The addresses, all of them granted.
fn checked<'a>(
    found: &[IpAddr],
    opened: &(impl Iterator<Item = &'a PrivateAddresses> + Clone),
    target: &HttpTarget,
) -> Result<Vec<IpAddr>, Failure> {
    if found.is_empty() || found.len() > ADDRESSES_MAX {
        return Err(no_address(&format!("{} addresses", found.len())).into());
    }
    let checked = found.iter().map(|it| address::check(*it, opened.clone()));
    checked.collect::<Result<_, _>>().map_err(|closed| refusal(&closed, target))
}

fn refusal(closed: &Closed, target: &HttpTarget) -> Failure {
    let remedy = match closed.line() {
        Some(line) => {
            let mut lines = target.lines();
            lines.push(line);
            format!("these lines in the plugin's manifest would allow it: {}", quoted(&lines))
        }
        None => "nothing can allow it".to_owned(),
    };
    Failure::said(
        Error::DestinationIpProhibited,
        format!(
            "a request was refused: {target}: {} is a {} address: {remedy}",
            closed.address,
            closed.kind()
        ),
    )
}

/// Tries one address after the other; each has its share of the time that is left.
pub(super) async fn dial(
    addresses: &[IpAddr],
    port: u16,
    before: Instant,
) -> Result<TcpStream, Failure> {
    let mut last = Error::ConnectionTimeout;
    for (at, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let share = before.saturating_duration_since(now) / left;
        match timeout_at(now + share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => {
                // A request is written at once; waiting for more of it would only delay it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = of_connect(&error),
            Err(_) => last = Error::ConnectionTimeout,
        }
    }
    Err(last.into())
}

fn no_address(why: &str) -> Error {
    Error::DnsError { rcode: Some(why.to_owned()), info_code: None }
}

fn of_connect(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::DestinationUnavailable,
    }
}

fn of_tls(error: &io::Error, target: &HttpTarget) -> Failure {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let told = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    };
    Failure::said(told, format!("a request failed: {target}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::target;

    fn check(found: &[&str], opened: &[PrivateAddresses]) -> Result<Vec<IpAddr>, String> {
        let found: Vec<IpAddr> = found.iter().map(|it| it.parse().expect("an address")).collect();
        let url = "https://a.example/x".parse().expect("a URL");
        let target = target::read(&http::Method::GET, &url).expect("a target");
        checked(&found, &opened.iter(), &target).map_err(|it| it.line.unwrap_or_default())
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_all() {
        assert!(check(&["1.1.1.1", "2606:4700::1"], &[PrivateAddresses::None]).is_ok());
        let error = check(&["1.1.1.1", "10.0.0.1"], &[PrivateAddresses::None]).expect_err("mixed");
        assert_eq!(
            error,
            "a request was refused: GET https://a.example/x: 10.0.0.1 is a private address: these \
             lines in the plugin's manifest would allow it: `[[http]]`, `host = \"a.example\"`, \
             `methods = [\"GET\"]`, `paths = [\"/x\"]`, `private_addresses = true`"
        );
        let opened = [PrivateAddresses::None, PrivateAddresses::Private];
        assert!(check(&["1.1.1.1", "10.0.0.1"], &opened).is_ok());
    }

    #[test]
    fn a_mapped_address_is_what_it_maps() {
        let opened = [PrivateAddresses::Private];
        let addresses = check(&["::ffff:127.0.0.1"], &opened).expect("granted");
        assert_eq!(addresses, [IpAddr::from([127, 0, 0, 1])]);
    }

    #[test]
    fn a_name_without_addresses_or_with_too_many_is_refused() {
        assert!(check(&[], &[PrivateAddresses::Private]).is_err());
        assert!(check(&["1.1.1.1"; ADDRESSES_MAX + 1], &[PrivateAddresses::Private]).is_err());
    }
}
