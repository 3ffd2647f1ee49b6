//! What stores and cluster say of one declaration at this moment, beside what the ledger says was written. Asks for
//! versions and keys; no value of a store is read.

use crate::base::keys::{no_answer, wanted};
use crate::base::stores::Stores;
use crate::explain::Account;
use crate::parts::Explain;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::{Access, Declaration, Kind, Permit, Query, Read, Version, VersionSelector, Versions};
use pawl_ports::{Error, Part, Ports, Sources, TargetRef, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// So many keys of one search are asked for: each may cost a call.
const MOST_FOUND: usize = 50;

/// What is known of a declaration's reads and of its target.
#[derive(Debug, Default)]
pub struct Witness {
    /// One for each read, in their order.
    pub reads: Vec<ReadNow>,
    /// The target as it stands, `Ok(None)` where it does not exist; `None` where no cluster was asked.
    pub target: Option<Result<Option<Standing>, Error>>,
}

/// One read of a declaration.
#[derive(Debug)]
pub struct ReadNow {
    /// With which identity it is made, and what policies say of it; an error where it may not be made.
    pub permit: Result<Permit, Error>,
    /// The keys that it reads, with their versions. Empty where no store was asked.
    pub keys: Vec<KeyNow>,
    /// So many more keys of a search were not asked for.
    pub unasked: usize,
}

/// One key, as it was written and as its store gives it out.
#[derive(Debug)]
pub struct KeyNow {
    /// The key, as the manifest or the search names it.
    pub key: String,
    /// The version last written.
    pub written: Option<Version>,
    /// The version that the store gives out now; `Ok(None)` where it says that there is none.
    pub given: Result<Option<Version>, Error>,
}

impl KeyNow {
    /// Whether something else was written than the store gives out now. False where the store does not tell.
    pub fn is_stale(&self) -> bool {
        let id = |version: &Option<Version>| version.as_ref().map(|version| version.id.clone());
        self.given.as_ref().is_ok_and(|given| id(given) != id(&self.written))
    }
}

/// A target that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Its resourceVersion.
    pub resource_version: String,
    /// Whether that is the one in which Pawl left it; `None` where the ledger does not know.
    pub is_as_left: Option<bool>,
    /// Whether it carries the managed label, and its data are what was written last, as ESO's hash tells.
    pub is_as_written: bool,
    /// Whether it carries the managed label.
    pub is_managed: bool,
    /// The controller that owns it, as `<kind> <name>`.
    pub owner: Option<String>,
    /// The keys of its data; the fields of an object that is no Secret.
    pub keys: Vec<String>,
}

impl<P: Ports> Explain<P> {
    /// What policies say; nobody is asked but the registry.
    pub(crate) async fn permitted(&self, account: &Account) -> Result<Witness, Error> {
        let declaration = &account.declaration;
        let stores = self.base.stores_of(std::slice::from_ref(declaration)).await?;
        let permitted = |read: &Read| ReadNow {
            permit: stores.permit(read, &declaration.id),
            keys: Vec::new(),
            unasked: 0,
        };
        Ok(Witness { reads: declaration.reads.iter().map(permitted).collect(), target: None })
    }

    pub(crate) async fn witness(&self, account: &Account) -> Result<Witness, Error> {
        let declaration = &account.declaration;
        let stores = self.base.stores_of(std::slice::from_ref(declaration)).await?;
        let versions = |position: usize| account.record.as_ref()?.versions.get(position);
        let mut reads = Vec::new();
        for (position, read) in declaration.reads.iter().enumerate() {
            let permit = stores.permit(read, &declaration.id);
            let (asked, unasked) = match &permit {
                Ok(_) => asked(read, versions(position), &stores),
                Err(_) => (Vec::new(), 0),
            };
            reads.push((permit, asked, unasked));
        }
        let given = self.versions_now(&reads);
        let target = async { Some(self.standing(account).await) };
        let (given, target) = futures::join!(given, target);
        let of_read = |(permit, asked, unasked): (Result<Permit, Error>, Vec<Asked>, usize)| {
            let key_now = |Asked { key, wanted, written }: Asked| {
                let answers = permit.as_ref().ok().and_then(|permit| given.get(&permit.access));
                let answer = answers.and_then(|answers| answers.get(&wanted));
                let given = match answer {
                    Some(Ok(version)) => Ok(Some(version.clone())),
                    Some(Err(error)) if error.kind == Kind::NotFound => Ok(None),
                    Some(Err(error)) => Err(error.shared()),
                    None => Err(no_answer(&wanted)),
                };
                KeyNow { key, written, given }
            };
            let keys = asked.into_iter().map(key_now).collect();
            ReadNow { keys, unasked, permit }
        };
        Ok(Witness { reads: reads.into_iter().map(of_read).collect(), target })
    }

