//! Reports on web servers' access logs of any size, in bounded memory.
//!
//! **Invariant:** only [`job`] knows of ZapJobs; everything else is ordinary Rust.
//!
//! In reading order: [`read`] goes through files, [`stream`] cuts them into lines, [`line`]
//! understands one, [`analysis`] counts it with [`space_saving`], [`latency`], [`hours`]
//! and [`agents`], and [`report`] and [`mod@markdown`] say what came of it.

pub mod agents;
pub mod analysis;
pub mod hours;
pub mod job;
pub mod latency;
pub mod line;
pub mod markdown;
pub mod read;
pub mod report;
pub mod space_saving;
pub mod stream;
