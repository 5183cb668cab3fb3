//! Anchors of headings, as GitHub names them, so that links written for it work.
//!
//! **Invariant:** no two headings of a page share an anchor.

use std::collections::HashSet;

/// The anchors of one page.
#[derive(Debug, Default)]
pub struct Slugs {
    taken: HashSet<String>,
}

impl Slugs {
    /// The anchor for a heading with this text: `Why not threads?` is `why-not-threads`, a
    /// second one is `why-not-threads-1`.
    pub fn next(&mut self, heading: &str) -> String {
        let base = slug(heading);
        let mut anchor = base.clone();
        let mut number = 0;
        while !self.taken.insert(anchor.clone()) {
            number += 1;
            anchor = format!("{base}-{number}");
        }
        anchor
    }
}

fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_github_and_differ() {
        let mut slugs = Slugs::default();
        assert_eq!(slugs.next("Why not threads?"), "why-not-threads");
        assert_eq!(slugs.next("Why not threads"), "why-not-threads-1");
        assert_eq!(slugs.next("`zapjobs run` & more"), "zapjobs-run--more");
        assert_eq!(slugs.next("Größe"), "größe");
    }
}
