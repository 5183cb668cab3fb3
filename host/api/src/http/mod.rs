//! What every request goes through, and what handlers are made of.

pub(crate) mod body;
pub(crate) mod cursor;
pub(crate) mod etag;
pub(crate) mod guard;
pub(crate) mod path;
pub(crate) mod prefer;
pub(crate) mod problem;
mod problems;
pub(crate) mod query;
pub(crate) mod trace;
