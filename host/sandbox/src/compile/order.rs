//! What the parent tells the child, and what it hears back.
//!
//! An order is two numbers of 8 bytes, little-endian, and the component to the end of the
//! stream. An answer is one byte, which says what follows to the end: code, or why there is none.

use std::io::{self, Read, Write};

/// Bytes of an answer at most.
pub(super) const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// Bytes of a component at most that a child reads; its parent has checked its own limit.
const COMPONENT_BYTES_MAX: u64 = 1 << 30;
/// Before code.
const CODE: u8 = 0;
/// Before the reason why there is none.
const PROBLEM: u8 = 1;

/// What a child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Seconds of processor time, of all threads together.
    pub(super) cpu_s: u64,
    /// Bytes of memory.
    pub(super) memory_bytes: u64,
}

/// Code, or why there is none.
pub(super) type Answer = Result<Vec<u8>, String>;

pub(super) fn write(to: &mut impl Write, bounds: Bounds, component: &[u8]) -> io::Result<()> {
    to.write_all(&bounds.cpu_s.to_le_bytes())?;
    to.write_all(&bounds.memory_bytes.to_le_bytes())?;
    to.write_all(component)?;
    to.flush()
}

pub(super) fn read_bounds(from: &mut impl Read) -> io::Result<Bounds> {
    let mut numbers = [0; 16];
    from.read_exact(&mut numbers)?;
    let (cpu_s, memory_bytes) = numbers.split_at(8);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    Ok(Bounds { cpu_s: number(cpu_s), memory_bytes: number(memory_bytes) })
}

pub(super) fn read_component(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut component = Vec::new();
    from.take(COMPONENT_BYTES_MAX).read_to_end(&mut component)?;
    Ok(component)
}

pub(super) fn write_answer(to: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let (kind, bytes) = match answer {
        Ok(code) => (CODE, code.as_slice()),
        Err(problem) => (PROBLEM, problem.as_bytes()),
    };
    to.write_all(&[kind])?;
    to.write_all(bytes)?;
    to.flush()
}

/// `None` where there is no answer, or none that is understood.
pub(super) fn read_answer(from: &mut impl Read) -> Option<Answer> {
    let mut kind = [0];
    from.read_exact(&mut kind).ok()?;
    let mut bytes = Vec::new();
    let read = from.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    match kind {
        _ if read as u64 > ANSWER_BYTES_MAX => None,
        [CODE] => Some(Ok(bytes)),
        [PROBLEM] => Some(Err(String::from_utf8_lossy(&bytes).into_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_and_an_answer_arrive_as_they_were_sent() {
        let bounds = Bounds { cpu_s: 7, memory_bytes: 1 << 40 };
        let mut sent = Vec::new();
        write(&mut sent, bounds, b"component").expect("written");
        let mut from = sent.as_slice();
        assert_eq!(read_bounds(&mut from).expect("read"), bounds);
        assert_eq!(read_component(&mut from).expect("read"), b"component");
        for answer in [Ok(b"code".to_vec()), Err("no".to_owned())] {
            let mut sent = Vec::new();
            write_answer(&mut sent, &answer).expect("written");
            assert_eq!(read_answer(&mut sent.as_slice()), Some(answer));
        }
        assert_eq!(read_answer(&mut [].as_slice()), None);
        assert_eq!(read_answer(&mut [9, 1].as_slice()), None);
    }
}
