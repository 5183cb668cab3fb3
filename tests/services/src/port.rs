//! Free ports.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// How often a server is started on yet another port.
const ATTEMPTS: usize = 10;
/// The lowest port that is picked.
const FIRST: u16 = 10_240;
/// Ports that must be there below those that the system gives to clients.
const PORTS_MIN: u16 = 4_096;

/// Runs something that needs a port of its own, again with another one where the port was
/// taken in the meantime.
pub(crate) fn on_free_port<T>(mut run: impl FnMut(u16) -> io::Result<T>) -> io::Result<T> {
    let mut attempt = 1;
    loop {
        match run(free_port()?) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => {
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// A port that nobody uses at this moment.
///
/// It lies below the ports that the system gives to clients: a server that is stopped would
/// otherwise find its port taken by some connection when it is started again.
pub(crate) fn free_port() -> io::Result<u16> {
    let last = last_port();
    for _ in 0..ATTEMPTS {
        if last < FIRST + PORTS_MIN {
            break;
        }
        let random = RandomState::new().build_hasher().finish();
        let offset = random % u64::from(last - FIRST);
        let port = FIRST + u16::try_from(offset).expect("below the difference of two ports");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The first of the ports that are given to clients, which ends those that are picked.
fn last_port() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.unwrap_or_default().split_whitespace().next().map(str::parse);
    first.and_then(Result::ok).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_tried_again_with_another_one() {
        let mut tried = Vec::new();
        let port = on_free_port(|port| {
            tried.push(port);
            if tried.len() < 3 { Err(io::ErrorKind::AddrInUse.into()) } else { Ok(port) }
        });
        assert_eq!((port.unwrap(), tried.len()), (tried[2], 3));
    }

    #[test]
    fn attempts_are_bounded_and_other_errors_end_them() {
        let mut runs = 0;
        let mut fail = |kind: io::ErrorKind| {
            runs = 0;
            let failed = on_free_port(|_| -> io::Result<()> {
                runs += 1;
                Err(kind.into())
            });
            (failed.unwrap_err().kind(), runs)
        };
        assert_eq!(fail(io::ErrorKind::AddrInUse), (io::ErrorKind::AddrInUse, ATTEMPTS));
        assert_eq!(fail(io::ErrorKind::NotFound), (io::ErrorKind::NotFound, 1));
    }

    #[test]
    fn a_free_port_can_be_bound() {
        TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap();
    }
}
