//! `zapjobs plugins`: what there is, and what it wants.

pub(super) mod component;
mod inspect;
mod list;

pub(super) use inspect::{inspect, wishes};
pub(super) use list::list;
