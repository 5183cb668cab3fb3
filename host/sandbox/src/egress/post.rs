//! Messages of the host's own to servers that others named: the addresses are checked as those of
//! guests are.
//!
//! **Invariant:** nothing is sent to an address that [`address::check`] does not let pass; no
//! redirect is followed, and of the answer only the status is read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use zapjobs_model::grants::{Host, PrivateAddresses, Scheme};
use zapjobs_model::webhook::WebhookUrl;

use super::address;
use super::connect::dial;
use super::resolve::{ADDRESSES_MAX, Resolver};
use super::tls;

/// How long one message may take, from looking the name up to the head of the answer: 10 seconds.
pub const POST_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Fields of an answer's head at most.
const HEAD_FIELDS_MAX: usize = 100;
/// How the host names itself.
const USER_AGENT: &str = concat!("zapjobs/", env!("CARGO_PKG_VERSION"));

/// Posts JSON to servers.
pub struct Poster {
    opened: PrivateAddresses,
    trust: Arc<ClientConfig>,
    resolver: Arc<dyn Resolver>,
}

impl Poster {
    /// Posts to public addresses, and to those that are opened. Fails if TLS cannot be set up.
    pub fn new(opened: PrivateAddresses, resolver: Arc<dyn Resolver>) -> Result<Self, String> {
        Ok(Self { opened, trust: tls::config(None)?, resolver })
    }

    /// Posts a body of JSON and answers the status; or says in a few words why there is none.
    pub async fn post(
        &self,
        url: &WebhookUrl,
        fields: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, String> {
        let request = request(url, fields, body)?;
        let before = Instant::now() + POST_TIME_MAX;
        let addresses = self.addresses(&url.host, before).await?;
        let stream = dial(&addresses, url.port, before)
            .await
            .map_err(|failure| format!("no connection: {}", failure.error))?;
        match url.scheme {
            Scheme::Http => exchange(stream, request, before).await,
            Scheme::Https => {
                let name = match &url.host {
                    Host::Address(address) => ServerName::from(*address),
                    Host::Name(name) => ServerName::try_from(name.clone())
                        .map_err(|_| "its name cannot be in a certificate".to_owned())?,
                };
                let handshake = TlsConnector::from(Arc::clone(&self.trust)).connect(name, stream);
                let stream = timeout_at(before, handshake)
                    .await
                    .map_err(|_| too_slow())?
                    .map_err(|error| format!("no encrypted connection: {error}"))?;
                exchange(stream, request, before).await
            }
        }
    }

    /// The addresses of a host, all of which are open.
    async fn addresses(&self, host: &Host, before: Instant) -> Result<Vec<IpAddr>, String> {
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => timeout_at(before, self.resolver.resolve(name))
                .await
                .map_err(|_| too_slow())?
                .map_err(|error| format!("its name is not found: {error}"))?,
        };
        if found.is_empty() || found.len() > ADDRESSES_MAX {
            return Err(format!("its name has {} addresses", found.len()));
        }
        let checked = found.iter().map(|it| address::check(*it, std::iter::once(&self.opened)));
        checked.collect::<Result<_, _>>().map_err(|closed| {
            let (address, kind) = (closed.address, closed.kind());
            match closed.line() {
                Some(_) => format!(
                    "refused: {address} is a {kind} address: webhooks.allow = \"{address}\" would \
                     allow it"
                ),
                None => format!("refused: {address} is a {kind} address, and nothing allows it"),
            }
        })
    }
}

fn request(
    url: &WebhookUrl,
    fields: &[(&'static str, String)],
    body: String,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url.path.as_str())
        .header(header::HOST, url.authority())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).map_err(|_| format!("{name} is no header"))?;
        request = request.header(HeaderName::from_static(name), value);
    }
    request.body(Full::from(body)).map_err(|error| format!("it cannot be sent: {error}"))
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    before: Instant,
) -> Result<u16, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let talk = async {
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(HEAD_FIELDS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await?;
        let answer = sender.send_request(request);
        tokio::pin!(answer, connection);
        // The answer may come although the connection has ended behind it.
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = &mut connection => {
                ended?;
                answer.await
            }
        }
    };
    let answer = timeout_at(before, talk).await.map_err(|_| too_slow())?;
    answer.map(|answer| answer.status().as_u16()).map_err(|error| format!("no answer: {error}"))
}

fn too_slow() -> String {
    format!("no answer within {} s", POST_TIME_MAX.as_secs())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use zapjobs_model::grants::Network;

    use super::*;
    use crate::egress::resolve::SystemResolver;

    fn poster(opened: PrivateAddresses) -> Poster {
        Poster::new(opened, Arc::new(SystemResolver::default())).expect("TLS")
    }

    fn url(text: &str) -> WebhookUrl {
        text.parse().expect("a URL")
    }

    #[tokio::test]
    async fn private_addresses_are_refused_unless_they_are_opened() {
        for (target, kind) in [
            ("http://127.0.0.1:1/", "loopback"),
            ("http://[::ffff:10.0.0.1]/", "private"),
            ("http://169.254.169.254/", "cloud metadata"),
        ] {
            let closed = poster(PrivateAddresses::None);
            let error = closed.post(&url(target), &[], String::new()).await.expect_err(target);
            assert!(error.starts_with("refused: ") && error.contains(kind), "{error}");
            assert!(error.contains("webhooks.allow"), "{error}");
        }
        let private = poster(PrivateAddresses::Private);
        let metadata = url("http://169.254.169.254/");
        assert!(private.post(&metadata, &[], String::new()).await.is_err());
        let never = url("http://0.0.0.0/");
        let error = private.post(&never, &[], String::new()).await.expect_err("never");
        assert!(error.ends_with("nothing allows it"), "{error}");
    }

    #[tokio::test]
    async fn a_message_arrives_whole_and_its_status_comes_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("connected");
            let mut got = Vec::new();
            while !got.ends_with(b"{\"a\":1}") {
                let mut part = [0; 1_024];
                let count = stream.read(&mut part).await.expect("read");
                assert!(count > 0, "it ended early");
                got.extend_from_slice(&part[..count]);
            }
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n").await.expect("sent");
            String::from_utf8(got).expect("text")
        });
        let network = Network::parse("127.0.0.1").expect("a network");
        let poster = poster(PrivateAddresses::Networks(vec![network]));
        let target = url(&format!("http://127.0.0.1:{port}/hook?a=b"));
        let fields = [("webhook-id", "x.1".to_owned())];
        let status = poster.post(&target, &fields, r#"{"a":1}"#.to_owned()).await;
        assert_eq!(status, Ok(302), "which nobody follows");
        let got = served.await.expect("served");
        assert!(got.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{got}");
        assert!(got.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{got}");
        assert!(got.contains("webhook-id: x.1\r\n") && got.contains("content-length: 7"), "{got}");
    }

    #[tokio::test]
    async fn a_target_that_nobody_listens_at_is_told_in_a_few_words() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let target = url(&format!("http://127.0.0.1:{port}/"));
        let error = poster(PrivateAddresses::Private).post(&target, &[], String::new()).await;
        assert!(error.as_ref().is_err_and(|it| it.starts_with("no connection: ")), "{error:?}");
    }
}
