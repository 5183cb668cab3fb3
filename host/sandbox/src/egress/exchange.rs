//! One request and its answer, on a connection of its own.
//!
//! **Invariant:** the host follows no redirects, sends nothing twice and changes no body: an
//! answer of any status goes to the guest, whose next request is checked like its first.

use std::error::Error as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody};
use zapjobs_model::{HttpTarget, Limits};

use super::body::{Clock, Received, Sent};
use super::budget::Budget;
use super::connect::{Stream, connect};
use super::secret::Wallet;
use super::{Egress, Failure, policy, target};

/// Bytes that a connection buffers at least.
const BUFFER_BYTES_MIN: usize = 16 << 10;

/// What moves a connection's bytes while its answer is read.
pub(crate) type Driver = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Writes a line into the run's log.
pub(crate) type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// Sends the requests of one attempt.
pub(crate) struct Sender {
    pub(crate) egress: Option<Arc<Egress>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) wallet: Option<Arc<Wallet>>,
    pub(crate) tell: Tell,
}

/// A request that may be sent.
pub(crate) struct Exchange {
    egress: Arc<Egress>,
    /// The grants that allow it.
    allowing: Vec<usize>,
    target: HttpTarget,
    request: Request<Sent>,
    spans: Spans,
    budget: Arc<Budget>,
    wallet: Option<Arc<Wallet>>,
    tell: Tell,
}

/// How long things may take: the guest's own wishes, within the limits.
struct Spans {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
    exchange: Duration,
}

/// Whether a header field is the host's own business, or one of a single connection's.
pub(crate) fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(*name, header::TE | header::TRAILER | header::EXPECT)
}

impl Sender {
    /// Checks a request before anything is done for it.
    pub(crate) fn check(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Exchange, Failure> {
        let limits = &self.budget.limits;
        self.budget.ask()?;
        let (mut parts, body) = request.into_parts();
        let url_bytes = parts.uri.to_string().len() as u64;
        if url_bytes > limits.http_url_bytes_max {
            return Err(exceeded(Error::HttpRequestUriTooLong, limits, "http_url_bytes_max"));
        }
        let target = target::read(&parts.method, &parts.uri)?;
        let refused = || Failure::said(Error::HttpRequestDenied, policy::refusal(&target));
        let egress = Arc::clone(self.egress.as_ref().ok_or_else(refused)?);
        let allowing = policy::check(&egress.grants, &target)?;
        let path_and_query = match parts.uri.path_and_query().map(|it| it.as_str()) {
            None | Some("") => "/".to_owned(),
            Some(query) if query.starts_with('?') => format!("/{query}"),
            Some(path) => path.to_owned(),
        };
        let foreign: Vec<_> = parts.headers.keys().filter(|it| is_forbidden(it)).cloned().collect();
        foreign.into_iter().for_each(|name| drop(parts.headers.remove(name)));
        if let Some(wallet) = &self.wallet {
            wallet.fill(&mut parts.headers, &path_and_query, &target)?;
        }
        let authority = HeaderValue::from_str(&target.authority());
        let authority = authority.map_err(|_| Error::HttpRequestUriInvalid)?;
        parts.headers.insert(header::HOST, authority);
        check_headers(&parts.headers, limits, Error::HttpRequestHeaderSectionSize)?;
        parts.uri = path_and_query.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
        Ok(Exchange {
            egress,
            allowing,
            target,
            request: Request::from_parts(parts, Sent::new(body, &self.budget, &self.tell)),
            spans: Spans::new(options.unwrap_or_default(), limits),
            budget: Arc::clone(&self.budget),
            wallet: self.wallet.clone(),
            tell: Arc::clone(&self.tell),
        })
    }

    /// Logs what the log should know of a failure, and answers what the guest is told.
    pub(crate) fn told(tell: &Tell, failure: Failure) -> Error {
        failure.line.iter().for_each(|line| tell(line));
        failure.error
    }
}

impl Exchange {
    /// Sends the request, and waits for the header of its answer.
    pub(crate) async fn run(self) -> Result<(Response<WasiBody>, Driver), Failure> {
        let started_at = Instant::now();
        let ends_at = started_at + self.spans.exchange;
        let connects_before = (started_at + self.spans.connect).min(ends_at);
        let waits = Arc::clone(&self.budget.places).acquire_owned();
        let place = timeout_at(connects_before, waits)
            .await
            .map_err(|_| {
                exceeded(Error::ConnectionLimitReached, &self.budget.limits, "http_open_max")
            })?
            .map_err(|_| Error::ConnectionLimitReached)?;
        let stream = connect(&self.egress, &self.allowing, &self.target, connects_before).await?;
        self.budget.send();
        let answers_before = (Instant::now() + self.spans.first_byte).min(ends_at);
        let limits = self.budget.limits;
        let (mut response, driver) =
            timeout_at(answers_before, send(stream, self.request, &limits))
                .await
                .map_err(|_| Error::HttpResponseTimeout)??;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Error::HttpUpgradeFailed.into());
        }
        check_headers(response.headers(), &limits, Error::HttpResponseHeaderSectionSize)?;
        if let Some(wallet) = &self.wallet {
            wallet.hide(response.headers_mut());
        }
        let announced = response.body().size_hint().lower();
        if announced > limits.http_response_bytes_max {
            let error = Error::HttpResponseBodySize(Some(announced));
            return Err(exceeded(error, &limits, "http_response_bytes_max"));
        }
        let clock = Clock::new(self.spans.between_bytes, ends_at);
        let response = response
            .map(|body| Received::new(body, &self.budget, &self.tell, clock, place).boxed_unsync());
        Ok((response, driver))
    }
}

