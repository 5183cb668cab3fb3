//! Tokens: who may use the API, and for what.
//!
//! **Invariant:** a token's secret is shown once and kept by nobody here: what is stored is its
//! SHA-256, and what is shown is compared with that in constant time.

mod keep;
mod routes;
mod rules;

pub use keep::{NewToken, TokenError, Tokens};
pub use rules::{InvalidToken, LIFE_MAX, NAME_BYTES_MAX, Shown, TokenRecord, USE_NOTED_EVERY};

pub(crate) use routes::routes;
pub(crate) use rules::{Presented, Refused};
