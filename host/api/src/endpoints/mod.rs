//! Endpoints: requests to paths of an operator's choice become runs, and their outputs answers.
//!
//! **Invariant:** what a job returns never weakens what stands around every answer: it neither
//! names headers that browsers or connections go by, nor is it shown as a page of this origin.
//! What became of a run is told to those who may see it, or who have the secret that its
//! submission was answered with.
//!
//! In reading order: [`pattern`] says which paths, [`config`] what becomes of their requests,
//! [`request`] what the job is given, [`serve`] answers, [`reply`] makes an answer of an output.

mod config;
mod pattern;
mod reply;
mod request;
mod serve;
#[cfg(test)]
mod tests;
mod ticket;

use axum::Router;
use axum::routing::{any, get};

use crate::state::Api;

pub use config::{
    AnswerShape, ENDPOINTS_MAX, EndpointAuth, EndpointFile, EndpointWish, Endpoints,
    InvalidEndpoint,
};

/// What all paths of endpoints begin with.
const PREFIX: &str = "/endpoints";
/// Where results are.
const RESULTS: &str = "/endpoint-runs";

/// Requests for endpoints, and what became of them.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/endpoints/{*path}", any(serve::submit))
        .route("/endpoint-runs/{ticket}", get(serve::result))
}
