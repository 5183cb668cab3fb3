//! What a batch of runs cannot wait for: too many, one twice, itself in a circle.

use std::collections::{HashMap, HashSet};

use super::DEPENDENCIES_MAX;
use crate::{NewRun, RunId};

/// Runs named in the message about a circle at most.
const NAMED_MAX: usize = 8;

/// Why runs cannot wait for each other so. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDependencies {
    /// Too many of one run.
    #[error("run {run} waits for {count} runs, {DEPENDENCIES_MAX} are allowed: put a run between")]
    TooMany {
        /// Which run.
        run: RunId,
        /// How many it waits for.
        count: usize,
    },
    /// One twice.
    #[error("run {run} waits for {parent} twice: name it once")]
    Twice {
        /// Which run.
        run: RunId,
        /// What it waits for.
        parent: RunId,
    },
    /// Runs that wait for each other.
    #[error("these runs wait for each other in a circle: {0}")]
    Circle(String),
}

/// Checks what the runs of a batch wait for; whether the others are there is the storage's to
/// see. Costs nothing worth naming where no run waits for any.
pub fn check(runs: &[NewRun]) -> Result<(), InvalidDependencies> {
    if runs.iter().all(|run| run.after.is_empty()) {
        return Ok(());
    }
    for run in runs {
        check_one(run)?;
    }
    let edges = |run: &NewRun| run.after.iter().map(|of| of.run).collect::<Vec<_>>();
    // Of two with one id the first is stored.
    let mut parents = HashMap::with_capacity(runs.len());
    for run in runs {
        parents.entry(run.id).or_insert_with(|| edges(run));
    }
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    match circle(&ids, |id| parents.get(&id).map_or(&[][..], Vec::as_slice)) {
        None => Ok(()),
        Some(circle) => Err(InvalidDependencies::Circle(path(&circle))),
    }
}

fn check_one(run: &NewRun) -> Result<(), InvalidDependencies> {
    let count = run.after.len();
    if count > DEPENDENCIES_MAX {
        return Err(InvalidDependencies::TooMany { run: run.id, count });
    }
    let mut seen = HashSet::with_capacity(count);
    match run.after.iter().find(|of| !seen.insert(of.run)) {
        Some(of) => Err(InvalidDependencies::Twice { run: run.id, parent: of.run }),
        None => Ok(()),
    }
}

/// The first circle of nodes that wait for each other, each followed by one that it waits for
/// and the last by the first; `None` where there is none. No recursion: chains may be long.
pub fn circle<'a, N: Copy + Eq + std::hash::Hash + 'a>(
    nodes: &[N],
    parents: impl Fn(N) -> &'a [N],
) -> Option<Vec<N>> {
    let known: HashSet<N> = nodes.iter().copied().collect();
    let mut done = HashSet::with_capacity(nodes.len());
    for start in nodes {
        // The way from the start to where we are: each node with how many parents were seen.
        let mut way: Vec<(N, usize)> = vec![(*start, 0)];
        let mut on_way = HashSet::from([*start]);
        while let Some((node, seen)) = way.last_mut() {
            let next = if done.contains(node) { None } else { parents(*node).get(*seen).copied() };
            let Some(next) = next else {
                let (node, _) = way.pop().expect("it was just looked at");
                on_way.remove(&node);
                done.insert(node);
                continue;
            };
            *seen += 1;
            if on_way.contains(&next) {
                let from = way.iter().position(|(node, _)| *node == next).unwrap_or(0);
                return Some(way[from..].iter().map(|(node, _)| *node).collect());
            }
            if known.contains(&next) && !done.contains(&next) {
                on_way.insert(next);
                way.push((next, 0));
            }
        }
    }
    None
}

/// A circle as text: `a after b after a`.
pub fn path<N: std::fmt::Display>(circle: &[N]) -> String {
    let mut names: Vec<String> = circle.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if circle.len() > NAMED_MAX {
        names.push(format!("{} more", circle.len() - NAMED_MAX));
    }
    names.extend(circle.first().map(ToString::to_string));
    names.join(" after ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[&[usize]]) -> Option<Vec<usize>> {
        let nodes: Vec<usize> = (0..edges.len()).collect();
        circle(&nodes, |node| edges.get(node).copied().unwrap_or_default())
    }

    #[test]
    fn what_has_an_order_is_no_circle() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[&[], &[0], &[0], &[1, 2]]), None, "a diamond");
        assert_eq!(found(&[&[3], &[0], &[], &[2]]), None, "in any order");
        assert_eq!(found(&[&[99]]), None, "what is not in the batch is there already");
    }

    #[test]
    fn a_circle_is_named() {
        assert_eq!(found(&[&[0]]), Some(vec![0]));
        assert_eq!(found(&[&[], &[0, 3], &[1], &[2]]), Some(vec![1, 3, 2]));
        assert_eq!(path(&["a", "b"]), "a after b after a");
    }

    #[test]
    fn a_chain_of_ten_thousand_is_walked() {
        let edges: Vec<Vec<usize>> =
            (0..10_000_usize).map(|n| n.checked_sub(1).into_iter().collect()).collect();
        let nodes: Vec<usize> = (0..edges.len()).rev().collect();
        assert_eq!(circle(&nodes, |node| &edges[node]), None);
    }

    /// Random graphs, against the definition: nodes can be put in an order exactly if there is
    /// no circle.
    #[test]
    fn a_graph_has_a_circle_exactly_if_it_has_no_order() {
        let mut state = 0x9e37_79b9_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..2_000 {
            let count = 1 + random(7) as usize;
            let edges: Vec<Vec<usize>> = (0..count)
                .map(|_| (0..random(3)).map(|_| random(count as u64) as usize).collect())
                .collect();
            let slices: Vec<&[usize]> = edges.iter().map(Vec::as_slice).collect();
            let mut left: HashSet<usize> = (0..count).collect();
            while let Some(free) = left
                .iter()
                .copied()
                .find(|node| edges[*node].iter().all(|parent| !left.contains(parent)))
            {
                left.remove(&free);
            }
            let circle = found(&slices);
            assert_eq!(circle.is_some(), !left.is_empty(), "{edges:?}");
            if let Some(circle) = circle {
                for (at, node) in circle.iter().enumerate() {
                    let next = circle[(at + 1) % circle.len()];
                    assert!(edges[*node].contains(&next), "{edges:?}: {circle:?}");
                }
            }
        }
    }
}
