//! One source to the entries of one store, as ESO makes them.

use super::declared::{PushData, PushSecret};
use super::problem::PushProblem;
use super::recipe::{Prepared, PushRecipe, SourceSecret};
use super::{Pushed, RemoteEntry};
use crate::render::Budget;
use crate::secret::SecretValue;
use crate::store::StoreId;
use std::collections::{BTreeMap, BTreeSet};

/// A store that entries are made for.
#[derive(Clone, Copy, Debug)]
pub struct StoreOf<'a> {
    /// The store.
    pub id: &'a StoreId,
    /// Its labels, by which `dataTo` may choose it.
    pub labels: &'a BTreeMap<String, String>,
}

/// The entries of one store, each with what is written or why it cannot be: one that cannot stops no other.
pub type Entries = Vec<(PushData, Result<Pushed, PushProblem>)>;

/// The keys of a Secret with their values.
type Data = BTreeMap<String, SecretValue>;

impl PushRecipe {
    /// The entries that a source gives to a store, after the template: those of `dataTo` first, then `data`, which wins where
    /// both push the same key of the source.
    ///
    /// # Errors
    /// `dataTo` cannot be expanded, or two entries write the same place: nothing of this source may be pushed to this store.
    pub fn entries(
        &self,
        push: &PushSecret,
        store: StoreOf<'_>,
        source: &SourceSecret,
        budget: &mut Budget,
    ) -> Result<Entries, PushProblem> {
        let mut expanded = Vec::new();
        let mut taken: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (index, prepared) in self.data_to.iter().enumerate() {
            if prepared.declared.store.means(store.id, store.labels) {
                expanded.extend(prepared.expanded(index, source, &mut taken, budget)?);
            }
        }
        let explicit: BTreeSet<Option<String>> =
            push.data.iter().map(|data| original_key(data, &source.data)).collect();
        expanded.retain(|(data, _)| !explicit.contains(&data.secret_key));
        expanded.extend(push.data.iter().map(|data| (data.clone(), None)));
        unique(&expanded)?;
        let entry = |(data, bundle): (PushData, Option<Data>)| {
            let pushed = pushed(&data, bundle.as_ref().unwrap_or(&source.data), source);
            (data, pushed)
        };
        Ok(expanded.into_iter().map(entry).collect())
    }
}

impl Prepared {
    /// The entries of one `dataTo`; of a bundle with the data that goes into it.
    fn expanded(
        &self,
        index: usize,
        source: &SourceSecret,
        taken: &mut BTreeMap<String, (usize, String)>,
        budget: &mut Budget,
    ) -> Result<Vec<(PushData, Option<Data>)>, PushProblem> {
        // By the key that is matched and rewritten: the source's own key, and its value.
        let mut matched: BTreeMap<String, &String> = BTreeMap::new();
        for key in source.data.keys() {
            let converted = converted(key, self.declared.reverses_unicode);
            if let Some(twice) = matched.insert(converted.clone(), key).map(|_| converted) {
                return Err(PushProblem::BulkCollision { index, key: twice });
            }
        }
        if let Some(pattern) = &self.pattern {
            matched.retain(|key, _| pattern.is_match(key));
        }
        let entry = |secret_key: Option<String>, key: String| PushData {
            secret_key,
            to: RemoteEntry { key, property: None },
            metadata: self.declared.metadata.clone(),
            reverses_unicode: false,
        };
        let mut take = |remote: &str, key: &str| {
            let before = taken.insert(remote.to_owned(), (index, key.to_owned()));
            before.map_or(Ok(()), |(other, other_key)| {
                let (remote, key) = (remote.to_owned(), key.to_owned());
                Err(PushProblem::Twice { index, remote, key, other, other_key })
            })
        };
        if let Some(bundle) = self.declared.bundle.as_ref().filter(|_| !matched.is_empty()) {
            take(bundle, "(bundle)")?;
            let value = |(key, own): (String, &String)| Some((key, source.data.get(own)?.clone()));
            let data = matched.into_iter().filter_map(value).collect();
            return Ok(vec![(entry(None, bundle.clone()), Some(data))]);
        }
        let mut remotes = Vec::with_capacity(matched.len());
        for (key, own) in matched {
            let remote = self.rewrite.apply(&key, budget);
            let remote = remote.map_err(|problem| PushProblem::Rewrite { index, problem })?;
            if remote.is_empty() {
                return Err(PushProblem::Empty { index, key });
            }
            remotes.push((key, own, remote));
        }
        let mut entries = Vec::with_capacity(remotes.len());
        for (key, own, remote) in remotes {
            take(&remote, &key)?;
            entries.push((entry(Some(own.clone()), remote), None));
        }
        Ok(entries)
    }
}

