//! From a request to whoever sent it.

use axum::http::request::Parts;

use super::Caller;
use crate::http::problem::{Code, Problem};
use crate::state::Api;

impl Api {
    /// Who sent a request.
    pub(crate) async fn authenticate(&self, _request: &Parts) -> Result<Caller, Problem> {
        Err(Problem::new(Code::Unauthorised, "send Authorization: Bearer TOKEN"))
    }
}
