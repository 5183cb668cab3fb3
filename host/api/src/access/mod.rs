//! Who may do what.
//!
//! **Invariant:** an operation is added to the API by `Group::with` alone, which checks the
//! group's scope before each request and writes it into the OpenAPI document: what the document
//! says is what is checked.

mod authenticate;
mod caller;
mod group;
mod scope;
mod throttle;

pub(crate) use authenticate::Throttles;
pub(crate) use caller::Caller;
pub(crate) use group::{Group, Reach, SCHEME};
pub use scope::{Scope, UnknownScope};
