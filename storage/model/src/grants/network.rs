//! Networks of addresses, and which of the private ones a grant opens.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::InvalidGrant;

/// Networks in one grant at most.
const NETWORKS_MAX: usize = 64;

/// The addresses that share a prefix, written `10.0.0.0/8`; a single one without `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads a network. Bits beyond its prefix have to be zero.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        let invalid = |hint: &str| {
            let shown: String = text.chars().take(100).collect();
            InvalidGrant(format!("{shown:?} is no network: {hint}"))
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let form = "write it like 10.0.0.0/8 or fd00::/8";
        let address: IpAddr = address.parse().map_err(|_| invalid(form))?;
        let bits = width(address);
        let prefix: u8 = prefix.map_or(Ok(bits), str::parse).map_err(|_| invalid(form))?;
        if prefix > bits {
            return Err(invalid(&format!("its prefix has at most {bits} bits")));
        }
        let network = Self { address, prefix };
        if number(address) != number(address) & network.mask() {
            return Err(invalid("the bits after its prefix have to be zero"));
        }
        Ok(network)
    }

    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        width(address) == width(self.address)
            && number(address) & self.mask() == number(self.address)
    }

    fn mask(&self) -> u128 {
        let free = u32::from(width(self.address) - self.prefix);
        u128::MAX.checked_shl(free).unwrap_or(0)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        Self::parse(&text)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// Which addresses a grant opens beside those of the public internet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BoolOrNetworks")]
pub enum PrivateAddresses {
    /// None.
    #[default]
    None,
    /// Those of private networks and of the machine itself. Not link-local ones, and not
    /// those where clouds answer with credentials.
    Private,
    /// Those that are named.
    Networks(Vec<Network>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "use true, false, or a list of networks such as [\"10.0.0.0/8\"]")]
enum BoolOrNetworks {
    Bool(bool),
    Networks(Vec<String>),
}

impl TryFrom<BoolOrNetworks> for PrivateAddresses {
    type Error = InvalidGrant;

    fn try_from(value: BoolOrNetworks) -> Result<Self, InvalidGrant> {
        match value {
            BoolOrNetworks::Bool(false) => Ok(Self::None),
            BoolOrNetworks::Bool(true) => Ok(Self::Private),
            BoolOrNetworks::Networks(texts) if texts.len() > NETWORKS_MAX => Err(InvalidGrant(
                format!("there are {} networks: use at most {NETWORKS_MAX}", texts.len()),
            )),
            BoolOrNetworks::Networks(texts) => {
                let networks: Result<_, _> = texts.iter().map(|it| Network::parse(it)).collect();
                networks.map(Self::Networks)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix() {
        let network = Network::parse("10.1.0.0/16").expect("a network");
        assert!(network.contains([10, 1, 255, 255].into()));
        assert!(!network.contains([10, 2, 0, 0].into()));
        assert!(!network.contains("::ffff:10.1.0.1".parse().expect("an address")));
        assert!(Network::parse("0.0.0.0/0").expect("all").contains([1, 2, 3, 4].into()));
        assert!(Network::parse("::/0").expect("all").contains("fd00::1".parse().expect("one")));
        assert_eq!(Network::parse("10.0.0.1").expect("one").to_string(), "10.0.0.1/32");
    }

    #[test]
    fn what_is_no_network_is_told_why() {
        for (text, hint) in [
            ("10.0.0.0/33", "at most 32 bits"),
            ("10.0.0.1/8", "have to be zero"),
            ("10/8", "write it like"),
            ("fd00::/x", "write it like"),
        ] {
            let error = Network::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_network_agrees_with_counting_bits(base: u32, other: u32, prefix in 0_u8..=32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            let text = format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(base & mask));
            let network = Network::parse(&text).expect("a network");
            let shared = (base ^ other).leading_zeros() >= u32::from(prefix);
            prop_assert_eq!(network.contains(std::net::Ipv4Addr::from_bits(other).into()), shared);
        }
    }
}
