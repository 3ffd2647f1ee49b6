//! Addresses of servers.

use pawl_domain::grant::Origin;

/// How a request travels to an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// Encrypted.
    Encrypted,
    /// As plain text that does not leave the machine.
    Loopback,
    /// As plain text that others can read.
    Plain,
}

impl Way {
    /// `None` unless the text is a URL of http or https, written out with its host.
    pub(super) fn to(url: &str) -> Option<Self> {
        let (scheme, _) =
            url.split_once("://").filter(|_| url.bytes().all(|byte| byte.is_ascii_graphic()))?;
        let origin = Origin::of(url)?;
        let loopback = matches!(origin.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Some(Self::Encrypted),
            "http" if loopback => Some(Self::Loopback),
            "http" => Some(Self::Plain),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Way;

    #[test]
    fn only_urls_that_are_written_out_lead_somewhere() {
        for (url, way) in [
            ("https://vault.example.com:8200", Some(Way::Encrypted)),
            ("HTTPS://10.0.0.1", Some(Way::Encrypted)),
            ("https://[fd12::1]:6443/path", Some(Way::Encrypted)),
            ("http://localhost:8200", Some(Way::Loopback)),
            ("http://127.0.0.1", Some(Way::Loopback)),
            ("http://[::1]:80", Some(Way::Loopback)),
            ("http://vault", Some(Way::Plain)),
            ("http://localhost.example.com", Some(Way::Plain)),
            ("vault.example.com", None),
            ("https:/vault", None),
            ("https:vault", None),
            ("https://", None),
            ("https://:8200", None),
            ("ftp://vault", None),
            ("https://va ult", None),
            (" https://vault", None),
            ("https://vault:99999", None),
            ("", None),
        ] {
            assert_eq!(Way::to(url), way, "{url:?}");
        }
    }
}
