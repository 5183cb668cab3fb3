//! What a look begins with: the first held runs of all lines together.
//!
//! **Invariant:** a plan over them is the one that all lines would give, if it is full or if they
//! are all that is held. Gates only fill up while it is decided who goes; so whoever stands behind
//! the last one that goes changes nothing.

use super::{ADMIT_RUNS_MAX, Plan};

/// First runs read beyond what may be admitted, so that some may stand before shut gates.
const FIRST_RUNS_SPARE: usize = 64;
/// How many times as many are read where those do not say it all.
const SECOND_LOOK: usize = 4;

/// How many of all held runs, in the order of claims, are read first, and how many if these do not
/// suffice: 64 more than may be admitted, and four times that; so 4,256 at most.
pub fn first_looks(limit: usize) -> [usize; 2] {
    let first = limit.min(ADMIT_RUNS_MAX) + FIRST_RUNS_SPARE;
    [first, SECOND_LOOK * first]
}

impl Plan {
    /// Whether it is what a look at all lines would decide, where so many first runs were wanted
    /// and so many were there.
    pub fn suffices(&self, wanted: usize, read: usize) -> bool {
        self.is_full || read < wanted
    }
}
