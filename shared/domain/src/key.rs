//! Where a key lives, and the index keys under which declarations and changes find each other.
//!
//! The same secret is named in many ways: by name, by full ARN (with the six random characters that Secrets Manager
//! appends), by partial ARN. A suffix can only be guessed, never proven, so both sides are looked up under every
//! name they may mean; a candidate too many costs one look, a candidate too few loses a rotation.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The kinds of store that Pawl reads.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// A store whose values stand in its manifest.
    Fake,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
    /// AWS Secrets Manager.
    SecretsManager,
    /// HashiCorp Vault or OpenBao.
    Vault,
}

impl Provider {
    /// The provider's name as in index keys, metrics and `pawl.dev` events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fake => "fake",
            Self::ParameterStore => "parameter-store",
            Self::SecretsManager => "secrets-manager",
            Self::Vault => "vault",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where keys live: a provider, a region and, where it is known, whose they are.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Location {
    /// The kind of store.
    pub provider: Provider,
    /// The AWS region, such as `eu-central-1`; empty for providers without regions.
    pub region: String,
    /// Whose keys: the AWS account of twelve digits, or the address of the Vault server; if anybody said so. Unknown
    /// agrees with all: a needless look is cheap.
    pub account: Option<String>,
}

impl Location {
    /// True unless provider or region differ, or both accounts are known and differ.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let accounts = match (&self.account, &other.account) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => true,
        };
        accounts && self.provider == other.provider && self.region == other.region
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
        let prefix = format!("{}/{}/", self.provider, self.region);
        plain_names(self.provider, text).into_iter().map(|name| IndexKey(format!("{prefix}{name}"))).collect()
    }

    /// The index key of every search of this location's keys. No name is empty, so none has it.
    pub fn search_key(&self) -> IndexKey {
        IndexKey(format!("{}/{}/", self.provider, self.region))
    }

    /// The index key of every declaration that reads this location's keys and whose templates stand in objects of its
    /// cluster. No provider is called so, so no key has it.
    pub fn templates_key(&self) -> IndexKey {
        IndexKey(format!("templates/{}/{}", self.provider, self.region))
    }

    /// The index key of every declaration that reads this location's keys and whose target goes or shrinks with them. No
    /// provider is called so, so no key has it.
    pub fn deletions_key(&self) -> IndexKey {
        IndexKey(format!("deletions/{}/{}", self.provider, self.region))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.provider, &self.account) {
            (Provider::Fake, _) | (Provider::Vault, None) => write!(f, "{}", self.provider),
            (Provider::Vault, Some(address)) => write!(f, "{} at {address}", self.provider),
            (_, None) => write!(f, "{} in {}", self.provider, self.region),
            (_, Some(account)) => write!(f, "{} in {} of account {account}", self.provider, self.region),
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

/// The parts of `arn:<partition>:<service>:<region>:<account>:<resource>` that matter here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arn<'a> {
    /// The service, such as `secretsmanager`.
    pub service: &'a str,
    /// The region, such as `eu-central-1`; empty for global services.
    pub region: &'a str,
    /// The account of twelve digits.
    pub account: &'a str,
    /// Everything behind the account: `secret:name-AbCdEf`, `parameter/a/b`, `role/name`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts of an ARN, or `None` if the text is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" || parts.next()?.is_empty() {
            return None;
        }
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (!service.is_empty() && !resource.is_empty()).then_some(Self { service, region, account, resource })
    }
}

/// Which version of a key is meant, read as ESO reads `remoteRef.version` for each provider.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum VersionSelector {
    /// The version in force: the staging label `AWSCURRENT`, or a parameter's latest version.
    Current,
    /// The version that carries a label now.
    Label(String),
    /// One version for ever.
    Id(String),
}

impl VersionSelector {
    /// Reads a declared version. Secrets Manager: `uuid/<id>` is an id, anything else a staging label. Parameter
    /// Store: digits are a version number, anything else a label. Vault: 0 is the version in force, anything else a
    /// version number. A fake store has versions by name only. Source: ESO's providers.
    pub fn parse(provider: Provider, text: Option<&str>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::Current };
        match provider {
            Provider::SecretsManager => match text.strip_prefix("uuid/") {
                Some("") => Self::Current,
                Some(id) => Self::Id(id.to_owned()),
                None if text == "AWSCURRENT" => Self::Current,
                None => Self::Label(text.to_owned()),
            },
            Provider::ParameterStore if text.bytes().all(|b| b.is_ascii_digit()) => Self::Id(text.to_owned()),
            Provider::ParameterStore => Self::Label(text.to_owned()),
            Provider::Vault if text == "0" => Self::Current,
            Provider::Vault | Provider::Fake => Self::Id(text.to_owned()),
        }
    }
}

