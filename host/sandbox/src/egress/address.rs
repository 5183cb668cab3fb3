//! Which addresses belong to the public internet, and which a grant has to open.
//!
//! **Invariant:** only global unicast addresses are public. An address that carries another
//! one (IPv4-mapped, NAT64, 6to4, Teredo) is public only if that one is, too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zapjobs_model::grants::PrivateAddresses;

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The public internet.
    Public,
    /// Private networks and the machine itself: `private_addresses = true` opens them.
    Private(&'static str),
    /// Anything else that can be reached: only a grant that names its network opens it.
    Special(&'static str),
    /// What no connection may be made to.
    Never(&'static str),
}

use Class::{Never, Private, Special};

const V4: &[(Ipv4Addr, u32, Class)] = &[
    (Ipv4Addr::new(169, 254, 169, 254), 32, Special("cloud metadata")),
    (Ipv4Addr::new(169, 254, 170, 2), 32, Special("cloud metadata")),
    (Ipv4Addr::new(100, 100, 100, 200), 32, Special("cloud metadata")),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Special("cloud metadata")),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Special("cloud metadata")),
    (Ipv4Addr::BROADCAST, 32, Never("broadcast")),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Never("unspecified")),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private("private")),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Private("shared")),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Private("loopback")),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Special("link-local")),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private("private")),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Special("reserved")),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Special("documentation")),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Special("reserved")),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private("private")),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Special("benchmarking")),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Special("documentation")),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Special("documentation")),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Never("multicast")),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Special("reserved")),
];

const V6: &[(Ipv6Addr, u32, Class)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Never("unspecified")),
    (Ipv6Addr::LOCALHOST, 128, Private("loopback")),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Special("cloud metadata")),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Special("cloud metadata")),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, Special("IPv4-compatible")),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Special("local NAT64")),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Special("documentation")),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Special("documentation")),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private("private")),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Special("link-local")),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Private("private")),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Never("multicast")),
];

/// An address in its plain form, and what it is for.
pub(crate) fn classify(address: IpAddr) -> (IpAddr, Class) {
    let plain = address.to_canonical();
    let class = match plain {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    };
    (plain, class)
}

/// Whether grants open an address. Answers it in its plain form, or why not.
pub(crate) fn check<'a>(
    address: IpAddr,
    mut opened: impl Iterator<Item = &'a PrivateAddresses>,
) -> Result<IpAddr, Closed> {
    let (address, class) = classify(address);
    let is_open = match class {
        Class::Public => true,
        Never(_) => false,
        Private(_) | Special(_) => opened.any(|opened| match opened {
            PrivateAddresses::None => false,
            PrivateAddresses::Private => matches!(class, Private(_)),
            PrivateAddresses::Networks(networks) => {
                networks.iter().any(|network| network.contains(address))
            }
        }),
    };
    if is_open { Ok(address) } else { Err(Closed { address, class }) }
}

/// An address that no grant opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) address: IpAddr,
    pub(crate) class: Class,
}

impl Closed {
    /// What it is, in a word or two.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.class {
            Class::Public => "public",
            Private(kind) | Special(kind) | Never(kind) => kind,
        }
    }

    /// The line of a grant that would open it, if there is one.
    pub(crate) fn line(&self) -> Option<String> {
        match self.class {
            Private(_) => Some("private_addresses = true".to_owned()),
            Special(_) => Some(format!("private_addresses = [\"{}\"]", self.address)),
            Class::Public | Never(_) => None,
        }
    }
}

fn v4(address: Ipv4Addr) -> Class {
    let bits = address.to_bits();
    let found = V4
        .iter()
        .find(|(network, prefix, _)| (bits ^ network.to_bits()).leading_zeros() >= *prefix);
    found.map_or(Class::Public, |(_, _, class)| *class)
}

fn v6(address: Ipv6Addr) -> Class {
    let bits = address.to_bits();
    let found = V6
        .iter()
        .find(|(network, prefix, _)| (bits ^ network.to_bits()).leading_zeros() >= *prefix);
    if let Some((_, _, class)) = found {
        return *class;
    }
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(&[join(high, low)], "NAT64"),
        [0x2002, high, low, ..] => carried(&[join(high, low)], "6to4"),
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            carried(&[join(high, low), join(!client_high, !client_low)], "Teredo")
        }
        [0x2001, second, ..] if second < 0x200 => Special("reserved"),
        [first, ..] if first & 0xe000 == 0x2000 => Class::Public,
        _ => Special("reserved"),
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn carried(addresses: &[Ipv4Addr], how: &'static str) -> Class {
    let public = addresses.iter().all(|address| v4(*address) == Class::Public);
    if public { Class::Public } else { Special(how) }
}

#[cfg(test)]
mod tests {
    use zapjobs_model::grants::Network;

    use super::*;

    fn class(text: &str) -> Class {
        classify(text.parse().expect(text)).1
    }

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "2002:0101:0101::1",
            "2001:200::1",
            "2001:0:0101:0101:0:0:fefe:fefe",
        ] {
            assert_eq!(class(text), Class::Public, "{text}");
        }
    }

    #[test]
    fn private_ones_open_together() {
        for text in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.255.255",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "::1",
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
        ] {
            assert!(matches!(class(text), Private(_)), "{text}");
        }
    }

    #[test]
    fn special_ones_open_only_by_name() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "198.19.255.255",
            "240.0.0.1",
            "255.255.255.254",
            "192.88.99.1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "2001:db8::1",
            "3fff::1",
            "::10.0.0.1",
            "::2",
            "::8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:0001::1",
            "2002:a9fe:a9fe::",
            "2001:0:0a00:0001::",
            "2001:10::1",
            "2001:0:0101:0101:0:0:80ff:fffe",
            "100::1",
            "5f00::1",
            "4000::1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
        ] {
            assert!(matches!(class(text), Special(_)), "{text}: {:?}", class(text));
        }
    }

    #[test]
    fn some_are_never_open() {
        let all = [Network::parse("0.0.0.0/0"), Network::parse("::/0")];
        let all = PrivateAddresses::Networks(all.map(|it| it.expect("a network")).to_vec());
        for text in ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1"] {
            assert!(matches!(class(text), Never(_)), "{text}");
            let closed = check(text.parse().expect(text), [&all].into_iter()).expect_err(text);
            assert_eq!(closed.line(), None);
        }
    }

    #[test]
    fn what_a_refusal_says_opens_the_address() {
        for (text, line) in [
            ("::ffff:10.0.0.7", "private_addresses = true"),
            ("169.254.169.254", "private_addresses = [\"169.254.169.254\"]"),
            ("fe80::1", "private_addresses = [\"fe80::1\"]"),
        ] {
            let address: IpAddr = text.parse().expect(text);
            let closed = check(address, [].into_iter()).expect_err(text);
            assert_eq!(closed.line().as_deref(), Some(line));
            let value = line.split_once(" = ").expect("a value").1;
            let opened: PrivateAddresses = serde_json::from_str(value).expect("reads");
            assert_eq!(check(address, [&opened].into_iter()), Ok(closed.address));
        }
    }

    #[test]
    fn private_addresses_do_not_open_where_clouds_keep_credentials() {
        let opened = [&PrivateAddresses::Private];
        for text in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::1"] {
            assert!(check(text.parse().expect(text), opened.into_iter()).is_err(), "{text}");
        }
    }
}
