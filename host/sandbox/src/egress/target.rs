//! What a request is for, read so that nobody can read it otherwise.
//!
//! **Invariant:** the authority is a host and perhaps a port, each in its one spelling; what
//! is sent as `Host` is written from them, not copied from the guest.

use http::{Method, Uri};
use wasmtime_wasi_http::Error;
use zapjobs_model::HttpTarget;
use zapjobs_model::grants::{Host, Scheme};

use super::Failure;
use crate::text;

/// Bytes of a URL that are shown.
const SHOWN_BYTES_MAX: usize = 200;

/// Reads method and URL.
pub(crate) fn read(method: &Method, uri: &Uri) -> Result<HttpTarget, Failure> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(Error::HttpRequestMethodInvalid.into());
    }
    let scheme = match uri.scheme_str() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        _ => return Err(invalid(uri, "its scheme is neither https nor http")),
    };
    let authority = uri.authority().ok_or_else(|| invalid(uri, "it names no host"))?.as_str();
    if authority.contains('@') {
        return Err(invalid("URL with a user", "send credentials in a header field"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host = Host::parse(host).map_err(|error| invalid(uri, &error.to_string()))?;
    let port = match port {
        None => scheme.default_port(),
        Some(port) => number(port).ok_or_else(|| invalid(uri, "its port is no number"))?,
    };
    let path = match uri.path() {
        "" => "/",
        path => path,
    };
    Ok(HttpTarget { scheme, host, port, method: method.as_str().to_owned(), path: path.to_owned() })
}

fn number(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse().ok().filter(|_| digits)
}

fn invalid(uri: &(impl ToString + ?Sized), why: &str) -> Failure {
    let shown = text::name(&uri.to_string(), SHOWN_BYTES_MAX);
    Failure::said(Error::HttpRequestUriInvalid, format!("a request was refused: {shown}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<HttpTarget, Failure> {
        read(&Method::GET, &url.parse().expect("a URL"))
    }

    #[test]
    fn a_url_is_taken_apart() {
        let target = of("http://API.Example.com:8080/a/b?c=d").expect("a target");
        assert_eq!(target.to_string(), "GET http://api.example.com:8080/a/b");
        assert_eq!(of("https://[::1]").expect("a target").to_string(), "GET https://[::1]/");
        assert_eq!(of("https://[::1]:8/?q").expect("a target").authority(), "[::1]:8");
        assert_eq!(of("http://a.example:80/").expect("a target").authority(), "a.example");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://user@a.example/",
            "http://user:secret@a.example/",
            "http://a.example:/",
            "http://a.example:080/",
            "http://a.example:0/",
            "http://a.example./",
            "http://a.example:99999/",
            "http://[::1/",
        ] {
            let Ok(uri) = url.parse::<Uri>() else { continue };
            let failure = read(&Method::GET, &uri).expect_err(url);
            assert!(matches!(failure.error, Error::HttpRequestUriInvalid), "{url}");
            assert!(!failure.line.expect("a line").contains("secret"), "{url}");
        }
    }

    #[test]
    fn methods_that_are_no_requests_of_a_client_are_refused() {
        let uri = "http://a.example/".parse().expect("a URL");
        for method in [Method::CONNECT, Method::TRACE] {
            let failure = read(&method, &uri).expect_err("refused");
            assert!(matches!(failure.error, Error::HttpRequestMethodInvalid));
        }
    }
}
