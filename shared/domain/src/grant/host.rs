//! The host of a store's server, and patterns of hosts.

use super::glob::Glob;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Where a URL leads: what is compared with a policy is read by the same rules by which connections are made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// A name in lower case without a dot at its end, or an address without brackets.
    pub host: String,
    /// The port, also where the URL leaves it to the scheme.
    pub port: u16,
    /// The address, where the host is one.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// Where this URL leads; `None` unless it is one of http or https with a host.
    pub fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (host, address) = match url.host()? {
            Host::Domain(name) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
            Host::Ipv4(address) => (address.to_string(), Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (address.to_string(), Some(IpAddr::V6(address))),
        };
        let port = url.port_or_known_default()?;
        (!host.is_empty()).then_some(Self { host, port, address })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// `vault.example.com`, `*.vault.internal:8200`, `[fd12::1]`: a host with or without a port. Without one, every port.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostPattern {
    host: Glob,
    port: Option<u16>,
}

/// The text is no pattern of hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "write a host with or without a port, such as vault.example.com or *.vault.internal:8200; no scheme and no path"
)]
pub struct InvalidHost;

impl HostPattern {
    /// Whether a URL that leads there is meant.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.host.matches(&origin.host) && self.port.is_none_or(|port| port == origin.port)
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or(InvalidHost)?;
                (
                    address,
                    if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(InvalidHost)?) },
                )
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map(|port| port.parse().map_err(|_| InvalidHost)).transpose()?;
        let odd = |each: char| each == '/' || each == '@' || each == '\\' || each.is_whitespace();
        if host.chars().any(odd) {
            return Err(InvalidHost);
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        Ok(Self { host: host.parse().map_err(|_| InvalidHost)?, port })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.to_string();
        if host.contains(':') {
            write!(f, "[{host}]")?
        } else {
            f.write_str(&host)?
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_where_connections_go() {
        for (url, want) in [
            ("https://Vault.Example.com./v1", Some("vault.example.com:443")),
            ("http://vault:8200", Some("vault:8200")),
            ("http://127.0.0.1:18200/x", Some("127.0.0.1:18200")),
            ("http://2130706433/", Some("127.0.0.1:80")),
            ("http://0x7f.1/", Some("127.0.0.1:80")),
            ("http://0251.0376.0251.0376", Some("169.254.169.254:80")),
            ("https://[::ffff:127.0.0.1]/", Some("[::ffff:127.0.0.1]:443")),
            ("https://vault.example.com\\@evil.example", Some("vault.example.com:443")),
            ("https://vault.example.com@evil.example/", Some("evil.example:443")),
            ("https://evil.example#@vault.example.com", Some("evil.example:443")),
            ("https:evil.example", Some("evil.example:443")),
            ("https://vault.example.com%2eevil.example", Some("vault.example.com.evil.example:443")),
            ("ftp://vault", None),
            ("vault:8200", None),
            ("", None),
        ] {
            assert_eq!(Origin::of(url).map(|it| it.to_string()).as_deref(), want, "{url}");
        }
    }

    #[test]
    fn patterns_name_hosts_and_ports() {
        for (pattern, url, want) in [
            ("vault.example.com", "https://vault.example.com:8200", true),
            ("vault.example.com:8200", "https://vault.example.com:8200", true),
            ("vault.example.com:8200", "https://vault.example.com", false),
            ("vault.example.com", "https://vault.example.com.evil.example", false),
            ("vault.example.com", "https://evil.example/?vault.example.com", false),
            ("*.vault.internal:8200", "http://a.vault.internal:8200", true),
            ("*.vault.internal", "http://vault.internal", false),
            ("Vault.Example.com.", "https://vault.example.com", true),
            ("[::1]:8200", "http://[::1]:8200", true),
            ("127.0.0.1", "http://2130706433:1", true),
            ("*", "https://anywhere.example", true),
        ] {
            let pattern: HostPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&Origin::of(url).unwrap()), want, "{pattern} {url}");
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        for text in
            ["", "https://vault", "vault/x", "vault:", "vault:x", "::1", "[::1", "[::1]x", "a@b", "a b"]
        {
            assert_eq!(text.parse::<HostPattern>(), Err(InvalidHost), "{text}");
        }
    }
}
