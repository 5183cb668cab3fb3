//! Text of bounded length, from a file or from stdin.

use std::fs::File;
use std::io::{Read, Result, stdin};

/// Reads a file, or stdin where the place is `-`. `None` where there is more than so many bytes.
pub(super) fn read(place: &str, bytes_max: u64) -> Result<Option<String>> {
    match place {
        "-" => read_from(stdin().lock(), bytes_max),
        path => read_from(File::open(path)?, bytes_max),
    }
}

/// Reads what is there to its end. `None` where there is more than so many bytes.
pub(super) fn read_from(reader: impl Read, bytes_max: u64) -> Result<Option<String>> {
    let mut text = String::new();
    // One byte more than is allowed, so that what is too long is told from what just fits.
    reader.take(bytes_max + 1).read_to_string(&mut text)?;
    Ok(Some(text).filter(|text| text.len() as u64 <= bytes_max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_told_from_what_just_fits() {
        assert_eq!(read_from(&b"four"[..], 4).expect("read"), Some("four".to_owned()));
        assert_eq!(read_from(&b"fives"[..], 4).expect("read"), None);
        assert!(read("no-such-file", 4).is_err());
    }
}