/// What is written for one entry.
fn pushed(data: &PushData, given: &Data, source: &SourceSecret) -> Result<Pushed, PushProblem> {
    let given = if data.reverses_unicode { reversed(given)? } else { given.clone() };
    if let Some(key) = data.secret_key.as_ref().filter(|key| !given.contains_key(*key)) {
        return Err(PushProblem::NoKey(key.clone()));
    }
    Ok(Pushed {
        to: data.to.clone(),
        secret_key: data.secret_key.clone(),
        data: given,
        secret_type: source.kind.clone(),
        labels: source.labels.clone(),
        annotations: source.annotations.clone(),
        metadata: data.metadata.clone(),
    })
}

/// The key of the source that an entry of `data` pushes. Of one that is read back it is the one that becomes it.
fn original_key(data: &PushData, source: &Data) -> Option<String> {
    let key = data.secret_key.as_ref()?;
    let own = source.keys().find(|own| data.reverses_unicode && converted(own, true) == **key);
    Some(own.unwrap_or(key).clone())
}

fn unique(entries: &[(PushData, Option<Data>)]) -> Result<(), PushProblem> {
    let mut taken: BTreeMap<&RemoteEntry, &PushData> = BTreeMap::new();
    for (data, _) in entries {
        if let Some(first) = taken.insert(&data.to, data) {
            let key = |data: &PushData| data.secret_key.clone().unwrap_or_default();
            let RemoteEntry { key: remote, property } = &data.to;
            let remote = property.as_ref().map_or_else(
                || format!("{remote:?}"),
                |property| format!("{remote:?} with property {property:?}"),
            );
            return Err(PushProblem::Destination { remote, first: key(first), second: key(data) });
        }
    }
    Ok(())
}

fn reversed(data: &Data) -> Result<Data, PushProblem> {
    let mut all = Data::new();
    for (key, value) in data {
        let key = converted(key, true);
        if all.insert(key.clone(), value.clone()).is_some() {
            return Err(PushProblem::Collision(key));
        }
    }
    Ok(all)
}

/// ESO's `ReverseUnicode`: `_U`, four or five hexadecimal digits and `_` become the sign of this number; a sign of six digits
/// is not known, and stays as it is. Half of a surrogate pair becomes U+FFFD, as Go prints it.
fn converted(key: &str, reverses_unicode: bool) -> String {
    if !reverses_unicode {
        return key.to_owned();
    }
    let (mut out, mut rest) = (String::with_capacity(key.len()), key);
    while let Some(start) = rest.find("_U") {
        let (before, from) = rest.split_at(start);
        let digits: String = from.chars().skip(2).take_while(char::is_ascii_hexdigit).collect();
        let closed = from.get(2 + digits.len()..).is_some_and(|after| after.starts_with('_'));
        let sign = u32::from_str_radix(&digits, 16).ok().filter(|_| closed && matches!(digits.len(), 4 | 5));
        out.push_str(before);
        let taken = match sign {
            Some(sign) => {
                out.push(char::from_u32(sign).unwrap_or(char::REPLACEMENT_CHARACTER));
                2 + digits.len() + 1
            }
            None => {
                out.push('_');
                1
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
