//! Which version of a key is meant.

use super::Provider;
use serde::{Deserialize, Serialize};

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
    /// Reads a declared version; none, or an empty one, is the version in force.
    pub fn parse(provider: Provider, text: Option<&str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Current, provider.profile().selector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_eso_reads_them() {
        use Provider::{Fake, OpenBao, ParameterStore, SecretsManager, Vault};
        let (id, label) = (
            |id: &str| VersionSelector::Id(id.to_owned()),
            |label: &str| VersionSelector::Label(label.to_owned()),
        );
        for (provider, text, want) in [
            (SecretsManager, None, VersionSelector::Current),
            (SecretsManager, Some(""), VersionSelector::Current),
            (SecretsManager, Some("AWSCURRENT"), VersionSelector::Current),
            (SecretsManager, Some("uuid/"), VersionSelector::Current),
            (SecretsManager, Some("uuid/abc"), id("abc")),
            (SecretsManager, Some("AWSPREVIOUS"), label("AWSPREVIOUS")),
            (ParameterStore, Some("3"), id("3")),
            (ParameterStore, Some("prod"), label("prod")),
            (Vault, Some("0"), VersionSelector::Current),
            (Vault, Some("3"), id("3")),
            (Vault, Some("prod"), id("prod")),
            (OpenBao, Some("0"), VersionSelector::Current),
            (OpenBao, Some("3"), id("3")),
            (Fake, Some("0"), id("0")),
            (Fake, None, VersionSelector::Current),
        ] {
            assert_eq!(VersionSelector::parse(provider, text), want, "{provider} {text:?}");
        }
    }
}
