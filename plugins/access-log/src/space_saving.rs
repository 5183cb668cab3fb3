//! The most frequent keys of a stream in bounded memory.
//!
//! The algorithm is Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, "Efficient
//! Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005): a fixed number
//! of counters; a key without one takes over the smallest, inherits its count, and notes
//! it as the most by which its own may be too high.
//!
//! **Invariant:** after n keys over m counters, no count is too low, none is too high by
//! more than n / m, and every key seen more than n / m times has a counter. Below m
//! distinct keys all counts are exact. The counters stand in a heap with the smallest on
//! top; a hash table finds a key's counter.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Bytes of a key that are kept; longer keys count as their beginning.
pub const KEY_BYTES_MAX: usize = 256;

/// Counts keys.
#[derive(Debug)]
pub struct SpaceSaving {
    counters: Vec<Counter>,
    /// Indices into `counters`; none is larger than those under it.
    heap: Vec<u32>,
    /// Indices into `counters` by hash of their key.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    counters_max: usize,
}

#[derive(Debug)]
struct Counter {
    key: Vec<u8>,
    hash: u64,
    count: u64,
    too_high_by_max: u64,
    /// Where the heap has it.
    position: u32,
}

/// A frequent key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frequent<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How often it was seen; never too low.
    pub count: u64,
    /// By how much `count` may be too high.
    pub too_high_by_max: u64,
}

impl SpaceSaving {
    /// Counts with at most `counters_max` counters, at least 1. Each takes about 64 bytes
    /// and its key.
    pub fn new(counters_max: usize) -> Self {
        Self {
            counters: Vec::new(),
            heap: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            counters_max: counters_max.clamp(1, u32::MAX as usize),
        }
    }

    /// Sees `key` once more.
    pub fn add(&mut self, key: &[u8]) {
        let key = &key[..key.len().min(KEY_BYTES_MAX)];
        let hash = self.hasher.hash_one(key);
        let counters = &self.counters;
        let found = self.table.find(hash, |index| counters[*index as usize].key == key);
        let index = match found {
            Some(index) => *index,
            None if self.counters.len() < self.counters_max => self.push(key, hash),
            None => self.take_over_smallest(key, hash),
        };
        self.counters[index as usize].count += 1;
        self.sift_down(self.counters[index as usize].position as usize);
    }

    /// The most frequent keys, the most frequent first, equals by key.
    pub fn top(&self, keys_max: usize) -> Vec<Frequent<'_>> {
        let mut top: Vec<_> = self.counters.iter().map(Counter::as_frequent).collect();
        top.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(b.key)));
        top.truncate(keys_max);
        top
    }

    fn push(&mut self, key: &[u8], hash: u64) -> u32 {
        let index = self.counters.len() as u32;
        let counter =
            Counter { key: key.to_vec(), hash, count: 0, too_high_by_max: 0, position: index };
        self.counters.push(counter);
        self.heap.push(index);
        // Its count of 0 is the smallest there is: it goes to the top.
        self.sift_up(index as usize);
        self.insert(index, hash);
        index
    }

    fn take_over_smallest(&mut self, key: &[u8], hash: u64) -> u32 {
        let index = self.heap[0];
        let counter = &mut self.counters[index as usize];
        if let Ok(entry) = self.table.find_entry(counter.hash, |other| *other == index) {
            entry.remove();
        }
        counter.key.clear();
        counter.key.extend_from_slice(key);
        counter.hash = hash;
        counter.too_high_by_max = counter.count;
        self.insert(index, hash);
        index
    }

    fn insert(&mut self, index: u32, hash: u64) {
        let counters = &self.counters;
        self.table.insert_unique(hash, index, |other| counters[*other as usize].hash);
    }

    fn sift_down(&mut self, mut position: usize) {
        loop {
            let left = 2 * position + 1;
            if left >= self.heap.len() {
                return;
            }
            let right = (left + 1).min(self.heap.len() - 1);
            let child = if self.count_at(right) < self.count_at(left) { right } else { left };
            if self.count_at(position) <= self.count_at(child) {
                return;
            }
            self.swap(position, child);
            position = child;
        }
    }

    fn sift_up(&mut self, mut position: usize) {
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.count_at(parent) <= self.count_at(position) {
                return;
            }
            self.swap(position, parent);
            position = parent;
        }
    }

    fn count_at(&self, position: usize) -> u64 {
        self.counters[self.heap[position] as usize].count
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        for position in [a, b] {
            self.counters[self.heap[position] as usize].position = position as u32;
        }
    }
}

impl Counter {
    fn as_frequent(&self) -> Frequent<'_> {
        Frequent { key: &self.key, count: self.count, too_high_by_max: self.too_high_by_max }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A skewed stream: key k comes about n / k times, in a mixed order.
    fn stream() -> Vec<Vec<u8>> {
        let mut state = 1_u64;
        (0..50_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let unit = (state >> 40) as f64 / f64::from(1 << 24);
                format!("key-{}", (2_000.0_f64.powf(unit)) as u32).into_bytes()
            })
            .collect()
    }

    #[test]
    fn with_enough_counters_all_counts_are_exact() {
        let mut counted = SpaceSaving::new(4_000);
        let mut exact: HashMap<Vec<u8>, u64> = HashMap::new();
        for key in stream() {
            counted.add(&key);
            *exact.entry(key).or_default() += 1;
        }
        let top = counted.top(usize::MAX);
        assert_eq!(top.len(), exact.len());
        assert!(top.iter().all(|one| one.count == exact[one.key] && one.too_high_by_max == 0));
    }

    #[test]
    fn with_few_counters_the_bounds_hold() {
        let counters = 100;
        let mut counted = SpaceSaving::new(counters);
        let mut exact: HashMap<Vec<u8>, u64> = HashMap::new();
        let stream = stream();
        let bound = (stream.len() / counters) as u64;
        for key in &stream {
            counted.add(key);
            *exact.entry(key.clone()).or_default() += 1;
        }
        let top = counted.top(usize::MAX);
        assert_eq!(top.len(), counters);
        for one in &top {
            let true_count = exact[one.key];
            assert!(one.count >= true_count && one.count - one.too_high_by_max <= true_count);
            assert!(one.too_high_by_max <= bound);
        }
        for (key, _) in exact.iter().filter(|(_, count)| **count > bound) {
            assert!(top.iter().any(|one| one.key == key), "a frequent key is missing");
        }
    }

    #[test]
    fn long_keys_count_as_their_beginning() {
        let mut counted = SpaceSaving::new(4);
        counted.add(&[b'a'; KEY_BYTES_MAX + 1]);
        counted.add(&[b'a'; KEY_BYTES_MAX + 2]);
        assert_eq!(counted.top(4).len(), 1);
    }
}
