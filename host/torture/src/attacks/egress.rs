//! Ways to the network, of which none is granted: sockets to this machine under all its names,
//! and looking names up. A server listens meanwhile, and must not be reached.

use crate::attack::Attack;
use crate::attack::Ending::Answered;
use crate::component::Component;
use crate::component::imports::SOCKETS;

/// What holds them.
const HELD: &str = "no network";

pub(super) fn attacks() -> Vec<Attack> {
    [connects(), names()].into_iter().flatten().collect()
}

/// This machine, as the eleven numbers of an address without its port, and which kind it is.
const ADDRESSES: &[(&str, u32, [u32; 11])] = &[
    ("loopback", 0, [0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ("loopback-in-full", 0, [0, 127, 255, 255, 254, 0, 0, 0, 0, 0, 0]),
    ("any-address", 0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("private-address", 0, [0, 192, 168, 0, 1, 0, 0, 0, 0, 0, 0]),
    ("metadata-service", 0, [0, 169, 254, 169, 254, 0, 0, 0, 0, 0, 0]),
    ("broadcast", 0, [0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]),
    ("loopback-of-ipv6", 1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ("mapped-into-ipv6", 1, [0, 0, 0, 0, 0, 0, 0, 0xffff, 0x7f00, 1, 0]),
    ("compatible-with-ipv6", 1, [0, 0, 0, 0, 0, 0, 0, 0, 0x7f00, 1, 0]),
    ("translated-to-ipv6", 1, [0, 0, 0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1, 0]),
];

fn connects() -> Vec<Attack> {
    let with = |call: &'static str, name: String, tries: String, family: u32, at: [u32; 11]| {
        Attack::new(name, tries, move |place| {
            let mut address = at;
            address[0] = u32::from(place.port);
            let address: String = address.iter().map(|n| format!("(i32.const {n})")).collect();
            Component::new()
                .import(&SOCKETS)
                .run(format!(
                    "(local $socket i32)
                     (call $create-tcp (i32.const {family}) (i32.const 128))
                     (if (i32.load8_u (i32.const 128)) (then (return (call $bool (i32.const 0)))))
                     (local.set $socket (i32.load (i32.const 132)))
                     (call {call} (local.get $socket) (call $network) (i32.const {family})
                       {address} (i32.const 128))
                     (call $bool (i32.eqz (i32.load8_u (i32.const 128))))"
                ))
                .build()
        })
        .held_by(HELD, &[Answered("false")])
    };
    let connects = ADDRESSES.iter().map(move |(kind, family, at)| {
        let name = format!("connect-to-{kind}");
        let tries = format!("opens a connection to this machine: {kind}");
        with("$connect", name, tries, *family, *at)
    });
    let (_, family, at) = ADDRESSES[0];
    let name = "listen-on-a-port".to_owned();
    let tries = "binds a socket, to be reached from outside".to_owned();
    connects.chain([with("$bind", name, tries, family, at)]).collect()
}

/// Names that some resolvers take for this machine.
const NAMES: &[(&str, &str)] = &[
    ("localhost", "localhost"),
    ("decimal", "2130706433"),
    ("hexadecimal", "0x7f000001"),
    ("octal", "0177.0.0.1"),
    ("short", "127.1"),
    ("bracketed", "[::ffff:127.0.0.1]"),
    ("with-user", "user@127.0.0.1"),
    ("with-dot", "localhost."),
    ("full-width", "\u{ff11}\u{ff12}\u{ff17}.0.0.1"),
    ("metadata", "metadata.google.internal"),
];

fn names() -> Vec<Attack> {
    NAMES
        .iter()
        .map(|(kind, name)| {
            Attack::new(format!("look-up-{kind}"), format!("looks a name up: {name}"), move |_| {
                Component::new()
                    .import(&SOCKETS)
                    .data(name)
                    .run(format!(
                        "(call $resolve (call $network) (i32.const 1024) (i32.const {})
                               (i32.const 128))
                             (call $bool (i32.eqz (i32.load8_u (i32.const 128))))",
                        name.len()
                    ))
                    .build()
            })
            .held_by(HELD, &[Answered("false")])
        })
        .collect()
}
