//! Requests to a server, one after the other over one connection.
//!
//! **Invariant:** the token is sent to the server and shown nowhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::url::ServerUrl;
use crate::errors::{Done, Failure};

/// How long connecting and shaking hands may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long an answer may take beside what it is asked to wait: what a server takes at most, and
/// some time for the way.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A token, which is never shown.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What is asked.
pub(super) struct Ask {
    pub(super) method: Method,
    /// The path and the query, from `/api` on.
    pub(super) path: String,
    pub(super) body: Option<Vec<u8>>,
    /// For how long the answer may wait for something to happen.
    pub(super) wait: Option<Duration>,
}

/// What is answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// A server, and who asks it.
pub(super) struct Connection {
    pub(super) url: ServerUrl,
    authorisation: Option<HeaderValue>,
    tls: Option<TlsConnector>,
    open: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Connection {
    pub(super) fn new(url: ServerUrl, token: Option<&Secret>) -> Done<Self> {
        let token = token.filter(|Secret(token)| !token.is_empty());
        let authorisation = token.map(|Secret(token)| {
            let value = HeaderValue::try_from(format!("Bearer {token}"));
            let mut value = value.map_err(|_| {
                Failure::usage("the token holds what no token does: see that it is whole")
            })?;
            value.set_sensitive(true);
            Ok::<_, Failure>(value)
        });
        let tls = url.has_tls.then(tls).transpose()?;
        let authorisation = authorisation.transpose()?;
        Ok(Self { url, authorisation, tls, open: Mutex::new(None) })
    }

    /// Asks, and reads the whole answer.
    pub(super) async fn ask(&self, ask: Ask) -> Done<Answer> {
        let within = ANSWER_WITHIN + ask.wait.unwrap_or_default();
        let mut open = self.open.lock().await;
        let mut sender = match open.take() {
            Some(sender) => match ready(sender).await {
                Some(sender) => sender,
                None => self.connect().await?,
            },
            None => self.connect().await?,
        };
        let request = self.request(&ask)?;
        let answered = timeout(within, async {
            let response = sender.send_request(request).await.map_err(|it| it.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes();
            Ok::<_, String>(Answer { status, body })
        });
        match answered.await {
            Ok(Ok(answer)) => {
                *open = Some(sender);
                Ok(answer)
            }
            Ok(Err(error)) => Err(self.lost(&error)),
            Err(_) => Err(self.lost(&format!("no answer within {} s", within.as_secs()))),
        }
    }

    /// Asks for what goes on, over a connection of its own.
    pub(super) async fn stream(&self, path: &str) -> Done<Response<Incoming>> {
        let mut sender = self.connect().await?;
        let ask = Ask { method: Method::GET, path: path.to_owned(), body: None, wait: None };
        let mut request = self.request(&ask)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let answered = timeout(ANSWER_WITHIN, sender.send_request(request)).await;
        let answered = answered.map_err(|_| self.lost("no answer"))?;
        answered.map_err(|error| self.lost(&error.to_string()))
    }

    fn request(&self, ask: &Ask) -> Done<Request<Full<Bytes>>> {
        let path = format!("{}{}", self.url.prefix, ask.path);
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(path)
            .header(HOST, self.url.authority());
        if let Some(authorisation) = &self.authorisation {
            request = request.header(AUTHORIZATION, authorisation.clone());
        }
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(wait) = ask.wait {
            request = request.header("prefer", format!("wait={}", wait.as_secs().max(1)));
        }
        let body = Bytes::from(ask.body.clone().unwrap_or_default());
        request
            .body(Full::new(body))
            .map_err(|error| Failure::usage(format!("the request cannot be made: {error}")))
    }

    async fn connect(&self) -> Done<SendRequest<Full<Bytes>>> {
        let connecting = async {
            let place = (self.url.name().to_owned(), self.url.port);
            let stream = TcpStream::connect(place).await.map_err(|it| it.to_string())?;
            // Requests are small, and each waits for its answer.
            let _ = stream.set_nodelay(true);
            match &self.tls {
                None => spoken(stream).await,
                Some(tls) => {
                    let name = ServerName::try_from(self.url.name().to_owned());
                    let name = name.map_err(|error| error.to_string())?;
                    let stream = tls.connect(name, stream).await;
                    spoken(stream.map_err(|error| error.to_string())?).await
                }
            }
        };
        match timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(sender)) => Ok(sender),
            Ok(Err(error)) => Err(self.lost(&error)),
            Err(_) => Err(self.lost("it does not answer")),
        }
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::unavailable(format!("the server {} cannot be reached: {why}", self.url))
    }
}

/// The connection of the request before, unless the server has closed it meanwhile.
async fn ready(mut sender: SendRequest<Full<Bytes>>) -> Option<SendRequest<Full<Bytes>>> {
    sender.ready().await.is_ok().then_some(sender)
}

/// Speaks HTTP over a stream, on a task that ends with the connection.
async fn spoken<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // What goes wrong on it, the request under way tells.
    tokio::spawn(connection);
    Ok(sender)
}

/// Trusts the public authorities.
fn tls() -> Done<TlsConnector> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::unavailable(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
