//! What stores may do only where the operator says so, and what is said of them to AWS.

use super::{Error, Lookup, switch};
use pawl_vault::Options;

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
    fn sessions_carry_tags_unless_they_are_switched_off() {
        for (text, want) in [("", Some(true)), ("true", Some(true)), ("false", Some(false)), ("no", None)] {
            let lookup = move |name: &str| (name == "PAWL_AWS_SESSION_TAGS").then(|| text.to_owned());
            assert_eq!(session_tags(&lookup).ok(), want, "{text}");
        }
    }
}
