//! Settings of the Vault whose audit records come in.

use super::{Error, Lookup, key, switch};
use pawl_domain::SecretValue;
use pawl_events::vault::Kv;
use std::collections::BTreeMap;

/// The server, its mounts, and who may hand in its records.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// The server's address as stores name it; without one records concern the stores of every server.
    pub server: Option<String>,
    /// The KV versions of mounts, each written `<namespace>/<mount>`.
    pub mounts: BTreeMap<String, Kv>,
    /// What a sender shows that cannot sign.
    pub token: Option<SecretValue>,
    /// The Secrets Manager secret that holds the token, where it is not given as it is.
    pub token_secret: Option<String>,
    /// What senders sign with.
    pub key: Option<SecretValue>,
    /// Whether who calls the function's URL has proved to IAM who it is, so that nothing else is asked for.
    pub iam: bool,
}

impl Audit {
    /// Reads the variables; each may be absent.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `PAWL_VAULT_SERVER` | the address of the server whose records come in, as stores name it |
    /// | `PAWL_VAULT_MOUNTS` | KV versions of mounts, as in `secret=2,team/kv=1` |
    /// | `PAWL_AUDIT_TOKEN` | what senders show in `x-pawl-token`, 32 characters or more |
    /// | `PAWL_AUDIT_TOKEN_SECRET` | for the function: the secret that holds this |
    /// | `PAWL_AUDIT_IAM` | for the function: `true` where its URL lets in by IAM |
    /// | `PAWL_HMAC_KEY` | what senders sign with, as for events; 32 bytes or more |
    ///
    /// # Errors
    /// The first variable that cannot be read.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        let mounts = lookup.get("PAWL_VAULT_MOUNTS").unwrap_or_default();
        let mounts = mounts.split(',').map(str::trim).filter(|mount| !mount.is_empty());
        Ok(Self {
            server: lookup.get("PAWL_VAULT_SERVER"),
            mounts: mounts.map(mount).collect::<Result<_, _>>()?,
            token: key(lookup, "PAWL_AUDIT_TOKEN")?,
            token_secret: lookup.get("PAWL_AUDIT_TOKEN_SECRET"),
            iam: switch(lookup, "PAWL_AUDIT_IAM")?,
            key: key(lookup, "PAWL_HMAC_KEY")?,
        })
    }
}

fn mount(text: &str) -> Result<(String, Kv), Error> {
    let invalid = || Error::Invalid {
        name: "PAWL_VAULT_MOUNTS",
        rule: format!("{text}: write <namespace>/<mount>=<KV version>, such as secret=2,team/kv=1"),
    };
    let (path, version) = text.split_once('=').ok_or_else(invalid)?;
    let path = path.trim().trim_matches('/');
    let version = match version.trim() {
        "1" => Kv::V1,
        "2" => Kv::V2,
        _ => return Err(invalid()),
    };
    if path.is_empty() { Err(invalid()) } else { Ok((path.to_owned(), version)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &'static [(&str, &str)]) -> Result<Audit, Error> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Audit::read(&move |name: &str| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn everything_may_be_absent() {
        let audit = read(&[]).unwrap();
        assert_eq!((audit.server, audit.mounts.len()), (None, 0));
        assert!(audit.token.is_none() && audit.key.is_none());
    }

    #[test]
    fn mounts_have_their_namespace_before_them() {
        let audit = read(&[("PAWL_VAULT_MOUNTS", "secret=2, /team/kv/ = 1,,")]).unwrap();
        let want = [("secret".to_owned(), Kv::V2), ("team/kv".to_owned(), Kv::V1)];
        assert_eq!(audit.mounts, BTreeMap::from(want));
    }

    #[test]
    fn keys_of_32_bytes_are_taken() {
        const KEY: &str = "0123456789abcdef0123456789abcdef";
        let audit = read(&[("PAWL_AUDIT_TOKEN", KEY), ("PAWL_HMAC_KEY", KEY)]).unwrap();
        assert!(audit.token.is_some() && audit.key.is_some());
    }

    #[test]
    fn mistakes_are_told_and_tokens_are_not() {
        for variables in [
            &[("PAWL_VAULT_MOUNTS", "secret")],
            &[("PAWL_VAULT_MOUNTS", "secret=3")],
            &[("PAWL_VAULT_MOUNTS", "/=2")],
            &[("PAWL_AUDIT_TOKEN", "hunter2hunter2hunter2hunter2hun")],
            &[("PAWL_HMAC_KEY", "hunter2")],
        ] {
            let error = read(variables).unwrap_err().to_string();
            assert!(error.contains(variables[0].0) && !error.contains("hunter2"), "{error}");
        }
    }
}
