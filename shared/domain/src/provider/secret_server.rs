//! Delinea Secret Server and Platform. Source: ESO's Secret Server provider, version 2.9, and the SDK that it uses.

use super::{Extract, Lookup, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    // As in ESO, it is refused.
    selector: |text| VersionSelector::Id(text.to_owned()),
    // A field that was renamed must not make a Secret go.
    missing_property: |property, key| format!("secret {key} has no field {property}"),
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's id, its name or its path"),
    doubtful_version: |_| Some("cannot be read: ESO reads no versions of it either; leave it out".to_owned()),
    ..Profile::of_server(
        "secretserver",
        &[SpecName { name: "secretserver", capabilities: "ReadWrite", is_maintained: true }],
        Lookup::Parts,
        Extract::Parts,
    )
};

/// How a key names a secret. Source: ESO's provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretServerKey<'a> {
    /// By a folder's number, and a name in it.
    InFolder(u64, &'a str),
    /// By the path of folders to it.
    Path(&'a str),
    /// By its number, and where there is none of it, by the name that the number is.
    Number(i64, &'a str),
    /// By its name.
    Name(&'a str),
}

impl<'a> SecretServerKey<'a> {
    /// What a key says.
    pub fn of(key: &'a str) -> Self {
        let in_folder = || {
            let (folder, name) = key.strip_prefix("folderId:")?.split_once('/')?;
            let folder =
                number(folder).and_then(|folder| u64::try_from(folder).ok()).filter(|folder| *folder > 0)?;
            (!name.is_empty()).then_some(Self::InFolder(folder, name))
        };
        match (in_folder(), number(key)) {
            (Some(in_folder), _) => in_folder,
            (None, _) if key.starts_with('/') => Self::Path(key),
            (None, Some(id)) => Self::Number(id, key),
            (None, None) => Self::Name(key),
        }
    }
}

/// As Go's `Atoi`: a sign may stand before the digits.
fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::SecretServerKey::{self, InFolder, Name, Number, Path};

    #[test]
    fn keys_name_secrets_in_four_ways() {
        for (key, want) in [
            ("db", Name("db")),
            ("a/b", Name("a/b")),
            ("42", Number(42, "42")),
            ("+42", Number(42, "+42")),
            ("-1", Number(-1, "-1")),
            ("4 2", Name("4 2")),
            ("99999999999999999999", Name("99999999999999999999")),
            ("/a/b", Path("/a/b")),
            ("folderId:73/db", InFolder(73, "db")),
            ("folderId:73/a/b", InFolder(73, "a/b")),
            ("folderId:73", Name("folderId:73")),
            ("folderId:73/", Name("folderId:73/")),
            ("folderId:0/db", Name("folderId:0/db")),
            ("folderId:x/db", Name("folderId:x/db")),
        ] {
            assert_eq!(SecretServerKey::of(key), want, "{key}");
        }
    }
}
