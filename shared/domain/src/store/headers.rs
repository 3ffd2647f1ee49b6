//! Headers that a store sends with every request.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// `headers`: sent with every request, and kept wherever stores are kept. So they hold no credentials
/// ([`Headers::is_credential`]), and Debug shows names only.
#[derive(Clone, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Headers(pub BTreeMap<String, String>);

impl Headers {
    /// Whether a header proves an identity, as far as its name and value tell.
    pub fn is_credential(name: &str, value: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let ends = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey"];
        let scheme = value.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        ends.iter().any(|end| name.ends_with(end)) || matches!(scheme.as_str(), "basic" | "bearer")
    }

    /// Whether a header would make a request another one: one to another host, one that metadata services take, or one
    /// whose length or connection is not what the client says. Sources: RFC 9110, 7.6.1; the metadata services of AWS,
    /// Google, Azure, Alibaba and Oracle, which take no request without a header of their own.
    pub fn is_forbidden(name: &str) -> bool {
        let name = name.trim().to_ascii_lowercase();
        let begins =
            ["proxy-", "metadata", "x-aws-ec2-metadata", "x-google-metadata", "x-aliyun-ecs-metadata", ":"];
        let whole = [
            "connection",
            "content-length",
            "content-type",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-forwarded-host",
            "x-http-method-override",
            "x-identity-header",
            "x-original-url",
            "x-rewrite-url",
        ];
        name.is_empty() || begins.iter().any(|each| name.starts_with(each)) || whole.contains(&name.as_str())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_prove_an_identity_are_told_apart() {
        for (name, value, want) in [
            ("X-Team", "shop", false),
            ("X-Forwarded-Host", "vault", false),
            ("Authorization", "x", true),
            ("Proxy-Authorization", "Basic eDp5", true),
            ("CF-Access-Client-Secret", "x", true),
            ("X-Vault-Token", "x", true),
            ("X-Api-Key", "x", true),
            ("Cookie", "a=b", true),
            ("X-Upstream", "bearer x", true),
        ] {
            assert_eq!(Headers::is_credential(name, value), want, "{name}");
        }
        let headers = Headers(BTreeMap::from([("X-Team".to_owned(), "hunter2".to_owned())]));
        assert_eq!(format!("{headers:?}"), "{\"X-Team\"}");
    }
}
