//! The HTTP API: what the command line can do, for programs and for the dashboard.
//!
//! **Invariants:**
//! - It works on the storage through the runtime's `Client` and the storage traits, like everyone
//!   else, and names neither a driver nor the sandbox.
//! - Every operation belongs to a group that says which [`Scope`] it needs ([`access`]); there is no
//!   other way to add one, so that none can be forgotten. Endpoints are no operations: each says
//!   itself whom it lets in.
//! - Every answer that is not a success is a [`Problem`]: one stable code, one helpful sentence.
//! - Every body, page, wait, client and buffer has a named bound.
//!
//! In reading order: [`options`] bounds it, `state` is what handlers share, `router` puts all
//! together, `http` is what every request goes through, `access` says who may do what; then one
//! module for each kind of thing. `server` listens. For users: `docs/http-api.md`.

pub mod access;
mod audit;
mod batches;
mod calendars;
mod endpoints;
mod explorer;
mod health;
mod hex;
mod http;
mod jobs;
mod limits;
mod live;
pub mod options;
mod overview;
mod plugins;
mod queues;
mod router;
mod runs;
mod schedules;
mod schemas;
mod server;
mod state;
mod templates;
pub mod tokens;
mod webhooks;
mod workflows;

pub use access::Scope;
pub use endpoints::{
    AnswerShape, ENDPOINTS_MAX, EndpointAuth, EndpointFile, EndpointWish, Endpoints,
    InvalidEndpoint,
};
pub use http::problem::{Code, Problem};
pub use options::{ApiOptions, AuthMode};
pub use queues::{ListedQueue, queues};
pub use router::{openapi, router};
pub use server::{BindError, Server};
pub use state::Api;
