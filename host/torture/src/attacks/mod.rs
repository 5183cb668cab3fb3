//! All attacks, in groups of what they abuse.
//!
//! **Invariant:** an attack narrows limits so that it ends within about a second; what it is
//! held by is named, so that a verdict says which limit did its work.

mod children;
mod descriptions;
mod egress;
mod endless;
mod files;
mod floods;
mod hostcalls;
mod http;
mod loading;
mod memory;
mod steps;
mod strings;
mod traps;

use std::sync::Arc;

use crate::attack::Attack;
// What every group is written with.
use crate::attack::Ending;
use crate::place::Place;

/// Every attack.
pub fn all() -> Vec<Arc<Attack>> {
    let groups = [
        endless::attacks(),
        memory::attacks(),
        traps::attacks(),
        floods::attacks(),
        strings::attacks(),
        hostcalls::attacks(),
        descriptions::attacks(),
        files::attacks(),
        egress::attacks(),
        http::attacks(),
        loading::attacks(),
        children::attacks(),
        steps::attacks(),
    ];
    groups.into_iter().flatten().map(Arc::new).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_attack_has_a_name_of_its_own_and_says_what_holds_it() {
        let attacks = all();
        let names: HashSet<&str> = attacks.iter().map(|attack| attack.name()).collect();
        assert_eq!(names.len(), attacks.len());
        for attack in &attacks {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(attack.name().chars().all(is_kebab), "{}", attack.name());
            assert!(!attack.limit().is_empty(), "{}", attack.name());
            assert!(!attack.ends.is_empty(), "{}", attack.name());
            assert!(!attack.tries().is_empty(), "{}", attack.name());
        }
    }

    #[test]
    fn every_component_can_be_built() {
        let place = Place::new().expect("a place");
        let mut broken = Vec::new();
        for attack in all() {
            let build = std::panic::AssertUnwindSafe(|| (attack.component)(&place));
            if std::panic::catch_unwind(build).is_err() {
                broken.push(attack.name().to_owned());
            }
        }
        assert!(broken.is_empty(), "{broken:?}");
    }
}
