//! What stores may do only where the operator says so, and what is said of them to AWS.

use super::{Error, Lookup, switch};
use pawl_domain::grant::Origin;
use pawl_vault::Options;
use std::sync::Arc;

/// Reads what stores of Vault may do; without a word, nothing of it.
///
/// | variable | setting |
/// |---|---|
/// | `PAWL_VAULT_PLAIN_HTTP` | `true`: servers on other machines may be asked without TLS |
/// | `PAWL_VAULT_API_SERVER_TOKENS` | `true`: servers may be shown service-account tokens that their cluster's API server takes |
/// | `PAWL_VAULT_IAM_SERVERS` | the servers, by commas, that may be shown Pawl's own AWS identity |
///
/// # Errors
/// The first variable that cannot be read.
pub fn vault(lookup: &dyn Lookup) -> Result<Options, Error> {
    let servers = lookup.get("PAWL_VAULT_IAM_SERVERS").unwrap_or_default();
    let servers = servers.split(',').map(str::trim).filter(|server| !server.is_empty());
    Ok(Options {
        plain_http: switch(lookup, "PAWL_VAULT_PLAIN_HTTP")?,
        api_server_tokens: switch(lookup, "PAWL_VAULT_API_SERVER_TOKENS")?,
        own_identity_servers: servers.map(str::to_owned).collect(),
        ..Options::default()
    })
}

/// The servers on other machines that stores may ask without TLS (`PAWL_PLAIN_HTTP_SERVERS`), such as a 1Password Connect in the
/// cluster that Pawl runs in; none where nothing is said. Each is an address of `http` with nothing behind the port.
///
/// # Errors
/// When one is not.
pub fn plain_http_servers(lookup: &dyn Lookup) -> Result<Arc<[Origin]>, Error> {
    let name = "PAWL_PLAIN_HTTP_SERVERS";
    let given = lookup.get(name).unwrap_or_default();
    let named = given.split(',').map(str::trim).filter(|server| !server.is_empty());
    let origin = |server: &str| {
        let plain = server.strip_prefix("http://").filter(|rest| !rest.trim_end_matches('/').contains('/'));
        plain.and_then(|_| Origin::of(server)).ok_or_else(|| {
            let rule =
                "write addresses such as http://onepassword-connect.connect.svc:8080, with commas between";
            Error::Invalid { name, rule: rule.to_owned() }
        })
    };
    named.map(origin).collect()
}

/// Whether sessions of the roles that stores name carry cluster, namespace and store (`PAWL_AWS_SESSION_TAGS`): `true` unless
/// it is `false`.
///
/// # Errors
/// When it is neither.
pub fn session_tags(lookup: &dyn Lookup) -> Result<bool, Error> {
    let name = "PAWL_AWS_SESSION_TAGS";
    Ok(lookup.get(name).is_none() || switch(lookup, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_that_is_not_said() {
        let none = vault(&|_: &str| None).unwrap();
        assert!(!none.plain_http && !none.api_server_tokens && none.own_identity_servers.is_empty());
        let said = |name: &str| match name {
            "PAWL_VAULT_PLAIN_HTTP" | "PAWL_VAULT_API_SERVER_TOKENS" => Some("true".to_owned()),
            "PAWL_VAULT_IAM_SERVERS" => Some("https://a.example.com, https://b.example.com:8200,".to_owned()),
            _ => None,
        };
        let all = vault(&said).unwrap();
        assert!(all.plain_http && all.api_server_tokens);
        let servers: Vec<_> = all.own_identity_servers.iter().map(String::as_str).collect();
        assert_eq!(servers, ["https://a.example.com", "https://b.example.com:8200"]);
        assert!(vault(&|_: &str| Some("maybe".to_owned())).is_err());
    }

    #[test]
    fn only_servers_that_are_named_are_asked_without_tls() {
        let servers = |text: &'static str| plain_http_servers(&move |_: &str| Some(text.to_owned()));
        assert_eq!(plain_http_servers(&|_: &str| None).unwrap().len(), 0);
        let named = servers("http://connect.svc:8080, http://Vault.Example.com/").unwrap();
        let shown: Vec<String> = named.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["connect.svc:8080", "vault.example.com:80"]);
        for wrong in ["https://connect.svc", "connect.svc:8080", "http://", "http://a/path", "*"] {
            assert!(servers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sessions_carry_tags_unless_they_are_switched_off() {
        for (text, want) in [("", Some(true)), ("true", Some(true)), ("false", Some(false)), ("no", None)] {
            let lookup = move |name: &str| (name == "PAWL_AWS_SESSION_TAGS").then(|| text.to_owned());
            assert_eq!(session_tags(&lookup).ok(), want, "{text}");
        }
    }
}
