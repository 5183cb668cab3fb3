//! How an operator overrules what the directory says. A host that watches it does so at once.

use std::io;
use std::str::FromStr;

use zapjobs_model::Digest;

use super::{PluginId, PluginRecord, VersionStore};

/// Digits of a digest that may stand for all of it.
const DIGITS_MIN: usize = 8;

/// An order that makes no sense now. One line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no such plugin, or no such version.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be written.
    #[error("the orders for {0} cannot be written: {1}")]
    Unwritable(PluginId, io::Error),
}

impl PluginRecord {
    /// What a digest, or the beginning of one, means among the plugin's versions and the one that
    /// waits. A whole digest means itself.
    pub fn digest_of(&self, text: &str) -> Result<Digest, OrderError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if let Ok(digest) = Digest::from_str(digits) {
            return Ok(digest);
        }
        let known = self.history.iter().map(|version| version.digest);
        let waits = self.turned_down.as_ref().and_then(|it| it.digest);
        let mut alike: Vec<Digest> = known.chain(waits).collect();
        alike.sort();
        alike.dedup();
        alike.retain(|it| digits.len() >= DIGITS_MIN && it.to_string().starts_with(digits));
        let shown: String = text.chars().take(80).collect();
        match alike.as_slice() {
            [one] => Ok(*one),
            [] => Err(OrderError::Unknown(format!(
                "{shown:?} is no version: give {DIGITS_MIN} or more digits of one of those that \
                 `zapjobs plugins history` shows, or all 64 of another"
            ))),
            _ => Err(OrderError::Unknown(format!(
                "{shown:?} means several versions: give more digits"
            ))),
        }
    }
}

impl VersionStore {
    /// Lets a version serve whatever it wants, and ends a pin: the one that is held back unless
    /// another is named. Answers which.
    pub fn approve(&self, id: &PluginId, digest: Option<Digest>) -> Result<Digest, OrderError> {
        let turned_down = self.record(id).turned_down;
        let held = turned_down.filter(|it| it.held).and_then(|it| it.digest);
        let digest = digest.or(held).ok_or_else(|| {
            let name = &id.name;
            OrderError::Unknown(format!(
                "no version of {name} waits for approval: `zapjobs plugins list` shows those that \
                 do, --digest names one that will come"
            ))
        })?;
        let mut orders = self.orders(id);
        orders.approve(digest);
        self.order(id, &orders)?;
        Ok(digest)
    }

    /// Pins a version that was accepted: the one before the present one unless another is
    /// named. Answers which.
    pub fn roll_back(&self, id: &PluginId, to: Option<Digest>) -> Result<Digest, OrderError> {
        let record = self.record(id);
        let version = match to {
            Some(digest) => record.version(digest),
            None => record.before(),
        };
        let name = &id.name;
        let unknown = |problem: String| {
            OrderError::Unknown(format!(
                "{problem}: `zapjobs plugins history {name}` shows them all"
            ))
        };
        let digest = match (version, to) {
            (Some(version), _) => version.digest,
            (None, Some(digest)) => {
                return Err(unknown(format!("{name} has no version {}", digest.short())));
            }
            (None, None) => {
                return Err(unknown(format!("{name} has no version before the present one")));
            }
        };
        if !self.holds(digest) {
            return Err(unknown(format!("the version {} is not kept any more", digest.short())));
        }
        let mut orders = self.orders(id);
        orders.pinned = Some(digest);
        self.order(id, &orders)?;
        Ok(digest)
    }

    /// Lets the file in the directory serve again. Answers what was pinned.
    pub fn unpin(&self, id: &PluginId) -> Result<Digest, OrderError> {
        let mut orders = self.orders(id);
        let pinned = orders.pinned.take().ok_or_else(|| {
            OrderError::Unknown(format!("{} is not pinned: nothing to do", id.name))
        })?;
        self.order(id, &orders)?;
        Ok(pinned)
    }

    /// Puts code into service again that kept trapping.
    pub fn reset(&self, id: &PluginId) -> Result<(), OrderError> {
        if self.record(id).current.is_none() {
            return Err(OrderError::Unknown(format!(
                "there is no plugin {}: `zapjobs plugins list` shows them all",
                id.name
            )));
        }
        let mut orders = self.orders(id);
        orders.resets += 1;
        self.order(id, &orders)
    }

    fn order(&self, id: &PluginId, orders: &super::Orders) -> Result<(), OrderError> {
        self.write_orders(id, orders).map_err(|error| OrderError::Unwritable(id.clone(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::TurnedDown;
    use super::*;

    #[test]
    fn the_beginning_of_a_digest_means_one_version_that_is_known() {
        let (waits, other) = (Digest::of(b"waits"), Digest::of(b"other"));
        let turned_down = TurnedDown {
            digest: Some(waits),
            reason: "why".to_owned(),
            held: true,
            wants_more: Vec::new(),
        };
        let record = PluginRecord { turned_down: Some(turned_down), ..PluginRecord::default() };
        let of = |text: &str| record.digest_of(text).ok();
        assert_eq!(of(&waits.to_string()[..DIGITS_MIN]), Some(waits));
        assert_eq!(of(&format!("sha256:{}", waits.short())), Some(waits));
        assert_eq!(of(&waits.to_string()[..DIGITS_MIN - 1]), None, "too few digits");
        assert_eq!(of(&other.short()), None);
        assert_eq!(of(&other.to_string()), Some(other), "one that will come");
    }
}
