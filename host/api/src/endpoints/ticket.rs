//! What a caller comes back with for the result of a run.
//!
//! **Invariant:** a run of an endpoint that asks for no token is found by whoever has the secret
//! that its submission was answered with, which is stored as a digest alone.

use std::fmt;
use std::str::FromStr;

use rand::RngCore;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zapjobs_model::RunId;

use crate::hex::hex;

/// Bytes of a secret.
const SECRET_BYTES: usize = 16;

/// A run, and the secret that lets one see what became of it, where that takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) run: RunId,
    secret: Option<String>,
}

/// A secret in the making.
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new() -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(hex(&bytes))
    }

    /// What is stored of it.
    pub(super) fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl Ticket {
    pub(super) fn new(run: RunId, secret: Option<Secret>) -> Self {
        Self { run, secret: secret.map(|Secret(text)| text) }
    }

    pub(super) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether its secret is the one of which this is stored.
    pub(super) fn opens(&self, stored: &str) -> bool {
        let Some(secret) = &self.secret else { return false };
        digest(secret).as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            Some(secret) => write!(f, "{}.{secret}", self.run),
            None => write!(f, "{}", self.run),
        }
    }
}

impl FromStr for Ticket {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, secret) = match text.split_once('.') {
            Some((run, secret)) => (run, Some(secret)),
            None => (text, None),
        };
        let is_plain = |it: &str| {
            it.len() == 2 * SECRET_BYTES && it.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if secret.is_some_and(|secret| !is_plain(secret)) {
            return Err(());
        }
        let run = run.parse().map_err(|_| ())?;
        Ok(Self { run, secret: secret.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_what_its_own_secret_was_stored_for() {
        let run = RunId(uuid::Uuid::from_u128(7));
        let (secret, other) = (Secret::new(), Secret::new());
        let (stored, foreign) = (secret.digest(), other.digest());
        let ticket = Ticket::new(run, Some(secret));
        assert!(ticket.opens(&stored) && !ticket.opens(&foreign) && !ticket.opens(""));
        assert_eq!(ticket.to_string().parse(), Ok(ticket));
        let plain: Ticket = run.to_string().parse().expect("an id");
        assert!(!plain.opens(&stored));
        assert!("x".parse::<Ticket>().is_err() && format!("{run}.12").parse::<Ticket>().is_err());
    }
}
