//! Who is told that a change has arrived everywhere.

use super::{Error, Lookup, key};
use pawl_domain::SecretValue;
use reqwest::Url;

/// Who is told.
#[derive(Clone, Debug, Default)]
pub enum Receipts {
    /// Nobody.
    #[default]
    Off,
    /// The event bus of this name or ARN.
    Bus(String),
    /// Whoever is at this URL and knows this key.
    Webhook(Url, SecretValue),
}

impl Receipts {
    /// Reads the variables; nobody is told without them.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `PAWL_RECEIPT_BUS` | the name or ARN of an event bus of AWS |
    /// | `PAWL_RECEIPT_URL`, `PAWL_RECEIPT_KEY` | an address by `https`, and the key that its requests are signed with |
    ///
    /// # Errors
    /// When both are set, one of the last two is missing, the address is none or not encrypted, or the key is too short.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        const URL: &str = "PAWL_RECEIPT_URL";
        let invalid = |rule: &str| Error::Invalid { name: URL, rule: rule.to_owned() };
        let signed = key(lookup, "PAWL_RECEIPT_KEY")?;
        match (lookup.get("PAWL_RECEIPT_BUS"), lookup.get(URL)) {
            (None, None) => Ok(Self::Off),
            (Some(_), Some(_)) => Err(invalid("PAWL_RECEIPT_BUS is set as well; set one of them")),
            (Some(bus), None) => Ok(Self::Bus(bus)),
            (None, Some(text)) => {
                let url = Url::parse(&text).map_err(|_| invalid("write it as https://<host>/<path>"))?;
                let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
                if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
                    return Err(invalid("it must begin with https, unless it is on this machine"));
                }
                let purpose = "it signs what is sent to PAWL_RECEIPT_URL";
                let key = signed.ok_or(Error::Missing { name: "PAWL_RECEIPT_KEY", purpose })?;
                Ok(Self::Webhook(url, key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_is_told_and_by_an_encrypted_way() {
        let key = "0123456789abcdef0123456789abcdef";
        for (bus, url, given, want) in [
            (None, None, None, "Off"),
            (Some("pawl"), None, None, "Bus"),
            (None, Some("https://example.com/hook"), Some(key), "Webhook"),
            (None, Some("http://127.0.0.1:8080/"), Some(key), "Webhook"),
            (None, Some("http://example.com/"), Some(key), "PAWL_RECEIPT_URL is not valid"),
            (None, Some("here"), Some(key), "PAWL_RECEIPT_URL is not valid"),
            (None, Some("https://example.com/"), None, "PAWL_RECEIPT_KEY is not set"),
            (None, Some("https://example.com/"), Some("short"), "PAWL_RECEIPT_KEY is not valid"),
            (Some("pawl"), Some("https://example.com/"), Some(key), "PAWL_RECEIPT_URL is not valid"),
        ] {
            let lookup = |name: &str| {
                let given = match name {
                    "PAWL_RECEIPT_BUS" => bus,
                    "PAWL_RECEIPT_URL" => url,
                    "PAWL_RECEIPT_KEY" => given,
                    _ => None,
                };
                given.map(str::to_owned)
            };
            let read = match Receipts::read(&lookup) {
                Ok(read) => format!("{read:?}"),
                Err(error) => error.to_string(),
            };
            assert!(read.starts_with(want), "{bus:?} {url:?}: {read}");
            assert!(!read.contains(key), "{read}");
        }
    }
}