    /// The versions of all keys that are asked for: one call for each identity, side by side.
    async fn versions_now(&self, reads: &[(Result<Permit, Error>, Vec<Asked>, usize)]) -> Given {
        let mut questions: BTreeMap<&Access, BTreeSet<&Wanted>> = BTreeMap::new();
        for (permit, asked, _) in reads {
            let Ok(permit) = permit else { continue };
            questions.entry(&permit.access).or_default().extend(asked.iter().map(|asked| &asked.wanted));
        }
        let ask = |(access, wanted): (&Access, BTreeSet<&Wanted>)| {
            let (access, wanted) = (access.clone(), wanted.into_iter().cloned().collect::<Vec<_>>());
            async move {
                let call = self.base.ports.sources().versions(&access, &wanted);
                let answers = self.base.at_store_each(&access, wanted.len(), call).await;
                (access, wanted.into_iter().zip(answers).collect())
            }
        };
        let asked = questions.into_iter().filter(|(_, wanted)| !wanted.is_empty()).map(ask);
        futures::future::join_all(asked).await.into_iter().collect()
    }

    async fn standing(&self, account: &Account) -> Result<Option<Standing>, Error> {
        let declaration = &account.declaration;
        let Some(existing) = self.base.read_target(TargetRef::of(declaration)).await? else {
            return Ok(None);
        };
        let left = account.record.as_ref().and_then(|record| record.target.as_ref());
        let left = left.filter(|left| left.name == declaration.target.name);
        let left = left.and_then(|left| left.resource_version.as_ref());
        let controller = existing.owners.iter().find(|owner| owner.controller);
        let fields = existing.content.iter().flat_map(|content| content.expose().keys());
        Ok(Some(Standing {
            is_as_left: left.map(|left| *left == existing.resource_version),
            is_as_written: existing.is_as_written(),
            is_managed: existing.is_managed(),
            owner: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
            keys: existing.data.keys().chain(fields).cloned().collect(),
            resource_version: existing.resource_version,
        }))
    }
}

type Given = BTreeMap<Access, BTreeMap<Wanted, Result<Version, Error>>>;

/// A key whose version is asked for.
struct Asked {
    key: String,
    wanted: Wanted,
    written: Option<Version>,
}

/// What to ask for one read, and how many keys are left out. Of a search those keys that it found last: which new ones it
/// would find, only the search itself tells, and it reads values.
fn asked(read: &Read, written: Option<&Versions>, stores: &Stores) -> (Vec<Asked>, usize) {
    let Some(store) = stores.get(&read.store) else { return (Vec::new(), 0) };
    match (&read.query, written) {
        (Query::Key(remote), written) => {
            let written = written.and_then(Versions::one).cloned();
            (vec![Asked { key: remote.key.clone(), wanted: wanted(remote, store), written }], 0)
        }
        (Query::Find(_), Some(Versions::Many(found))) => {
            let asked = |(name, version): (&String, &Version)| Asked {
                key: name.clone(),
                wanted: Wanted {
                    key: store.backend.found_key(name),
                    selector: VersionSelector::Current,
                    part: Part::Value,
                },
                written: Some(version.clone()),
            };
            let keys: Vec<_> = found.iter().take(MOST_FOUND).map(asked).collect();
            let unasked = found.len() - keys.len();
            (keys, unasked)
        }
        (Query::Find(_) | Query::Generate, _) => (Vec::new(), 0),
    }
}

/// Whether a declaration wants its target to exist, once there is something to write.
pub(crate) fn wants_target(declaration: &Declaration) -> bool {
    declaration.target.creation != CreationPolicy::None
}
