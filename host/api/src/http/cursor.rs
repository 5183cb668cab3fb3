//! Places in listings, opaque to clients.
//!
//! A cursor is its listing's letter and text in hexadecimal digits, so that one of another listing
//! is refused and nothing in it has to be escaped.

use super::problem::{Code, Problem};

/// Bytes of a cursor's text at most.
const CURSOR_BYTES_MAX: usize = 600;

/// A cursor of the listing with this letter.
pub(crate) fn write(listing: char, place: &str) -> String {
    let mut cursor = String::with_capacity(1 + place.len() * 2);
    cursor.push(listing);
    for byte in place.bytes() {
        cursor.push(char::from_digit(u32::from(byte >> 4), 16).expect("below 16"));
        cursor.push(char::from_digit(u32::from(byte & 15), 16).expect("below 16"));
    }
    cursor
}

/// The place that a cursor of this listing stands for.
pub(crate) fn read(listing: char, cursor: &str) -> Result<String, Problem> {
    let place = cursor.strip_prefix(listing).filter(|it| it.len() <= 2 * CURSOR_BYTES_MAX);
    place.and_then(from_hex).ok_or_else(refused)
}

/// The refusal of a cursor.
pub(crate) fn refused() -> Problem {
    Problem::new(
        Code::BadCursor,
        "the cursor is none of this listing: pass `next` of the page before as it is, or leave it out",
    )
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Vec<u8> =
        text.chars().map(|it| it.to_digit(16).map(|it| it as u8)).collect::<Option<_>>()?;
    if digits.len() % 2 == 1 {
        return None;
    }
    let bytes = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_one_listing() {
        let cursor = write('r', "a/ü");
        assert_eq!(read('r', &cursor).as_deref(), Ok("a/ü"));
        for bad in ["", "r6", "rxx", "s61", "rff", &"r61".repeat(700)] {
            assert_eq!(read('r', bad).map_err(|it| it.code()), Err(Code::BadCursor), "{bad}");
        }
    }
}
