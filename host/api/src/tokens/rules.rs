//! What a token is, and whether one that is shown is good: pure, with the instant and randomness
//! as arguments.
//!
//! A token reads `zj_ID_SECRET`: the id is public and finds the record, the secret proves it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zapjobs_model::{TenantId, Timestamp};

use crate::access::Scope;
use crate::hex::hex;

/// What every token begins with, so that one that leaked is known by its looks.
const PREFIX: &str = "zj_";
/// Random bytes of an id.
pub(crate) const ID_BYTES: usize = 8;
/// Random bytes of a secret: 256 bits.
pub(crate) const SECRET_BYTES: usize = 32;
/// Bytes of a token's name at most.
pub const NAME_BYTES_MAX: usize = 100;
/// How long a token may be good: 10 years.
pub const LIFE_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);
/// A token's use is noted once in this time at most: 1 minute.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its public part.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// The tenant that it is bound to; all where absent.
    pub tenant: Option<TenantId>,
    /// SHA-256 of its secret part, in hexadecimal digits.
    pub secret_sha256: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends to be good; never where absent.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to [`USE_NOTED_EVERY`].
    pub last_used_at: Option<Timestamp>,
}

/// A token as it is shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// The whole token. Whoever has it may do what it allows.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(..)")
    }
}

/// A token that cannot be. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// The name.
    #[error("the name of a token: use 1 to {NAME_BYTES_MAX} bytes without control characters")]
    Name,
    /// The end.
    #[error("a token that ends after {0:?}: use 1 second to 10 years")]
    Life(Duration),
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another secret.
    Secret,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A token as a request shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) id: String,
    secret_sha256: [u8; 32],
}

impl Presented {
    /// Reads `zj_ID_SECRET`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str| text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let fits = id.len() == 2 * ID_BYTES && secret.len() == 2 * SECRET_BYTES;
        (fits && is_hex(id) && is_hex(secret))
            .then(|| Self { id: id.to_owned(), secret_sha256: Sha256::digest(secret).into() })
    }
}

/// Makes a token of random bytes.
pub(crate) fn make(
    id: [u8; ID_BYTES],
    secret: [u8; SECRET_BYTES],
    name: &str,
    scope: Scope,
    tenant: Option<TenantId>,
    life: Option<Duration>,
    now: Timestamp,
) -> Result<(TokenRecord, Shown), InvalidToken> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(InvalidToken::Name);
    }
    if let Some(life) = life.filter(|it| *it < Duration::from_secs(1) || *it > LIFE_MAX) {
        return Err(InvalidToken::Life(life));
    }
    let (id, secret) = (hex(&id), hex(&secret));
    let shown = Shown(format!("{PREFIX}{id}_{secret}"));
    let record = TokenRecord {
        id,
        name: name.to_owned(),
        scope,
        tenant,
        secret_sha256: hex(&Sha256::digest(&secret)),
        created_at: now,
        expires_at: life.map(|life| now.plus(life)),
        revoked_at: None,
        last_used_at: None,
    };
    Ok((record, shown))
}

impl TokenRecord {
    /// Whether what is shown is this token, and good at `now`. The secret is compared first, so
    /// that nobody without it learns how the token stands.
    pub(crate) fn check(&self, shown: &Presented, now: Timestamp) -> Result<(), Refused> {
        let own = self.secret_sha256.as_bytes();
        if !bool::from(own.ct_eq(hex(&shown.secret_sha256).as_bytes())) {
            return Err(Refused::Secret);
        }
        if self.revoked_at.is_some() {
            return Err(Refused::Revoked);
        }
        match self.expires_at {
            Some(end) if end <= now => Err(Refused::Expired),
            _ => Ok(()),
        }
    }

    /// Whether its use at `now` is to be noted.
    pub(crate) fn notes_use(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| now.since(last) >= USE_NOTED_EVERY)
    }

    /// Whether it is good at `now`, for whoever has its secret.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn token(life: Option<Duration>) -> (TokenRecord, Presented) {
        let made = make([1; 8], [2; 32], "ci", Scope::Read, None, life, NOW);
        let (record, shown) = made.expect("a token");
        let shown = Presented::read(shown.reveal()).expect("reads");
        (record, shown)
    }

    #[test]
    fn what_is_stored_holds_no_secret() {
        let (record, shown) =
            make([1; 8], [2; 32], "ci", Scope::Read, None, None, NOW).expect("made");
        let secret = shown.reveal().rsplit('_').next().expect("a secret");
        assert_eq!(secret.len(), 64);
        let stored = serde_json::to_string(&record).expect("serialises");
        assert!(!stored.contains(secret) && !format!("{shown:?}").contains(secret));
    }

    #[test]
    fn a_token_is_good_until_it_ends_or_is_revoked() {
        let (mut record, shown) = token(Some(Duration::from_secs(10)));
        assert_eq!(shown.id, record.id);
        assert_eq!(record.check(&shown, NOW), Ok(()));
        let end = NOW.plus(Duration::from_secs(10));
        assert_eq!(record.check(&shown, end), Err(Refused::Expired));
        assert!(record.is_good(NOW) && !record.is_good(end));
        record.revoked_at = Some(NOW);
        assert_eq!(record.check(&shown, NOW), Err(Refused::Revoked));
    }

    #[test]
    fn another_secret_is_refused_before_anything_is_told() {
        let (mut record, _) = token(None);
        record.revoked_at = Some(NOW);
        let (_, other) = make([1; 8], [3; 32], "ci", Scope::Read, None, None, NOW).expect("made");
        let other = Presented::read(other.reveal()).expect("reads");
        assert_eq!(record.check(&other, NOW), Err(Refused::Secret));
    }

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        let (_, shown) = make([1; 8], [2; 32], "ci", Scope::Read, None, None, NOW).expect("made");
        let good = shown.reveal();
        assert!(Presented::read(good).is_some());
        for bad in ["", "zj_", "zj_a_b", &good[1..], &good[..good.len() - 1], &format!("{good}0")] {
            assert!(Presented::read(bad).is_none(), "{bad}");
        }
        assert!(
            Presented::read(&good.to_uppercase().replace("ZJ", "zj")).is_none()
                || !good.contains('a')
        );
    }

    #[test]
    fn names_and_lives_have_bounds() {
        let made = |name: &str, life| make([1; 8], [2; 32], name, Scope::Read, None, life, NOW);
        assert_eq!(made("", None), Err(InvalidToken::Name));
        assert_eq!(made("a\nb", None), Err(InvalidToken::Name));
        assert_eq!(made(&"x".repeat(101), None), Err(InvalidToken::Name));
        let life = Duration::from_millis(10);
        assert_eq!(made("a", Some(life)), Err(InvalidToken::Life(life)));
        assert!(made("a", Some(LIFE_MAX)).is_ok());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let (mut record, _) = token(None);
        assert!(record.notes_use(NOW));
        record.last_used_at = Some(NOW);
        assert!(!record.notes_use(NOW.plus(Duration::from_secs(59))));
        assert!(record.notes_use(NOW.plus(Duration::from_secs(60))));
    }
}
