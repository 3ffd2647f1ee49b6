//! `spec.provider.conjur` of a store.
//!
//! Source of fields, defaults and rules: ESO's Conjur provider, version 2.9, and the client that it uses.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, ConjurAuth, ConjurStore, ConjurToken};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = url(&mut fields);
    if !fields.has("auth") {
        fields.error("auth", "is missing; write apikey, jwt or cert in it");
    }
    let auth = fields.object("auth").and_then(|auth| read_auth(auth, references));
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    let (account, auth) = auth?;
    Some(ConjurStore { url: url?, account, auth, ca_bundle, ca_provider }.into())
}

fn url(fields: &mut Fields<'_>) -> Option<String> {
    let url = fields.required("url", "the server's address, such as https://conjur.example.com")?;
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields.error("url", "is not encrypted, so others on the way could read secrets; write https")
        }
        None => fields.error("url", "is not a URL; write it as https://<host>"),
    }
    let url = url.trim_end_matches('/');
    Some(if is_of_cloud(url) { format!("{url}/api") } else { url.to_owned() })
}

/// Whether the address is one of CyberArk's own service, whose API is under a path that may be left out.
fn is_of_cloud(url: &str) -> bool {
    const DOMAINS: [&str; 8] = [
        "cyberark.cloud",
        "integration-cyberark.cloud",
        "test-cyberark.cloud",
        "dev-cyberark.cloud",
        "cyberark-everest-integdev.cloud",
        "cyberark-everest-pre-prod.cloud",
        "sandbox-cyberark.cloud",
        "pt-cyberark.cloud",
    ];
    let lower = url.to_ascii_lowercase();
    let host = lower.strip_prefix("https://").filter(|_| !url.contains("/api"));
    let host = host.map(|rest| rest.split(['/', ':', '?', '#']).next().unwrap_or_default());
    let is_of = |host: &str| {
        DOMAINS.iter().any(|domain| {
            let name = host.strip_suffix(domain).and_then(|name| name.strip_suffix('.'));
            name.is_some_and(|name| name.ends_with(".secretsmgr") || name.ends_with("-secretsmanager"))
        })
    };
    host.is_some_and(is_of)
}

fn read_auth(mut fields: Fields<'_>, references: References<'_>) -> Option<(String, ConjurAuth)> {
    let method = fields.exactly_one(&["apikey", "jwt", "cert"])?;
    let mut inner = fields.object(method)?;
    fields.close();
    let account = inner.required("account", "the account of Conjur").map(str::to_owned);
    let auth = match method {
        "apikey" => {
            let (user, key) =
                (references.required(&mut inner, "userRef"), references.required(&mut inner, "apiKeyRef"));
            user.zip(key).map(|(user, key)| ConjurAuth::ApiKey { user, key })
        }
        "jwt" => {
            let (service, host) = service(&mut inner);
            let token = token(&mut inner, references);
            service.zip(token).map(|(service, token)| ConjurAuth::Jwt { service, host, token })
        }
        _ => {
            let (service, host) = service(&mut inner);
            let certificate = references.required(&mut inner, "clientCertRef");
            let key = references.required(&mut inner, "clientKeyRef");
            service.zip(certificate).zip(key).map(|((service, certificate), key)| {
                // Source: Conjur's client for Go, which does so for certificates alone.
                let host =
                    host.map(|host| if host.starts_with("host/") { host } else { format!("host/{host}") });
                ConjurAuth::Certificate { service, host, certificate, key }
            })
        }
    };
    inner.close();
    account.zip(auth)
}

fn service(fields: &mut Fields<'_>) -> (Option<String>, Option<String>) {
    let service = fields.required("serviceID", "the id of the authenticator").map(str::to_owned);
    (service, fields.filled("hostId").map(str::to_owned))
}

/// The service account counts before the Secret.
fn token(fields: &mut Fields<'_>, references: References<'_>) -> Option<ConjurToken> {
    let (account, secret) = (fields.object("serviceAccountRef"), fields.object("secretRef"));
    match (account, secret) {
        (Some(account), secret) => {
            if secret.is_some() {
                let message = "has no effect: serviceAccountRef comes first; remove one of them";
                fields.notes().warning(fields.path_of("secretRef"), message);
            }
            let found = references.service_account(account)?;
            let (name, namespace, audiences) = (found.name, found.namespace, found.audiences);
            Some(ConjurToken::ServiceAccount { name, namespace, audiences })
        }
        (None, Some(secret)) => references.secret_key(secret, Some("token")).map(ConjurToken::Secret),
        (None, None) => {
            fields.error("serviceAccountRef", "is missing, and secretRef too; write one of them");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_cloud;

    #[test]
    fn the_api_of_the_cloud_is_under_a_path() {
        for (url, want) in [
            ("https://shop.secretsmgr.cyberark.cloud", true),
            ("https://Shop-SecretsManager.pt-cyberark.cloud", true),
            ("https://shop.secretsmgr.cyberark.cloud/api", false),
            ("http://shop.secretsmgr.cyberark.cloud", false),
            ("https://shop.secretsmgr.cyberark.cloud.example.com", false),
            ("https://conjur.example.com", false),
            ("https://cyberark.cloud", false),
        ] {
            assert_eq!(is_of_cloud(url), want, "{url}");
        }
    }
}
