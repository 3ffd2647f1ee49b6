//! Where connections may lead.
//!
//! Names are resolved to addresses that the store may reach. The code that dials uses the addresses checked here, so a name that
//! changes its meaning afterwards gains nothing.
//!
//! Where a proxy is set (`HTTPS_PROXY` and its kin) it resolves the names of servers, and its own rules decide.

use super::cause::find;
use pawl_domain::grant::Reach;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// A resolver that knows only addresses within reach.
#[derive(Clone, Debug)]
pub(super) struct Guard(Reach);

impl Guard {
    /// `None` where every address may be reached, so that names are resolved as usual.
    pub(super) fn new(reach: &Reach) -> Option<Self> {
        (*reach != Reach::Anywhere).then(|| Self(reach.clone()))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let within: Vec<SocketAddr> =
                found.iter().copied().filter(|address| reach.admits(address.ip())).collect();
            if within.is_empty() && !found.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

/// The address of another server that a server told, by `https` where it told none; `None` for what is no address of a
/// server. Errors name it, so it has no user, query or fragment, and no more than 300 signs, all of them of ASCII.
pub fn told_address(text: &str) -> Option<String> {
    const LONGEST: usize = 300;
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&address).ok()?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_plain && url.has_host() && matches!(url.scheme(), "https" | "http")).then_some(address)
}

/// A name leads only to addresses that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to addresses that may not be reached")]
struct OutOfReach;

/// Whether a request failed because its address may not be reached.
pub(super) fn is_refused(failure: &reqwest::Error) -> bool {
    find::<OutOfReach>(failure).is_some()
}

#[cfg(test)]
mod tests {
    use super::told_address;

    #[test]
    fn what_a_server_tells_must_be_an_address() {
        let long = "a".repeat(301);
        for (told, want) in [
            ("payload.lockbox.example.com:443", Some("https://payload.lockbox.example.com:443")),
            ("https://km.example.com/key-manager/", Some("https://km.example.com/key-manager/")),
            ("http://km.example.com", Some("http://km.example.com")),
            ("", None),
            ("not an address", None),
            ("user:password@example.com", None),
            ("https://example.com?token=x", None),
            ("https://example.com#x", None),
            ("file:///etc/passwd", None),
            ("https://", None),
            (&long, None),
        ] {
            assert_eq!(told_address(told).as_deref(), want, "{told:?}");
        }
    }
}
