//! Puts core modules into components, byte by byte: the text format has no place for binary
//! modules inside of components.

use crate::component::Component;

/// Bytes of the magic number and the version in front of the sections.
const HEADER_BYTES: usize = 8;
/// The section of a core module.
const MODULE_SECTION: u8 = 1;

/// An innocent component whose first core module is a placeholder.
pub(crate) fn template() -> Vec<u8> {
    Component::new().outer("(core module $more) (core instance (instantiate $more))").build()
}

/// The component with another core module in the place of its first one.
pub(crate) fn first_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    let mut at = HEADER_BYTES;
    while let Some(id) = component.get(at) {
        let (bytes, content_at) = read_leb128(component, at + 1);
        let end = content_at + bytes;
        if *id == MODULE_SECTION {
            let section = [&[MODULE_SECTION][..], &leb128(module.len()), module].concat();
            return [&component[..at], &section, &component[end..]].concat();
        }
        at = end;
    }
    component.to_vec()
}

/// A number as sections have it.
pub(crate) fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A number, and where it ends.
fn read_leb128(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[at];
        at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return (value, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_takes_the_place_of_another() {
        let template = template();
        for bytes in [0, 127, 128, 70_000] {
            let module = vec![7; bytes];
            let spliced = first_module(&template, &module);
            assert!(module.is_empty() || spliced.windows(bytes).any(|part| part == module));
            let (old, _) = read_leb128(&template, HEADER_BYTES + 1);
            let grown = bytes + leb128(bytes).len();
            assert_eq!(spliced.len(), template.len() - old - leb128(old).len() + grown);
        }
    }
}