impl Spans {
    fn new(wishes: RequestOptions, limits: &Limits) -> Self {
        let within = |wish: Option<Duration>, limit_ms: u64| {
            let limit = Duration::from_millis(limit_ms);
            wish.map_or(limit, |wish| wish.min(limit))
        };
        Self {
            connect: within(wishes.connect_timeout, limits.http_connect_ms_max),
            first_byte: within(wishes.first_byte_timeout, limits.http_first_byte_ms_max),
            between_bytes: within(wishes.between_bytes_timeout, limits.http_first_byte_ms_max),
            exchange: Duration::from_millis(limits.http_exchange_ms_max),
        }
    }
}

async fn send(
    stream: Box<dyn Stream>,
    request: Request<Sent>,
    limits: &Limits,
) -> Result<(Response<Incoming>, Driver), Failure> {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let header_bytes = bytes(limits.http_header_bytes_max);
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(bytes(limits.http_headers_max))
        .max_buf_size(header_bytes.max(BUFFER_BYTES_MIN))
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| of_hyper(&error))?;
    let mut driver: Driver =
        Box::pin(async move { connection.await.map_err(|error| of_hyper(&error)) });
    let mut answer = pin!(sender.send_request(request));
    let mut end: Option<Result<(), Error>> = None;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut answer => break answer,
            ended = &mut driver, if end.is_none() => end = Some(ended),
        }
    };
    match (answer, end) {
        (Ok(response), None) => Ok((response, driver)),
        // What came behind the answer is not the guest's.
        (Ok(response), Some(_)) => Ok((response, Box::pin(async { Ok(()) }))),
        (Err(_), Some(Err(error))) => Err(error.into()),
        (Err(error), _) => Err(of_hyper(&error).into()),
    }
}

fn check_headers(
    headers: &HeaderMap,
    limits: &Limits,
    error: impl Fn(Option<u32>) -> Error,
) -> Result<(), Failure> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let error = error(u32::try_from(bytes).ok());
    if headers.len() as u64 > limits.http_headers_max {
        return Err(exceeded(error, limits, "http_headers_max"));
    }
    if bytes as u64 > limits.http_header_bytes_max {
        return Err(exceeded(error, limits, "http_header_bytes_max"));
    }
    Ok(())
}

fn exceeded(error: Error, limits: &Limits, name: &str) -> Failure {
    let field = zapjobs_model::LimitField::find(name);
    let limit = field.map_or(0, |field| (field.get)(limits));
    Failure::said(error, format!("a request failed: limit {name} = {limit}"))
}

/// What a failure of the protocol is for the guest.
pub(super) fn of_hyper(error: &hyper::Error) -> Error {
    match error.source().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::HttpRequestBodySize(size)) => return Error::HttpRequestBodySize(*size),
        Some(Error::HttpRequestTrailerSectionSize(size)) => {
            return Error::HttpRequestTrailerSectionSize(*size);
        }
        _ => {}
    }
    if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_parse() || error.is_user() {
        Error::HttpProtocolError
    } else {
        Error::ConnectionTerminated
    }
}
