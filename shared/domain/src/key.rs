//! Where a key lives, and the index keys under which declarations and changes find each other.
//!
//! The same secret is named in many ways: by name, by full ARN (with the six random characters that Secrets Manager
//! appends), by partial ARN. A suffix can only be guessed, never proven, so both sides are looked up under every
//! name they may mean; a candidate too many costs one look, a candidate too few loses a rotation.

use crate::provider::{Arn, Place, Provider};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Where keys live: a provider, a region and, where it is known, whose they are.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Location {
    /// The kind of store.
    pub provider: Provider,
    /// The region of the cloud, such as `eu-central-1`; empty for providers without regions, and for keys of a cloud that are
    /// in no region alone.
    pub region: String,
    /// Whose keys: the AWS account of twelve digits, the id of a project of Google's cloud, or the address of the Vault server;
    /// if anybody said so. Unknown agrees with all: a needless look is cheap.
    pub account: Option<String>,
}

impl Location {
    /// True unless provider or region differ, or both accounts are known and differ. Providers with the same index keys
    /// count as one.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let accounts = match (&self.account, &other.account) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => true,
        };
        accounts && self.indexed_as() == other.indexed_as() && self.region == other.region
    }

    /// Where the key named `text` lives: in the account that its ARN names, or else in this one. A role may read the
    /// secrets of other accounts that let it.
    #[must_use]
    pub fn of_key(self, text: &str) -> Self {
        let account =
            Arn::parse(text).map(|arn| arn.account.to_owned()).filter(|account| !account.is_empty());
        Self { account: account.or(self.account), ..self }
    }

    /// Every index key under which the key named `text` (a name, a full or a partial ARN) is to be found.
    pub fn index_keys(&self, text: &str) -> BTreeSet<IndexKey> {
        let prefix = format!("{}/{}/", self.indexed_as(), self.region);
        (self.provider.profile().names)(text)
            .into_iter()
            .map(|name| IndexKey(format!("{prefix}{name}")))
            .collect()
    }

    /// Whether the name in this index key begins with the name that `folder` means, however it is written.
    pub(crate) fn is_under(&self, key: &IndexKey, folder: &str) -> bool {
        let start = self.search_key();
        let name = key.as_str().strip_prefix(start.as_str());
        // The likeliest reading of the folder's own name; an empty one is everything.
        let folders = if folder.is_empty() { Vec::new() } else { (self.provider.profile().names)(folder) };
        let folder = folders.first().map_or("", String::as_str);
        name.is_some_and(|name| name.starts_with(folder))
    }

    /// The index key of every search of this location's keys. No name is empty, so none has it.
    pub fn search_key(&self) -> IndexKey {
        IndexKey(format!("{}/{}/", self.indexed_as(), self.region))
    }

    /// The index key of every declaration that reads this location's keys and whose templates stand in objects of its
    /// cluster. No provider is called so, so no key has it.
    pub fn templates_key(&self) -> IndexKey {
        IndexKey(format!("templates/{}/{}", self.indexed_as(), self.region))
    }

    /// The index key of every declaration that reads this location's keys and whose target goes or shrinks with them. No
    /// provider is called so, so no key has it.
    pub fn deletions_key(&self) -> IndexKey {
        IndexKey(format!("deletions/{}/{}", self.indexed_as(), self.region))
    }

    fn indexed_as(&self) -> &'static str {
        self.provider.profile().indexed_as
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider;
        match (provider.profile().place, &self.account) {
            (Place::Manifest, _) | (Place::Server, None) => write!(f, "{provider}"),
            (Place::Project, _) => {
                f.write_str(provider.as_str())?;
                if !self.region.is_empty() {
                    write!(f, " in {}", self.region)?;
                }
                self.account.as_ref().map_or(Ok(()), |project| write!(f, " of project {project}"))
            }
            (Place::Server, Some(address)) => write!(f, "{provider} at {address}"),
            (Place::Region, None) => write!(f, "{provider} in {}", self.region),
            (Place::Region, Some(account)) => {
                write!(f, "{provider} in {} of account {account}", self.region)
            }
        }
    }
}

/// One entry of the registry's reverse index: `<provider>/<region>/<name>`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct IndexKey(String);

impl IndexKey {
    /// The entry as text; equal texts mean equal entries.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(provider: Provider) -> Location {
        Location { provider, region: "eu-central-1".into(), account: None }
    }

    fn meet(provider: Provider, declared: &str, changed: &str) -> bool {
        let at = location(provider);
        !at.index_keys(declared).is_disjoint(&at.index_keys(changed))
    }

    #[test]
    fn names_and_arns_of_one_secret_meet() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
        let partial = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db";
        for declared in ["app/db", arn, partial] {
            for changed in ["app/db", arn, partial] {
                assert!(meet(Provider::SecretsManager, declared, changed), "{declared} ~ {changed}");
            }
        }
        assert!(!meet(Provider::SecretsManager, "app/db2", arn));
    }

    #[test]
    fn a_name_that_ends_like_a_suffix_is_kept_whole() {
        assert!(meet(Provider::SecretsManager, "prod-dbpass", "prod-dbpass"));
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod-dbpass-a1B2c3";
        assert!(meet(Provider::SecretsManager, "prod-dbpass", arn));
        assert!(!meet(Provider::SecretsManager, "prod-dbpass", "prod"));
    }

    #[test]
    fn parameters_are_found_by_name_and_arn() {
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b";
        assert!(meet(Provider::ParameterStore, "/a/b", arn));
        assert!(meet(Provider::ParameterStore, "foo", "arn:aws:ssm:eu-central-1:123456789012:parameter/foo"));
        assert!(!meet(Provider::ParameterStore, "/a/b", "/a/c"));
    }

    #[test]
    fn accounts_must_agree_only_where_both_are_known() {
        let of = |account: Option<&str>| Location {
            account: account.map(str::to_owned),
            ..location(Provider::SecretsManager)
        };
        assert!(of(None).agrees_with(&of(Some("1"))));
        assert!(of(Some("1")).agrees_with(&of(Some("1"))));
        assert!(!of(Some("1")).agrees_with(&of(Some("2"))));
        assert!(!location(Provider::SecretsManager).agrees_with(&location(Provider::ParameterStore)));
    }

    #[test]
    fn an_arn_says_whose_the_key_is() {
        let mine = Location { account: Some("123456789012".into()), ..location(Provider::SecretsManager) };
        let account_of = |key: &str| mine.clone().of_key(key).account;
        assert_eq!(account_of("app/db").as_deref(), Some("123456789012"));
        let theirs = "arn:aws:secretsmanager:eu-central-1:210987654321:secret:app/db-a1B2c3";
        assert_eq!(account_of(theirs).as_deref(), Some("210987654321"));
    }
}
