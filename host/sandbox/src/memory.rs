//! Counts what a guest's memories and tables take together, and refuses what exceeds the
//! limit.
//!
//! **Invariant:** `bytes` never exceeds `bytes_max`, over all instances of the component. A
//! refusal is kept, because a guest that is refused memory mostly aborts without saying why.

use wasmtime::ResourceLimiter;

/// Bytes that one table element takes.
const TABLE_ELEMENT_BYTES: u64 = size_of::<usize>() as u64;

/// The count of one attempt.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: u64,
    bytes_peak: u64,
    bytes_max: u64,
    asked: u64,
    refusal: Option<Refusal>,
}

/// Why a guest did not get memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It would have held this many bytes, more than its limit.
    Limit {
        /// Bytes that it would have held.
        bytes: u64,
    },
    /// One memory or table would have outgrown what the sandbox provides for one.
    Slot,
}

impl Memory {
    /// Nothing taken yet.
    pub(crate) const fn new(bytes_max: u64) -> Self {
        Self { bytes: 0, bytes_peak: 0, bytes_max, asked: 0, refusal: None }
    }

    /// Bytes taken now.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes taken at most at any time.
    pub(crate) const fn bytes_peak(&self) -> u64 {
        self.bytes_peak
    }

    /// The last refusal, if there was one.
    pub(crate) const fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    fn grow(&mut self, by: u64, fits: bool) -> bool {
        let bytes = self.bytes.saturating_add(by);
        if bytes > self.bytes_max {
            self.refusal = Some(Refusal::Limit { bytes });
            return false;
        }
        if !fits {
            self.refusal = Some(Refusal::Slot);
            return false;
        }
        self.asked = by;
        self.bytes = bytes;
        self.bytes_peak = self.bytes_peak.max(bytes);
        true
    }

    /// Takes back a growth that was allowed and then did not happen.
    fn undo(&mut self) {
        self.bytes = self.bytes.saturating_sub(std::mem::take(&mut self.asked));
        self.refusal = Some(Refusal::Slot);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(self.grow(desired.saturating_sub(current) as u64, fits))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = maximum.is_none_or(|maximum| desired <= maximum);
        let elements = desired.saturating_sub(current) as u64;
        Ok(self.grow(elements.saturating_mul(TABLE_ELEMENT_BYTES), fits))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_and_tables_count_together() {
        let mut memory = Memory::new(1_000);
        assert!(memory.memory_growing(0, 500, None).expect("answers"));
        assert!(memory.table_growing(0, 50, None).expect("answers"));
        assert!(!memory.memory_growing(0, 200, None).expect("answers"));
        assert_eq!(memory.bytes_peak(), 900);
        assert_eq!(memory.refusal(), Some(Refusal::Limit { bytes: 1_100 }));
    }

    #[test]
    fn a_growth_that_did_not_happen_is_taken_back() {
        let mut memory = Memory::new(1_000);
        assert!(memory.memory_growing(0, 900, None).expect("answers"));
        memory.memory_grow_failed(wasmtime::Error::msg("no slot")).expect("is taken");
        assert!(memory.memory_growing(0, 900, None).expect("answers"));
    }

    #[test]
    fn a_growth_beyond_the_slot_is_refused_and_said() {
        let mut memory = Memory::new(1_000);
        assert!(!memory.memory_growing(0, 500, Some(400)).expect("answers"));
        assert_eq!(memory.refusal(), Some(Refusal::Slot));
    }
}
