//! Servers on the loopback interface that answer as a test wants, each in a task of its own.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use zapjobs_services::Certificate;

/// Bytes of a request that are kept.
const HEARD_BYTES_MAX: usize = 64 << 10;

/// A server. It ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    heard: Mutex<mpsc::UnboundedReceiver<String>>,
    closed: Arc<Notify>,
    /// Holds the certificate's file.
    _folder: Option<tempfile::TempDir>,
}

type Served = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Server {
    /// Answers each request with a text, and closes the connection.
    pub(crate) fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(None, move |mut stream| {
            let answer = answer.clone();
            Box::pin(async move { stream.write_all(answer.as_bytes()).await })
        })
    }

    /// Begins an answer, and repeats a part of it for ever.
    pub(crate) fn endless(begin: &str, part: &str) -> Self {
        let (begin, part) = (begin.to_owned(), part.repeat(100));
        Self::start(None, move |mut stream| {
            let (begin, part) = (begin.clone(), part.clone());
            Box::pin(async move {
                stream.write_all(begin.as_bytes()).await?;
                loop {
                    stream.write_all(part.as_bytes()).await?;
                }
            })
        })
    }

    /// Likewise, with a pause before each part.
    pub(crate) fn dripping(begin: &str, part: &str, pause: Duration) -> Self {
        let (begin, part) = (begin.to_owned(), part.to_owned());
        Self::start(None, move |mut stream| {
            let (begin, part) = (begin.clone(), part.clone());
            Box::pin(async move {
                stream.write_all(begin.as_bytes()).await?;
                loop {
                    tokio::time::sleep(pause).await;
                    stream.write_all(part.as_bytes()).await?;
                }
            })
        })
    }

    /// Begins an answer, and never goes on.
    pub(crate) fn stuck(begin: &str) -> Self {
        let begin = begin.to_owned();
        Self::start(None, move |mut stream| {
            let begin = begin.clone();
            Box::pin(async move {
                stream.write_all(begin.as_bytes()).await?;
                read_to_end(&mut *stream).await
            })
        })
    }

    /// Reads, and never answers.
    pub(crate) fn silent() -> Self {
        Self::stuck("")
    }

    /// Answers on encrypted connections, as `localhost`; and the file with its certificate.
    pub(crate) fn encrypted(answer: &str) -> (Self, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Certificate::make(folder.path()).expect("a certificate");
        let certificates = CertificateDer::pem_file_iter(&made.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .expect("certificates");
        let key = PrivateKeyDer::from_pem_file(&made.key).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(certificates, key))
            .expect("a configuration");
        let answer = answer.to_owned();
        let mut server = Self::start(Some(Arc::new(config).into()), move |mut stream| {
            let answer = answer.clone();
            Box::pin(async move {
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await
            })
        });
        server._folder = Some(folder);
        (server, made.certificate)
    }

    /// The beginning of a request that came.
    pub(crate) async fn heard(&self) -> String {
        self.heard.lock().await.recv().await.expect("the server runs")
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until a client has closed a connection.
    pub(crate) async fn closed(&self) {
        self.closed.notified().await;
    }

    fn start(
        tls: Option<TlsAcceptor>,
        serve: impl Fn(Box<dyn Stream>) -> Served + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let listener = TcpListener::from_std(listener).expect("a listener");
        let (hear, heard) = mpsc::unbounded_channel();
        let (connections, closed) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
        let server = Self {
            port,
            connections: Arc::clone(&connections),
            heard: Mutex::new(heard),
            closed: Arc::clone(&closed),
            _folder: None,
        };
        let serve = Arc::new(serve);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (serve, tls, hear) = (Arc::clone(&serve), tls.clone(), hear.clone());
                let closed = Arc::clone(&closed);
                tokio::spawn(async move {
                    if let Ok((request, stream)) = receive(stream, tls).await {
                        let _ = hear.send(request);
                        let _ = serve(stream).await;
                    }
                    closed.notify_one();
                });
            }
        });
        server
    }
}

/// Reads a request's header, and what has come of its body with it.
async fn receive(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
) -> io::Result<(String, Box<dyn Stream>)> {
    let mut stream: Box<dyn Stream> = match tls {
        Some(tls) => Box::new(tls.accept(stream).await?),
        None => Box::new(stream),
    };
    let mut bytes = Vec::new();
    let is_whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let chunked = text.contains("transfer-encoding: chunked");
        text.contains("\r\n\r\n") && (!chunked || text.len() > 8_000 || text.ends_with("0\r\n\r\n"))
    };
    while !is_whole(&bytes) && bytes.len() < HEARD_BYTES_MAX {
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), stream))
}

async fn read_to_end(stream: &mut dyn Stream) -> io::Result<()> {
    let mut bytes = [0; 4_096];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}
