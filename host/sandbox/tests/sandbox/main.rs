//! Guests that misbehave, components that are wrong, and what the sandbox makes of them.
//!
//! The guests are in `tests/guests`; [`support`] builds them.

mod caching;
mod cancelling;
mod children;
mod compiling;
mod files;
mod granted;
mod http;
mod imports;
mod limits;
mod loading;
mod server;
mod steps;
mod support;
mod waits;
