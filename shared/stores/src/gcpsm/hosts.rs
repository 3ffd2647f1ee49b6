//! Which servers are Google's.

use reqwest::Url;

/// Where Google's services are.
///
/// A key's file and a configuration of a federation name addresses of their own, and tenants write both. What is shown there
/// proves an identity, so only Google's count.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Hosts {
    /// At Google.
    #[default]
    Google,
    /// All of them at one address, for tests.
    At(String),
}

impl Hosts {
    /// The address of Secret Manager, or of the one in this location alone.
    pub(super) fn secret_manager(&self, location: Option<&str>) -> String {
        match (self, location) {
            (Self::Google, Some(location)) => format!("https://secretmanager.{location}.rep.googleapis.com"),
            _ => self.service("secretmanager"),
        }
    }

    /// The address of another service.
    pub(super) fn service(&self, name: &str) -> String {
        match self {
            Self::Google => format!("https://{name}.googleapis.com"),
            Self::At(address) => address.clone(),
        }
    }

    /// Whether a URL is one of Google's, of a service of this name where one is given.
    pub(super) fn own(&self, url: &str, service: Option<&str>) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return false;
        }
        if let Self::At(address) = self {
            return Url::parse(address).is_ok_and(|own| own.origin() == url.origin());
        }
        let host = url.host_str().unwrap_or_default();
        let google = host.ends_with(".googleapis.com") || host == "accounts.google.com";
        let named = service.is_none_or(|name| host.split('.').next() == Some(name));
        url.scheme() == "https" && url.port().is_none() && google && named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_google_count() {
        for (url, service, want) in [
            ("https://oauth2.googleapis.com/token", None, true),
            ("https://www.googleapis.com/oauth2/v4/token", None, true),
            ("https://accounts.google.com/o/oauth2/token", None, true),
            ("https://sts.googleapis.com/v1/token", Some("sts"), true),
            ("https://oauth2.googleapis.com/v1/token", Some("sts"), false),
            ("http://oauth2.googleapis.com/token", None, false),
            ("https://oauth2.googleapis.com:8443/token", None, false),
            ("https://me@oauth2.googleapis.com/token", None, false),
            ("https://oauth2.googleapis.com/token?to=evil.example", None, false),
            ("https://oauth2.googleapis.com.evil.example/token", None, false),
            ("https://evilgoogleapis.com/token", None, false),
            ("https://sts.evil.example/v1/token", Some("sts"), false),
            ("https://169.254.169.254/token", None, false),
            ("oauth2.googleapis.com/token", None, false),
        ] {
            assert_eq!(Hosts::Google.own(url, service), want, "{url}");
        }
        let double = Hosts::At("http://127.0.0.1:18080".to_owned());
        assert!(double.own("http://127.0.0.1:18080/v1/token", Some("sts")));
        assert!(!double.own("http://127.0.0.1:18081/v1/token", Some("sts")));
        assert!(!double.own("https://oauth2.googleapis.com/token", None));
    }

    #[test]
    fn regional_secrets_have_an_address_of_their_own() {
        assert_eq!(Hosts::Google.secret_manager(None), "https://secretmanager.googleapis.com");
        assert_eq!(
            Hosts::Google.secret_manager(Some("europe-west3")),
            "https://secretmanager.europe-west3.rep.googleapis.com"
        );
    }
}
