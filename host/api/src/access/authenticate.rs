//! From a request to whoever sent it.
//!
//! **Invariant:** a token that is good is let in whatever others try: only what fails is answered
//! more slowly.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header;
use axum::http::request::Parts;

use super::Caller;
use super::throttle::{Allowance, Throttle};
use crate::http::problem::{Code, Problem};
use crate::state::Api;
use crate::tokens::{Presented, Refused};

/// Requests that fail to show a good token, from one address: 20 at once, and 1 a second.
const FAILURES: Allowance = Allowance { burst: 20.0, per_second: 1.0 };
/// Requests with one token: 1,000 at once, and 500 a second.
const REQUESTS: Allowance = Allowance { burst: 1_000.0, per_second: 500.0 };

/// Requests for public endpoints, from one address: 500 at once, and 50 a second.
const PUBLIC: Allowance = Allowance { burst: 500.0, per_second: 50.0 };

/// How often callers may ask.
pub(crate) struct Throttles {
    failures: Throttle,
    requests: Throttle,
    public: Throttle,
}

impl Throttles {
    pub(crate) fn new() -> Self {
        Self {
            failures: Throttle::new(FAILURES),
            requests: Throttle::new(REQUESTS),
            public: Throttle::new(PUBLIC),
        }
    }

    /// Whether one who is not asked who they are may ask once more.
    pub(crate) fn lets_public(&self, peer: &IpAddr) -> bool {
        self.public.take(peer)
    }
}

impl Api {
    /// Who sent a request.
    pub(crate) async fn authenticate(&self, request: &Parts) -> Result<Caller, Problem> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0.ip());
        let refused = |detail: &str| {
            if self.throttles().failures.take(&peer) {
                return Problem::new(Code::Unauthorised, detail);
            }
            let detail = "too many requests from this address without a good token: wait";
            Problem::new(Code::RateLimited, detail).retry_after(1)
        };
        let Some(header) = request.headers.get(header::AUTHORIZATION) else {
            return Err(refused("no token: send Authorization: Bearer zj_ID_SECRET"));
        };
        let text = header.to_str().unwrap_or_default();
        let token =
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some(shown) = token.and_then(|(_, token)| Presented::read(token.trim())) else {
            return Err(refused("that is no token: send Authorization: Bearer zj_ID_SECRET"));
        };
        let record = match self.tokens().verify(&shown).await? {
            Some(Ok(record)) => record,
            Some(Err(Refused::Expired)) => {
                return Err(refused("the token has expired: make another"));
            }
            Some(Err(Refused::Revoked)) => {
                return Err(refused("the token was revoked: make another"));
            }
            Some(Err(Refused::Secret)) | None => return Err(refused("there is no such token")),
        };
        if !self.throttles().requests.take(&record.id) {
            let detail = format!("more than {} requests a second: wait", REQUESTS.per_second);
            return Err(Problem::new(Code::RateLimited, detail).retry_after(1));
        }
        Ok(Caller::new(record.id, record.name, record.scope, record.tenant))
    }
}
