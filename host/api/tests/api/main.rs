//! The HTTP API over a storage in memory: requests go through all its layers, without a network
//! where none is needed.

mod alterations;
mod frame;
mod looking;
mod submitting;
mod support;
