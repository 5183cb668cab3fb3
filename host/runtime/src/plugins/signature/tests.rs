use super::*;

const KEY: &str = include_str!("../../../tests/fixtures/trusted.pub");
const SIGNATURE: &str = include_str!("../../../tests/fixtures/signed.minisig");
/// Of the same content, by another key.
const BY_ANOTHER: &str = include_str!("../../../tests/fixtures/other.minisig");

fn trusted() -> TrustedKeys {
    let key = KEY.lines().nth(1).expect("the key's line");
    TrustedKeys::read([key]).expect("a key")
}

#[test]
fn without_keys_no_signature_is_asked_for() {
    assert_eq!(TrustedKeys::default().verify(b"anything", None), Ok(()));
}

#[test]
fn a_signature_by_a_trusted_key_counts_for_its_content_alone() {
    assert_eq!(trusted().verify(b"signed", Some(SIGNATURE)), Ok(()));
    let error = trusted().verify(b"signed otherwise", Some(SIGNATURE)).expect_err("changed");
    assert!(error.contains("does not belong to this code"), "{error}");
}

#[test]
fn what_is_wrong_with_a_signature_is_told_with_what_to_do() {
    for (signature, expected) in [
        (None, "minisign -Sm"),
        (Some("scribble"), "sign it again"),
        (Some(BY_ANOTHER), "a key that is not trusted"),
    ] {
        let error = trusted().verify(b"signed", signature).expect_err("refused");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_key_may_stand_in_a_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/trusted.pub");
    let keys = TrustedKeys::read([path]).expect("a key");
    assert_eq!(keys, trusted_with_comment());
    assert_eq!(keys.verify(b"signed", Some(SIGNATURE)), Ok(()));
    assert!(TrustedKeys::read(["nowhere.pub"]).expect_err("no file").contains("nowhere.pub"));
}

fn trusted_with_comment() -> TrustedKeys {
    TrustedKeys(vec![PublicKey::decode(KEY).expect("a key")])
}
