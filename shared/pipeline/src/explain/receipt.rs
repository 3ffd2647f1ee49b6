//! Tells whether every target of a key has the version that its store gives out now, so that a rotation may retire
//! the old password.

use crate::base::keys::wanted;
use crate::base::stores::Stores;
use crate::explain::Reader;
use crate::parts::Explain;
use pawl_domain::record::State;
use pawl_domain::{
    Access, Change, Declaration, DeclarationId, Kind, Query, Record, Version, VersionSelector, Versions,
};
use pawl_ports::{Error, Part, Ports, Sources, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// How the targets of a key stand, at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// Each declaration that reads the key, in ascending order of ids.
    pub targets: Vec<(DeclarationId, Stand)>,
}

/// How one target stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stand {
    /// On what the store gives out now.
    There,
    /// Not yet, for this reason.
    Missing(String),
    /// It reads once, so it never follows a change: nobody waits for it.
    ReadsOnce,
}

impl Receipt {
    /// Whether every target that follows the key stands on what the store gives out now. Nobody has read a key that no
    /// declaration reads: of that there is no receipt, for its name is more likely wrong than unused.
    pub fn is_complete(&self) -> bool {
        let missing = |(_, stand): &(DeclarationId, Stand)| matches!(stand, Stand::Missing(_));
        !self.targets.is_empty() && !self.targets.iter().any(missing)
    }

    /// Adds those of another place in which the key may live.
    pub fn extend(&mut self, other: Self) {
        self.targets.extend(other.targets);
        self.targets.sort_by(|one, other| one.0.cmp(&other.0));
    }
}

/// What the stores give out now, by who asks for what.
type Now = BTreeMap<Access, BTreeMap<Wanted, Result<Version, Error>>>;

impl<P: Ports> Explain<P> {
    pub(crate) async fn receipt(&self, change: &Change) -> Result<Receipt, Error> {
        let readers = self.readers(change).await?;
        let declarations: Vec<_> = readers.iter().map(|reader| reader.declaration.clone()).collect();
        let stores = self.base.stores_of(&declarations).await?;
        let now = self.given_out(&readers, &stores, change).await;
        let stand = |reader: Reader| {
            let stand = stand(&reader, &stores, &now, change);
            (reader.declaration.id, stand)
        };
        let mut receipt = Receipt { targets: readers.into_iter().map(stand).collect() };
        // Whether they read the key nobody can say, so nobody can say that all have it.
        for document in self.perhaps_readers(change).await? {
            let id = document.id.parse().ok();
            receipt.targets.extend(id.map(|id| (id, Stand::Missing(document.to_string()))));
        }
        receipt.targets.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(receipt)
    }

    async fn given_out(&self, readers: &[Reader], stores: &Stores, change: &Change) -> Now {
        let mut asked: BTreeMap<Access, BTreeSet<Wanted>> = BTreeMap::new();
        for reader in readers {
            for (access, wanted, _) in questions(reader, stores, change).into_iter().flatten().flatten() {
                asked.entry(access).or_default().insert(wanted);
            }
        }
        let ask = |(access, wanted): (Access, BTreeSet<Wanted>)| async move {
            let wanted: Vec<_> = wanted.into_iter().collect();
            let call = self.base.ports.sources().versions(&access, &wanted);
            let answers = self.base.at_store_each(&access, wanted.len(), call).await;
            (access, wanted.into_iter().zip(answers).collect())
        };
        futures::future::join_all(asked.into_iter().map(ask)).await.into_iter().collect()
    }
}

/// What to ask of whom for one read, and what was written of the answer.
type Question = (Access, Wanted, Option<Version>);

