//! Which version a key means, what a search finds, and how versions are told. Source: ESO's GCP provider, version 2.9.

use super::api::{Api, Secret, Told};
use super::is_of_token;
use futures::{StreamExt, stream};
use pawl_domain::store::GcpStore;
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, Version, VersionSelector};
use pawl_ports::{Error, Part, Wanted};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Up to so many versions are asked for without their values in one question. Google allows a project 600 such calls a minute,
/// and 90,000 that read values.
const FEW: usize = 200;

impl Api {
    /// The values of these keys, one answer for each, in order.
    ///
    /// # Errors
    /// When the token is refused.
    pub(super) async fn fetch(&self, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let calls: Vec<_> = wanted.iter().map(|one| self.one(one)).collect();
        let concurrency = self.link.bounds().concurrency.max(1);
        whole(stream::iter(calls).buffered(concurrency).collect().await)
    }

    /// The versions of these keys, one answer for each, in order. Where many are wanted, and where `hidden` says that the
    /// identity may not see versions, values are read and dropped.
    ///
    /// # Errors
    /// When the token is refused.
    pub(super) async fn versions(
        &self,
        wanted: &[Wanted],
        hidden: &AtomicBool,
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        let few = wanted.len() <= FEW;
        let calls: Vec<_> = wanted.iter().map(|one| self.version(one, few, hidden)).collect();
        let concurrency = self.link.bounds().concurrency.max(1);
        whole(stream::iter(calls).buffered(concurrency).collect().await)
    }

    async fn one(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let key = self.possible(&wanted.key)?;
        match wanted.part {
            Part::Metadata => match self.secret(key).await? {
                Some(Secret { labels, annotations, .. }) => {
                    let maps = [("annotations", &annotations), ("labels", &labels)];
                    Ok(Fetched::of_maps(Provider::GcpSecretManager, &maps))
                }
                None => Err(self.call("secret", key).missing()),
            },
            Part::Value => match self.meant(key, &wanted.selector).await? {
                Told::Given(fetched) => Ok(fetched),
                told => Err(self.not_given(key, &told)),
            },
        }
    }

    async fn version(&self, wanted: &Wanted, few: bool, hidden: &AtomicBool) -> Result<Version, Error> {
        let by_value = wanted.part == Part::Metadata || !few || hidden.load(Ordering::Relaxed);
        if by_value {
            return self.one(wanted).await.map(|fetched| fetched.version);
        }
        let key = self.possible(&wanted.key)?;
        let told = match self.number(key, name(&wanted.selector)).await {
            Ok(Told::Off) if self.falls_back(&wanted.selector) => self.newest_enabled(key).await,
            told => told,
        };
        match told {
            Ok(Told::Given(id)) => Ok(Version { id, since: None }),
            Ok(told) => Err(self.not_given(key, &told)),
            // The role that reads values does not show versions, and each has limits of its own.
            Err(error) if matches!(error.kind, Kind::Denied | Kind::Throttled) && !is_of_token(&error) => {
                if error.kind == Kind::Denied {
                    hidden.store(true, Ordering::Relaxed);
                }
                self.one(wanted).await.map(|fetched| fetched.version)
            }
            Err(error) => Err(error),
        }
    }

    /// The version that is meant, with its value.
    async fn meant(&self, key: &str, selector: &VersionSelector) -> Result<Told<Fetched>, Error> {
        let mut told = self.access(key, name(selector)).await?;
        if matches!(told, Told::Off) && self.falls_back(selector) {
            told = match self.newest_enabled(key).await? {
                Told::Given(number) => self.access(key, &number).await?,
                Told::Absent => Told::Absent,
                Told::Off | Told::Empty => Told::Off,
            };
        }
        Ok(match told {
            Told::Given(given) => Told::Given(Fetched {
                provider: Provider::GcpSecretManager,
                value: given.value,
                version: Version { id: given.number, since: None },
                labels: match selector {
                    VersionSelector::Label(alias) => vec![alias.clone()],
                    VersionSelector::Current | VersionSelector::Id(_) => Vec::new(),
                },
            }),
            Told::Off => Told::Off,
            Told::Empty => Told::Empty,
            Told::Absent => Told::Absent,
        })
    }

