//! Settings of folders of manifests.

use super::{Error, Lookup};
use pawl_ports::Folder;
use std::collections::BTreeSet;

const NAME: &str = "PAWL_MANIFEST_FOLDERS";

/// Reads `PAWL_MANIFEST_FOLDERS`: folders of manifests by spaces, each `s3://<bucket>/<prefix>/?set=<set>&clusters=<cluster>,…`.
/// `clusters` may be left out: then each declaration names its own. Without the variable there are none.
///
/// # Errors
/// The first folder that cannot be read; two folders of one set, for each would remove what the other holds.
pub fn folders(lookup: &dyn Lookup) -> Result<Vec<Folder>, Error> {
    let text = lookup.get(NAME).unwrap_or_default();
    let folders = text.split_whitespace().map(folder).collect::<Result<Vec<_>, _>>()?;
    let mut sets = BTreeSet::new();
    match folders.iter().find(|folder| !sets.insert(&folder.set)) {
        Some(folder) => Err(invalid(format!("two folders have the set {}; give each its own", folder.set))),
        None => Ok(folders),
    }
}

fn folder(text: &str) -> Result<Folder, Error> {
    let wrong = |what: &str| {
        invalid(format!(
            "{text}: {what}; write s3://<bucket>/<prefix>/?set=<set>&clusters=<cluster>,<cluster>"
        ))
    };
    let place = text.strip_prefix("s3://").ok_or_else(|| wrong("does not begin with s3://"))?;
    let (place, query) = place.split_once('?').ok_or_else(|| wrong("names no set"))?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(wrong("names no bucket"));
    }
    if prefix.starts_with('/') || !(prefix.is_empty() || prefix.ends_with('/')) {
        return Err(wrong("has a prefix that is no folder"));
    }
    let (mut set, mut clusters) = (None, Vec::new());
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("set", name)) => set = Some(name.parse().map_err(|_| wrong("has a set that is no name"))?),
            Some(("clusters", names)) => {
                let names = names.split(',').map(str::parse).collect::<Result<_, _>>();
                clusters = names.map_err(|_| wrong("names a cluster that is no name"))?;
            }
            _ => return Err(wrong(&format!("{part:?} is neither set nor clusters"))),
        }
    }
    let set = set.ok_or_else(|| wrong("names no set"))?;
    Ok(Folder { bucket: bucket.to_owned(), prefix: prefix.to_owned(), set, clusters })
}

fn invalid(rule: String) -> Error {
    Error::Invalid { name: NAME, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Vec<Folder>, Error> {
        folders(&move |name: &str| (name == NAME).then(|| text.to_owned()))
    }

    #[test]
    fn folders_are_read_in_order() {
        let found = read(" s3://acme/shop/?set=shop&clusters=eu,us\n s3://acme?set=all").unwrap();
        let [shop, all] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (&*shop.bucket, &*shop.prefix, shop.set.to_string()),
            ("acme", "shop/", "shop".to_owned())
        );
        assert_eq!(shop.clusters, ["eu".parse().unwrap(), "us".parse().unwrap()]);
        assert_eq!((&*all.bucket, &*all.prefix, all.clusters.len()), ("acme", "", 0));
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_in_a_folder_is_told_by_bucket_prefix_and_ending() {
        let [folder] = &read("s3://acme/shop/?set=shop").unwrap()[..] else { panic!("one") };
        assert!(folder.holds("acme", "shop/a.yaml") && folder.holds("acme", "shop/deep/a.json"));
        for (bucket, key) in
            [("other", "shop/a.yaml"), ("acme", "shopping/a.yaml"), ("acme", "shop/README.md")]
        {
            assert!(!folder.holds(bucket, key), "{bucket} {key}");
        }
        assert_eq!(folder.place("shop/a.yaml"), "s3://acme/shop/a.yaml");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("acme/shop/?set=a", "does not begin with s3://"),
            ("s3:///shop/?set=a", "names no bucket"),
            ("s3://acme/shop?set=a", "is no folder"),
            ("s3://acme//?set=a", "is no folder"),
            ("s3://acme/shop/", "names no set"),
            ("s3://acme/shop/?clusters=eu", "names no set"),
            ("s3://acme/shop/?set=", "no name"),
            ("s3://acme/shop/?set=a&clusters=", "no name"),
            ("s3://acme/shop/?set=a&prune=true", "neither set nor clusters"),
            ("s3://acme/a/?set=a s3://acme/b/?set=a", "two folders have the set a"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(what) && message.starts_with(NAME), "{text}: {message}");
        }
    }
}
