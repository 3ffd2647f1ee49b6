//! Where each cloud gives out tokens, and for what; how a vault says whose tokens it takes.
//!
//! Sources: `go-autorest`'s environments, which ESO uses; "Authentication, requests and responses" of Key Vault's REST API.

use super::api;
use crate::kit::{Ask, Call, Link, Server};
use pawl_domain::grant::Origin;
use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore};
use pawl_domain::{Kind, Provider, Step};
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// The cloud of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cloud<'a> {
    /// Where tokens are asked for.
    pub(super) authority: &'a str,
    /// The field of the manifest that says so.
    field: &'static str,
    /// What tokens are for; where it is not known, the vault says it.
    pub(super) resource: Option<&'static str>,
}

impl<'a> Cloud<'a> {
    /// A store's own authority counts before its cloud's.
    pub(super) fn of(store: &'a AzureKvStore) -> Self {
        let (authority, resource) = match store.cloud {
            AzureCloud::Public => ("https://login.microsoftonline.com", Some("https://vault.azure.net")),
            AzureCloud::UsGovernment => {
                ("https://login.microsoftonline.us", Some("https://vault.usgovcloudapi.net"))
            }
            AzureCloud::China => ("https://login.chinacloudapi.cn", Some("https://vault.azure.cn")),
            AzureCloud::German => {
                ("https://login.microsoftonline.de", Some("https://vault.microsoftazure.de"))
            }
            // Manifests name an authority.
            AzureCloud::Stack => ("", None),
        };
        match &store.authority {
            Some(authority) => {
                Self { authority, field: "customCloudConfig.activeDirectoryEndpoint", resource }
            }
            None => Self { authority, field: "environmentType", resource },
        }
    }

    /// What tokens for a registry are for. Source: ESO's generator ACRAccessToken, which asks for a token of Azure's management by
    /// one of its two names, as the identity is proven; both are one service.
    pub(super) fn management(store: &AzureKvStore) -> Option<&'static str> {
        let by_account = matches!(store.auth, AzureAuth::ServiceAccount { .. });
        Some(match (store.cloud, by_account) {
            (AzureCloud::Public, false) => "https://management.azure.com",
            (AzureCloud::Public, true) => "https://management.core.windows.net",
            (AzureCloud::UsGovernment, false) => "https://management.usgovcloudapi.net",
            (AzureCloud::UsGovernment, true) => "https://management.core.usgovcloudapi.net",
            (AzureCloud::China, false) => "https://management.chinacloudapi.cn",
            (AzureCloud::China, true) => "https://management.core.chinacloudapi.cn",
            (AzureCloud::German | AzureCloud::Stack, _) => return None,
        })
    }

    /// Whom a token is asked of.
    pub(super) fn server(&self) -> Server<'a> {
        Server { provider: Provider::AzureKv, address: self.authority, field: self.field }
    }
}

/// What a vault says, to a request without a token, that tokens must be for. Taken only where the vault's host is that
/// resource's host or within its domain: anything else could be another service, for which a token was never meant.
///
/// # Errors
/// When it says nothing, or something that is not taken.
pub(super) async fn told_resource(store: &AzureKvStore, link: &Link) -> Result<String, Error> {
    let call = Call {
        step: Step::Authenticate,
        server: api::server(store),
        action: "challenge",
        subject: "challenge",
    };
    let ask = || {
        Ok(Ask {
            method: Method::GET,
            path: vec!["secrets"],
            query: vec![("maxresults", "1"), api::VERSION],
            headers: HeaderMap::new(),
            body: None,
            largest: link.bounds().largest_answer,
        })
    };
    let answer = link.send(&call, &ask, &|reply| matches!(reply.status.as_u16(), 429 | 500..600)).await;
    call.counted(answer.and_then(|reply| {
        let told = resource_in(&reply.headers).filter(|_| reply.status.as_u16() == 401);
        let told =
            told.ok_or_else(|| {
                reply.failure(call.error(
                    Kind::Invalid,
                    "it does not say what tokens it takes; correct the store's vaultUrl",
                ))
            })?;
        match is_within(&store.vault_url, &told) {
            true => Ok(told),
            false => Err(call.error(
                Kind::Invalid,
                "it wants a token for another service than this vault; correct the store's vaultUrl",
            )),
        }
    }))
}

/// The `resource` of a Bearer challenge.
pub(super) fn resource_in(headers: &HeaderMap) -> Option<String> {
    headers.get_all(WWW_AUTHENTICATE).iter().find_map(|value| {
        let (scheme, members) = value.to_str().ok()?.split_once(' ')?;
        let mut members = members.split(',').filter_map(|member| member.trim().split_once('='));
        let (_, resource) = members.find(|(name, _)| name.eq_ignore_ascii_case("resource"))?;
        let resource = resource.trim().trim_matches('"').trim_end_matches('/');
        scheme.eq_ignore_ascii_case("bearer").then(|| resource.to_owned())
    })
}

fn is_within(vault: &str, resource: &str) -> bool {
    let (Some(vault), Some(resource)) = (Origin::of(vault), Origin::of(resource)) else { return false };
    vault.host == resource.host
        || (resource.address.is_none()
            && resource.host.contains('.')
            && vault.host.strip_suffix(&resource.host).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_in_any_order() {
        for (header, want) in [
            (
                r#"Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net""#,
                Some("https://vault.azure.net"),
            ),
            (r#"bearer resource="https://a.example/",authorization="x""#, Some("https://a.example")),
            (r"Bearer resource=https://a.example", Some("https://a.example")),
            (r#"Basic resource="https://a.example""#, None),
            (r#"Bearer authorization="x""#, None),
            ("Bearer", None),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, header.parse().unwrap())]);
            assert_eq!(resource_in(&headers).as_deref(), want, "{header}");
        }
    }

    #[test]
    fn a_vault_names_only_what_it_is_within() {
        for (vault, resource, taken) in [
            ("https://a.vault.local.stack.example", "https://vault.local.stack.example", true),
            ("https://a.vault.example", "https://a.vault.example", true),
            ("https://a.vault.example", "https://VAULT.example", true),
            ("https://a.vault.example", "https://graph.example", false),
            ("https://evilvault.example", "https://vault.example", false),
            ("https://a.vault.example", "https://example", false),
            ("https://127.0.0.1", "https://0.0.1", false),
            ("https://a.vault.example", "vault.example", false),
        ] {
            assert_eq!(is_within(vault, resource), taken, "{vault} {resource}");
        }
    }
}
