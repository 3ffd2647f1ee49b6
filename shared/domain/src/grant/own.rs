//! Pawl's own secrets: what no declaration may read, whatever a policy says.

use crate::provider::{Provider, secrets_manager};
use std::collections::BTreeSet;

/// The Secrets Manager secrets that Pawl itself lives by: the ledger's key, tokens of clusters and of senders.
///
/// They are told by name alone, in every account and region: a secret has the same name in the regions that it is
/// replicated to, and whose account an identity is in is not always known.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OwnSecrets(BTreeSet<String>);

impl OwnSecrets {
    /// The secrets of these names or ARNs.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let names = secrets.into_iter().map(str::trim).filter(|text| !text.is_empty());
        Self(names.flat_map(secrets_manager::names).collect())
    }

    /// Whether the key is one of them, however it is written.
    pub fn holds(&self, provider: Provider, key: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        (provider.profile().shows_secrets)(key).iter().any(|name| self.0.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_secrets_are_known_by_name_and_arn_in_every_region() {
        const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pawl/key-AbCdEf";
        for configured in
            ["pawl/key", ARN, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pawl/key"]
        {
            let own = OwnSecrets::new([configured, ""]);
            for (provider, key, want) in [
                (Provider::SecretsManager, "pawl/key", true),
                (Provider::SecretsManager, ARN, true),
                (Provider::SecretsManager, "arn:aws:secretsmanager:us-east-1:1:secret:pawl/key", true),
                (Provider::SecretsManager, "arn:aws:secretsmanager:us-east-1:1:secret:pawl/key-XyZ123", true),
                (Provider::SecretsManager, "pawl/key2", false),
                (Provider::SecretsManager, "app/pawl/key", false),
                (Provider::ParameterStore, "/aws/reference/secretsmanager/pawl/key", true),
                (Provider::ParameterStore, "/aws/reference/secretsmanager/pawl/key:3", true),
                (Provider::ParameterStore, &format!("/aws/reference/secretsmanager/{ARN}"), true),
                (
                    Provider::ParameterStore,
                    "arn:aws:ssm:eu-central-1:1:parameter/aws/reference/secretsmanager/pawl/key",
                    true,
                ),
                (Provider::ParameterStore, "/pawl/key", false),
                (Provider::Vault, "pawl/key", false),
            ] {
                assert_eq!(own.holds(provider, key), want, "{configured}: {provider} {key}");
            }
        }
        assert!(!OwnSecrets::default().holds(Provider::SecretsManager, "pawl/key"));
    }
}
