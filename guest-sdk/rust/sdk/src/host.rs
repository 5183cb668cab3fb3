//! Every question to the host and everything told to it, in one place.
//!
//! In a component these are the imports of `zapjobs:job`. Elsewhere they go to the thread's
//! [`TestContext`](crate::testing::TestContext); outside of one, what is told is dropped and
//! questions have plain answers.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;
