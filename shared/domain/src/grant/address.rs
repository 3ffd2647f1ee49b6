//! Addresses that the stores of tenants may not reach unless an operator says so.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Where the connections of an identity may go.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reach {
    /// To any address: for stores that the operator declared.
    #[default]
    Anywhere,
    /// To no address of this machine, of its link and of the cloud's metadata services ([`Reach::admits`]), but for these.
    Guarded(BTreeSet<Network>),
}

impl Reach {
    /// Whether a connection to this address may be made. Ask it after the name was resolved, in what dials.
    pub fn admits(&self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Guarded(allowed) => {
                let allowed = |address: IpAddr| allowed.iter().any(|network| network.contains(address));
                allowed(address) || meant(address).is_some_and(|meant| !is_refused(meant) || allowed(meant))
            }
        }
    }
}

/// What is refused without a policy. Private networks (RFC 1918, `fc00::/7`) are not among it: most Vaults are there.
///
/// Sources: IANA's registries of special-purpose addresses; the documentation of the metadata services of AWS
/// (`169.254.169.254`, `169.254.170.2`, `169.254.170.23`, `fd00:ec2::/32`), Azure (`168.63.129.16`), Google
/// (`fd20:ce::254`), Alibaba (`100.100.100.200`) and Oracle (`192.0.0.192`).
const REFUSED: [(IpAddr, u8); 15] = [
    (v4(0, 0, 0, 0), 8),
    (v4(100, 100, 100, 200), 32),
    (v4(127, 0, 0, 0), 8),
    (v4(168, 63, 129, 16), 32),
    (v4(169, 254, 0, 0), 16),
    (v4(192, 0, 0, 0), 24),
    (v4(224, 0, 0, 0), 4),
    // Reserved, and the broadcast address.
    (v4(240, 0, 0, 0), 4),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (v6(0xfe80, 0), 10),
    // Site-local, which is deprecated.
    (v6(0xfec0, 0), 10),
    (v6(0xff00, 0), 8),
    (v6(0xfd00, 0x0ec2), 32),
    (IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)), 128),
];

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(a: u16, b: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0))
}

fn is_refused(address: IpAddr) -> bool {
    REFUSED.iter().any(|(network, bits)| within(*network, *bits, address))
}

/// The address that a connection really goes to: IPv6 has several ways to write an IPv4 address. `None` for those of
/// which that cannot be told.
fn meant(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(six) = address else { return Some(address) };
    let parts = six.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(v4(a, b, c, d))
    };
    match parts {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some(address),
        // Mapped (RFC 4291), compatible (deprecated there), translated (RFC 2765), and by NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => four(high, low),
        // Teredo (RFC 4380), and NAT64 with a prefix of the network's own (RFC 8215).
        [0x2001, 0, ..] | [0x64, 0xff9b, 1, ..] => None,
        _ => Some(address),
    }
}

/// A range of addresses, such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is no range of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("write a range of addresses, such as 10.20.0.0/16, 127.0.0.1 or fd12:3456::/48")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the address is in this range.
    pub fn contains(&self, address: IpAddr) -> bool {
        within(self.address, self.bits, address)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| InvalidNetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        if bits > longest { Err(InvalidNetwork) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (differ, width) = match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits() ^ other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
        _ => return false,
    };
    // A shift by the whole width is none that Rust knows.
    differ.checked_shr(width - u32::from(bits)).is_none_or(|left| left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(allowed: &[&str]) -> Reach {
        Reach::Guarded(allowed.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_belongs_to_the_machine_its_link_or_its_cloud_is_refused_however_it_is_written() {
        let reach = guarded(&[]);
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.8.9.10",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
        ] {
            assert!(!reach.admits(address(text)), "{text}");
            assert!(Reach::Anywhere.admits(address(text)), "{text}");
        }
    }

    #[test]
    fn public_and_private_addresses_are_admitted() {
        for text in [
            "192.0.2.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "2001:db8::1",
            "fd12:3456:789a::1",
            "::ffff:10.0.0.1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(guarded(&[]).admits(address(text)), "{text}");
        }
    }

    #[test]
    fn a_policy_admits_what_it_names_and_nothing_beside_it() {
        for (allowed, text, want) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.0/8", "127.0.0.2", true),
            ("127.0.0.0/8", "169.254.169.254", false),
            ("0.0.0.0/0", "169.254.169.254", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("fe80::/10", "fe80::1", true),
            ("64:ff9b:1::/48", "64:ff9b:1::1", true),
        ] {
            assert_eq!(guarded(&[allowed]).admits(address(text)), want, "{allowed} {text}");
        }
    }

    #[test]
    fn ranges_are_read_and_shown() {
        for (text, shown) in
            [("10.0.0.0/8", "10.0.0.0/8"), ("127.0.0.1", "127.0.0.1/32"), ("fd00::/8", "fd00::/8")]
        {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "host", "::/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
