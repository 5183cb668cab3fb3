//! Guests that misbehave, components that are wrong, and what the sandbox makes of them.
//!
//! The guests are in `tests/guests`; [`support`] builds them.

mod caching;
mod cancelling;
mod compiling;
mod files;
mod imports;
mod limits;
mod loading;
mod support;
