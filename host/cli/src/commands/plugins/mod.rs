//! `zapjobs plugins`: what there is, what it wants, and which version serves.

pub(super) mod component;
mod inspect;
mod jobs;
mod list;
mod orders;
mod versions;

pub(super) use inspect::{inspect, wishes};
pub(super) use jobs::jobs;
pub(super) use list::list;
pub(super) use orders::{approve, reset, roll_back, unpin};
pub(super) use versions::history;