    /// Every secret that the criteria match, each with its value in force. What comes or goes meanwhile, and what has no value
    /// that can be read, is left out.
    ///
    /// # Errors
    /// `Invalid` for criteria that cannot be served; `Denied` when secrets may not be listed, or one of them not be read.
    pub(super) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.call("secrets", "find");
        if let Some(refusal) = GcpStore::refuses(find) {
            return Err(call.error(Kind::Invalid, refusal));
        }
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let listed = self.secrets(filter(find).as_deref()).await?;
        let matches = |(id, secret): &(&String, &Secret)| {
            let prefix = find.path.as_deref().is_none_or(|path| id.starts_with(path));
            // As in ESO, tags have no effect beside a name.
            let fits = match find.name {
                Some(_) => pattern.is_match(id),
                None => find.tags.iter().all(|(label, value)| secret.labels.get(label) == Some(value)),
            };
            prefix && fits && keep.allows(id)
        };
        let calls: Vec<_> = listed
            .iter()
            .filter(matches)
            .map(|(id, _)| async move { Ok((id, self.meant(id, &VersionSelector::Current).await?)) })
            .collect();
        let concurrency = self.link.bounds().concurrency.max(1);
        let told: Vec<Result<_, Error>> = stream::iter(calls).buffered(concurrency).collect().await;
        let mut found = BTreeMap::new();
        for one in told {
            if let (id, Told::Given(fetched)) = one? {
                found.insert(id.clone(), fetched);
            }
        }
        Ok(found)
    }

    fn falls_back(&self, selector: &VersionSelector) -> bool {
        self.store.falls_back && *selector == VersionSelector::Current
    }

    /// A key that can be asked for: what no secret is called would make the address another one.
    fn possible<'k>(&self, key: &'k str) -> Result<&'k str, Error> {
        match (Provider::GcpSecretManager.profile().impossible_key)(key) {
            Some(what) => Err(self.call("access", key).error(Kind::Invalid, what)),
            None => Ok(key),
        }
    }

    fn not_given<T>(&self, key: &str, told: &Told<T>) -> Error {
        let call = self.call("access", key);
        match told {
            Told::Absent => call.missing(),
            Told::Empty => call.error(Kind::Invalid, "its value is empty; give it one"),
            Told::Off if self.store.falls_back => call.error(
                Kind::Invalid,
                "the version is disabled or destroyed, and there is no other that counts; enable it or add one",
            ),
            Told::Off | Told::Given(_) => call.error(
                Kind::Invalid,
                "the version is disabled or destroyed; enable it, add one, or set the store's \
                 secretVersionSelectionPolicy to LatestOrFetch",
            ),
        }
    }
}

/// What Google calls a version.
fn name(selector: &VersionSelector) -> &str {
    match selector {
        VersionSelector::Current => "latest",
        VersionSelector::Id(name) | VersionSelector::Label(name) => name,
    }
}

/// A filter that leaves all that is searched for, and less of the rest. Texts that mean something in filters are left out of
/// it: what comes is looked at in any case.
fn filter(find: &Find) -> Option<String> {
    let plain = |text: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !text.is_empty() && text.bytes().all(known)
    };
    let path = find.path.as_deref().filter(plain).map(|path| format!("name:{path}"));
    let tags = find.tags.iter().filter(|_| find.name.is_none());
    let tags = tags.filter(|(label, value)| plain(&label.as_str()) && plain(&value.as_str()));
    let parts: Vec<_> = tags.map(|(label, value)| format!("labels.{label}={value}")).chain(path).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The answers, unless the token was refused.
fn whole<T>(answers: Vec<Result<T, Error>>) -> Result<Vec<Result<T, Error>>, Error> {
    match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_token(error)) {
        Some(refused) => Err(refused.shared()),
        None => Ok(answers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_hold_plain_texts_only() {
        let find = |name: Option<&str>, path: Option<&str>, tags: &[(&str, &str)]| Find {
            name: name.map(str::to_owned),
            path: path.map(str::to_owned),
            tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
        };
        for (find, want) in [
            (find(Some("db"), None, &[]), None),
            (find(Some("db"), Some("app-"), &[]), Some("name:app-")),
            (find(Some("db"), Some("app OR name:b"), &[]), None),
            (find(Some("db"), None, &[("team", "a")]), None),
            (
                find(None, Some("app"), &[("team", "a"), ("env", "prod")]),
                Some("labels.env=prod labels.team=a name:app"),
            ),
            (find(None, None, &[("team", "a OR labels.team:*"), ("env", "")]), None),
        ] {
            assert_eq!(filter(&find).as_deref(), want, "{find:?}");
        }
    }
}
