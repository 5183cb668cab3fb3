//! By what a receiver knows that a message is ours: HMAC-SHA256 by RFC 2104, as the Standard
//! Webhooks specification uses it.
//!
//! **Invariant:** a secret is shown by [`Secret::reveal`] alone, so that no log has it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::base64;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret that is made here.
pub const SECRET_BYTES: usize = 32;
/// Bytes of one that is brought along, by the specification.
const SECRET_BYTES_BOUNDS: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes that SHA-256 takes at once.
const BLOCK_BYTES: usize = 64;

/// What both sides know: `whsec_` and 24 to 64 bytes in base 64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(Vec<u8>);

/// A text that is no secret. It does not say the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is none: use whsec_ and 24 to 64 bytes in base 64, or leave it out")]
pub struct InvalidSecret;

impl Secret {
    /// A secret of random bytes.
    pub fn of(random: [u8; SECRET_BYTES]) -> Self {
        Self(random.into())
    }

    /// Its text, for the one who is to know it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", base64::encode(&self.0))
    }

    /// The signature of a message: its id, when it is sent in seconds since 1970, and its body.
    pub fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let begin = format!("{id}.{seconds}.");
        let mac = hmac(&self.0, &[begin.as_bytes(), body.as_bytes()]);
        format!("v1,{}", base64::encode(&mac))
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; BLOCK_BYTES];
    match key.len() > BLOCK_BYTES {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let begin = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
    let inner = parts.iter().fold(begin(0x36), |hash, part| hash.chain_update(part));
    begin(0x5c).chain_update(inner.finalize()).finalize().into()
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = text.strip_prefix(PREFIX).and_then(base64::decode).ok_or(InvalidSecret)?;
        if !SECRET_BYTES_BOUNDS.contains(&bytes.len()) {
            return Err(InvalidSecret);
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Secret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        text.parse()
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.reveal()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_examples_of_rfc_4231_are_met() {
        for (key, data, mac) in [
            (
                vec![0x0b; 20],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let (begin, end) = data.split_at(data.len() / 2);
            assert_eq!(hex(&hmac(&key, &[begin, end])), mac);
        }
    }

    #[test]
    fn the_example_of_the_specification_is_met() {
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().expect("a secret");
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_survives_its_text_and_shows_nothing_else() {
        let secret = Secret::of([7; SECRET_BYTES]);
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let error = bad.parse::<Secret>().expect_err(bad).to_string();
            assert!(bad.len() < 7 || !error.contains(bad), "{error}");
        }
    }
}