/// The names that `text` may mean, the likeliest reading first for people, all of them for the index.
pub(crate) fn plain_names(provider: Provider, text: &str) -> Vec<String> {
    match (provider, Arn::parse(text)) {
        (Provider::SecretsManager, Some(arn)) => {
            let name = arn.resource.strip_prefix("secret:").unwrap_or(arn.resource);
            let mut names = vec![name.to_owned()];
            names.extend(without_suffix(name).map(str::to_owned));
            names
        }
        (Provider::SecretsManager, None) => vec![text.to_owned()],
        // `/a` and `a` share one ARN, so the leading slash cannot tell parameters apart.
        (Provider::ParameterStore, arn) => {
            let name = arn.map_or(text, |arn| arn.resource.strip_prefix("parameter").unwrap_or(arn.resource));
            vec![split_selector(name).0.trim_start_matches('/').to_owned()]
        }
        // Whether a part called `data` belongs to the name or to the API of KV version 2, only the mount could tell.
        (Provider::Vault, _) => {
            let name = text.trim_matches('/');
            let mut names = vec![name.to_owned()];
            names.extend(name.contains("/data/").then(|| name.replacen("/data/", "/", 1)));
            names
        }
        (Provider::Fake, _) => vec![text.to_owned()],
    }
}

/// The version number or label that stands in a parameter's name or ARN, as in `/app/db:3`. Names cannot contain colons,
/// and AWS reads what follows one as the selector of a version (API reference of GetParameter).
pub(crate) fn parameter_selector(text: &str) -> Option<&str> {
    let name = Arn::parse(text).map_or(text, |arn| arn.resource);
    split_selector(name).1.filter(|selector| !selector.is_empty())
}

fn split_selector(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (name, None),
    }
}

/// The name without the hyphen and six characters that Secrets Manager appends to it in an ARN.
fn without_suffix(name: &str) -> Option<&str> {
    let (head, suffix) = name.rsplit_once('-')?;
    (!head.is_empty() && suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()))
        .then_some(head)
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
    fn a_selector_in_a_parameters_key_is_no_part_of_its_name() {
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b";
        for (declared, selector) in [
            ("/a/b", None),
            ("/a/b:", None),
            ("/a/b:prod", Some("prod")),
            ("/a/b:3", Some("3")),
            (arn, None),
            (&format!("{arn}:prod"), Some("prod")),
            (&format!("{arn}:3"), Some("3")),
        ] {
            assert_eq!(parameter_selector(declared), selector, "{declared}");
            for changed in ["/a/b", arn] {
                assert!(meet(Provider::ParameterStore, declared, changed), "{declared} ~ {changed}");
            }
            assert!(!meet(Provider::ParameterStore, declared, "/a/b2"), "{declared}");
        }
    }

    #[test]
    fn versions_are_read_as_eso_reads_them() {
        use Provider::{ParameterStore, SecretsManager};
        for (provider, text, want) in [
            (SecretsManager, None, VersionSelector::Current),
            (SecretsManager, Some(""), VersionSelector::Current),
            (SecretsManager, Some("AWSCURRENT"), VersionSelector::Current),
            (SecretsManager, Some("uuid/"), VersionSelector::Current),
            (SecretsManager, Some("uuid/abc"), VersionSelector::Id("abc".into())),
            (SecretsManager, Some("AWSPREVIOUS"), VersionSelector::Label("AWSPREVIOUS".into())),
            (ParameterStore, Some("3"), VersionSelector::Id("3".into())),
            (ParameterStore, Some("prod"), VersionSelector::Label("prod".into())),
        ] {
            assert_eq!(VersionSelector::parse(provider, text), want, "{provider} {text:?}");
        }
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

    #[test]
    fn arns_are_taken_apart() {
        let arn = Arn::parse("arn:aws-cn:iam::123456789012:role/a:b").unwrap();
        assert_eq!(
            (arn.service, arn.region, arn.account, arn.resource),
            ("iam", "", "123456789012", "role/a:b")
        );
        for text in ["", "arn", "arn:aws:s3", "name", "arn::s3:::x", "arn:aws:s3:::"] {
            assert_eq!(Arn::parse(text), None, "{text:?}");
        }
    }
}
