//! `wasi:http`: requests to the outside.
//!
//! **Invariant:** what a request may be is decided in [`crate::egress`]; here it is only handed
//! over. What a guest holds without sending it has a bound as well.

use std::sync::Arc;

use http::HeaderName;
use parking_lot::Mutex;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};
use zapjobs_model::{Limits, Usage};

use super::State;
use super::journal::Journal;
use crate::egress::Egress;
use crate::egress::budget::Budget;
use crate::egress::exchange::{Sender, Tell, is_forbidden};
use crate::egress::secret::Wallet;

/// The interface that sends requests: a component that imports it wants to.
pub(crate) const OUTGOING: &str = "wasi:http/outgoing-handler";
/// Bytes of a body that wait for the network in one write at most.
const CHUNK_BYTES_MAX: usize = 64 << 10;
/// Bytes that a header field takes in memory beside its text, about.
const FIELD_BYTES: u64 = 96;

/// An attempt's requests.
pub(super) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    sender: Sender,
}

impl Http {
    pub(super) fn new(
        limits: &Limits,
        egress: Option<Arc<Egress>>,
        wallet: Option<Arc<Wallet>>,
        journal: &Arc<Mutex<Journal>>,
    ) -> Self {
        let mut context = WasiHttpCtx::new();
        // More than may be sent: what is too much is told as such, and does not end the run.
        let bytes_max = 2 * limits.http_header_bytes_max + FIELD_BYTES * limits.http_headers_max;
        context.set_field_size_limit(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        let journal = Arc::clone(journal);
        let tell: Tell = Arc::new(move |line| journal.lock().note(line));
        let budget = Arc::new(Budget::new(limits));
        Self { context, hooks: Hooks { sender: Sender { egress, budget, wallet, tell } } }
    }

    /// Writes what was used into the attempt's usage.
    pub(super) fn count(&self, usage: &mut Usage) {
        self.hooks.sender.budget.count(usage);
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// An answer, and what moves its bytes.
type Answer =
    Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let checked = self.sender.check(request, options);
        let tell = Arc::clone(&self.sender.tell);
        Box::new(async move {
            let sent = match checked {
                Ok(exchange) => exchange.run().await,
                Err(failure) => Err(failure),
            };
            let (response, driver) = sent.map_err(|failure| Sender::told(&tell, failure))?;
            Ok((response, Box::new(driver) as Box<dyn Future<Output = _> + Send>))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Self { http, limits, granted, wallet, journal, handles, .. } = self;
        let http = http.get_or_insert_with(|| {
            Box::new(Http::new(limits, granted.egress.clone(), wallet.clone(), journal))
        });
        WasiHttpCtxView { hooks: &mut http.hooks, table: handles, ctx: &mut http.context }
    }
}
