//! Whether a user agent is a robot or a script: by the words such programs use of
//! themselves. One that poses as a browser is not found.
//!
//! **Invariant:** the answers for [`CACHE_SLOTS`] agents are remembered, so that a log's
//! few hundred agents are searched once each.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

/// Agents whose answer is remembered.
const CACHE_SLOTS: usize = 1 << 12;

/// Words of robots and scripts, in lower case.
const WORDS: [&[u8]; 14] = [
    b"bot",
    b"crawl",
    b"spider",
    b"slurp",
    b"curl/",
    b"wget/",
    b"python",
    b"go-http-client",
    b"java/",
    b"libwww",
    b"scrapy",
    b"headless",
    b"feedfetch",
    b"monitor",
];

/// Tells robots from browsers.
#[derive(Debug)]
pub struct Agents {
    /// The hash of an agent, with its lowest bit replaced by the answer.
    cache: Vec<u64>,
    hasher: DefaultHashBuilder,
}

impl Agents {
    /// Knows no agent yet.
    pub fn new() -> Self {
        Self { cache: vec![0; CACHE_SLOTS], hasher: DefaultHashBuilder::default() }
    }

    /// Whether this is a robot's or a script's user agent.
    pub fn is_robot(&mut self, agent: &[u8]) -> bool {
        let hash = self.hasher.hash_one(agent);
        let slot = &mut self.cache[(hash >> 1) as usize % CACHE_SLOTS];
        if *slot | 1 != hash | 1 {
            *slot = (hash & !1) | u64::from(has_word(agent));
        }
        *slot & 1 == 1
    }
}

impl Default for Agents {
    fn default() -> Self {
        Self::new()
    }
}

fn has_word(agent: &[u8]) -> bool {
    WORDS
        .iter()
        .any(|word| agent.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_and_scripts_are_told_from_browsers() {
        let mut agents = Agents::new();
        for _ in 0..2 {
            assert!(agents.is_robot(b"Mozilla/5.0 (compatible; Googlebot/2.1)"));
            assert!(agents.is_robot(b"python-requests/2.33.0"));
            assert!(agents.is_robot(b"curl/8.17.0"));
            assert!(!agents.is_robot(b"Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0"));
            assert!(!agents.is_robot(b"-"));
            assert!(!agents.is_robot(b""));
        }
    }
}