/// For each concerned read of a declaration, what must be compared.
///
/// # Errors
/// Why a read cannot be compared, in one line.
fn questions(reader: &Reader, stores: &Stores, change: &Change) -> Vec<Result<Vec<Question>, String>> {
    let Reader { declaration, reads, record } = reader;
    let versions = |position: usize| record.as_ref().and_then(|record| record.versions.get(position));
    let of_read = |position: &usize| {
        let read = declaration.reads.get(*position).ok_or("its manifest was edited a moment ago")?;
        let store = stores.require(&read.store).map_err(|error| error.to_string())?;
        let access = stores.permit(read, &declaration.id).map_err(|error| error.to_string())?.access;
        match (&read.query, versions(*position)) {
            (Query::Key(remote), written) => {
                let written = written.and_then(Versions::one).cloned();
                Ok(vec![(access, wanted(remote, store), written)])
            }
            (Query::Find(find), Some(Versions::Many(found))) => {
                let named = store.backend.named_by(change, found.keys());
                // Which keys have a tag now is the store's to say: a key without it is rightly not found.
                if named.is_empty() && find.tags.is_empty() {
                    return Err("its search has not found the key yet".to_owned());
                }
                let question = |name: &String| {
                    let key = store.backend.found_key(name);
                    let wanted = Wanted { key, selector: VersionSelector::Current, part: Part::Value };
                    (access.clone(), wanted, found.get(name).cloned())
                };
                Ok(named.into_iter().map(question).collect())
            }
            (Query::Find(_), Some(Versions::Uncounted)) => {
                Err("its search finds more keys than are recorded, so that their versions are not known"
                    .to_owned())
            }
            (Query::Find(_), _) => Err("it was not written yet".to_owned()),
            // No change speaks of it.
            (Query::Generate, _) => Ok(Vec::new()),
        }
    };
    reads.iter().map(of_read).collect()
}

fn stand(reader: &Reader, stores: &Stores, now: &Now, change: &Change) -> Stand {
    let Reader { declaration, record, .. } = reader;
    if declaration.refresh.reads_once() {
        return Stand::ReadsOnce;
    }
    if let Some(why) = unsettled(declaration, record.as_ref()) {
        return Stand::Missing(why);
    }
    for question in questions(reader, stores, change) {
        let compared = question.and_then(|questions| {
            questions.iter().try_for_each(|(access, wanted, written)| {
                let given = now.get(access).and_then(|answers| answers.get(wanted));
                let given = given.ok_or("the store was not asked")?;
                compare(wanted, written.as_ref(), given, change)
            })
        });
        if let Err(why) = compared {
            return Stand::Missing(why);
        }
    }
    Stand::There
}

/// Why a declaration is not as declared, whatever its versions are.
fn unsettled(declaration: &Declaration, record: Option<&Record>) -> Option<String> {
    let Some(record) = record else { return Some("it was not written yet".to_owned()) };
    if record.declaration != declaration.digest() {
        return Some("it was edited and is not written yet".to_owned());
    }
    match &record.state {
        State::Failed(failure) => Some(failure.message.clone()),
        State::Pending => Some("it waits to be written".to_owned()),
        State::Settled(_) if !record.state.is_settled() => {
            Some("the Secret to merge into does not exist".to_owned())
        }
        State::Settled(_) => None,
    }
}

/// # Errors
/// What stands in place of what the store gives out.
fn compare(
    wanted: &Wanted,
    written: Option<&Version>,
    given: &Result<Version, Error>,
    change: &Change,
) -> Result<(), String> {
    let given = match given {
        Ok(version) => Some(version),
        Err(error) if error.kind == Kind::NotFound => None,
        Err(error) => return Err(format!("the store does not tell its version: {error}")),
    };
    let id = |version: Option<&Version>| version.map(|version| version.id.clone());
    let told = |version: Option<&Version>| id(version).unwrap_or_else(|| "nothing".to_owned());
    let in_force = wanted.selector == VersionSelector::Current && wanted.part == Part::Value;
    if let Some(named) =
        change.version.as_ref().filter(|named| in_force && id(given).as_ref() != Some(*named))
    {
        return Err(format!("the store gives out {} and not {named}", told(given)));
    }
    if id(written) == id(given) {
        return Ok(());
    }
    Err(format!("it stands on {}, and the store gives out {}", told(written), told(given)))
}
