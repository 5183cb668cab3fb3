//! Real input for the demo: a web server's access log and a folder of photos.
//!
//! Nothing is downloaded: everything is drawn from a seed. The content has the shape of
//! what people have (popular and rare pages, busy and quiet hours, large and small
//! pictures, and a few lines and one file that are broken), so that the example plugins
//! do their real work on it.
//!
//! **Invariant:** the same seed gives the same bytes on the same machine, and each
//! function answers exact counts of what it wrote, for a demo or test to check against.
//!
//! [`access_log`] writes a log, [`photos()`] writes pictures.

mod log;
mod log_pieces;
mod paint;
mod photos;
mod random;

pub use log::{AccessLog, access_log};
pub use photos::{PHOTOS_MAX, Photos, photos};
