//! Who changed what: a record of every change that is asked for over HTTP, whatever came of it.
//!
//! **Invariant:** a change is done and recorded to its end once it has begun, also where its
//! client goes away. Runs that are submitted say themselves where they come from, and are not
//! recorded here.

mod keep;
mod routes;

pub(crate) use keep::{Audit, Entry};
pub(crate) use routes::routes;
