//! Makes thumbnails of a folder's JPEG and PNG images.
//!
//! **Invariant:** an image that is broken, or too large to be opened within the bounds, is
//! one failed item and never the end of the run. Only [`job`] knows of ZapJobs.
//!
//! In reading order: [`folder`] finds images, [`decode`] opens one within bounds,
//! [`shrink`] makes it small, [`encode`] writes it.

pub mod decode;
pub mod encode;
pub mod folder;
pub mod job;
pub mod shrink;
