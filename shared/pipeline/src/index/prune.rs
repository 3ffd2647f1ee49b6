//! Prunes: removes what was found in a home before and is no longer there.

use crate::base::turn::Taking;
use crate::index::apply::Apply;
use crate::index::known::KnownPatterns;
use crate::index::report::IndexReport;
use crate::parts::Index;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::store::Home;
use pawl_domain::{DeclarationId, Kind, Problem, SetName, Severity, Step, StoreId};
use pawl_ports::{Catalogue, Error, PAGE, Ports, Put, Registry, Scope};
use std::collections::BTreeSet;

/// A prune that would remove so many objects, and half of what there is, looks like a mistake.
const MANY: usize = 10;

/// How the object of a problem ends whose kind alone could be read: it may be any of that kind.
const WITHOUT_A_NAME: &str = " without a name";

/// What a prune removes.
#[derive(Default)]
pub(crate) struct Gone {
    pub(crate) declarations: Vec<DeclarationId>,
    pub(crate) stores: Vec<StoreId>,
    pub(crate) patterns: Vec<Pattern>,
}

/// What is given, so that it stays.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) declarations: BTreeSet<DeclarationId>,
    pub(crate) patterns: BTreeSet<PatternId>,
    pub(crate) stores: BTreeSet<StoreId>,
}

impl<P: Ports> Index<P> {
    /// Removes what is not given.
    pub(crate) async fn prune(
        &self,
        taking: Taking<'_>,
        home: &Home,
        given: &Given,
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let gone = self.gone(home, taking.apply, given, &mut report.problems).await?;
        for ids in gone.declarations.chunks(PAGE) {
            self.base.take_turn(taking.turn).await?;
            let page = self.base.ports.registry().declarations(ids).await?;
            report.removed.extend(self.remove.retire_all(&page).await);
        }
        for pattern in gone.patterns {
            self.base.take_turn(taking.turn).await?;
            let id = pattern.id();
            match self.remove_pattern(&pattern, report).await? {
                true => report.removed_patterns.push(id),
                false => report.objects.push((id.to_string(), Err(stays()))),
            }
        }
        for id in gone.stores {
            self.base.take_turn(taking.turn).await?;
            let removed = match self.announce_removal(&id, work).await {
                Ok(()) => self.base.ports.registry().remove_store(&id).await,
                Err(error) => Err(error),
            };
            match removed {
                Ok(_) => report.removed_stores.push(id),
                Err(error) => report.objects.push((id.to_string(), Err::<Put, _>(error))),
            }
        }
        Ok(())
    }

    /// What belongs here and is not given. What stands in a manifest that could not be used stays, and so does everything of
    /// a kind that the cluster did not serve: what was not listed may still be there. Of what was applied, only what belongs
    /// to the set goes, and nothing at all where most of the set would.
    pub(crate) async fn gone(
        &self,
        home: &Home,
        apply: Option<&Apply>,
        given: &Given,
        problems: &mut Vec<Problem>,
    ) -> Result<Gone, Error> {
        let spared = Spared::of(problems);
        if spared.everything {
            problems.push(nothing_removed(
                Severity::Warning,
                "nothing was removed, because a manifest could not be read at all; mend it first",
            ));
            return Ok(Gone::default());
        }
        let mut count = Count::default();
        let mut gone = Gone::default();
        let patterns = match home {
            Home::Applied => self.patterns().await?,
            Home::Cluster(_) => KnownPatterns::default(),
        };
        if spared.has_kind("ExternalSecret") {
            problems.push(nothing_removed(
                Severity::Warning,
                "no ExternalSecret was removed, because the cluster does not serve them at the moment; remove them \
                 with pawl delete if that is meant",
            ));
        } else {
            let owners = patterns.owners();
            let mut pages = self.base.ports.registry().pages(Scope::Home(home.clone()));
            while let Some(page) = pages.next().await? {
                // Those of patterns come and go with them.
                let by_themselves = page.into_iter().filter(|each| owners.of(each).is_none());
                for each in by_themselves.filter(|each| count.is_own(apply, each.set.as_ref())) {
                    let name = format!("{}/{}", each.id.namespace, each.id.name);
                    if !given.declarations.contains(&each.id) && !spared.has("ExternalSecret", &name) {
                        gone.declarations.push(each.id);
                    }
                }
            }
        }
        for swept in self.base.ports.registry().swept_stores().await? {
            let id = swept.store.id;
            if id.home != *home || !count.is_own(apply, swept.store.set.as_ref()) {
                continue;
            }
            let (kind, name) = object_of(&id);
            if !given.stores.contains(&id) && !spared.has_kind(kind) && !spared.has(kind, &name) {
                gone.stores.push(id);
            }
        }
        let Some(apply) = apply else { return Ok(gone) };
        for (id, pattern) in patterns.readable() {
            if count.is_own(Some(apply), pattern.set()) {
                count.own += pattern.placed.len();
                if !given.patterns.contains(id) && !spared.has("ClusterExternalSecret", id.name.as_str()) {
                    gone.patterns.push(pattern.clone());
                }
            }
        }
        problems.extend(patterns.unreadable().map(spared_unread));
        problems.extend(count.of_no_set());
        let placed: usize = gone.patterns.iter().map(|pattern| pattern.placed.len()).sum();
        let going = gone.declarations.len() + gone.stores.len() + gone.patterns.len() + placed;
        if going > 0 && apply.found_nothing {
            problems.push(nothing_removed(
                Severity::Error,
                &format!(
                    "nothing was removed, because no manifest of set {} was found at all: a wrong prefix or a right that is \
                     missing looks the same; if it is meant, leave a file without manifests there",
                    apply.set
                ),
            ));
            return Ok(Gone::default());
        }
        if going >= MANY && going * 2 > count.own && !apply.prune_most {
            problems.push(nothing_removed(
                Severity::Error,
                &format!(
                    "nothing was removed, because {going} of the {} objects of set {} would go; look at --dry-run, and add \
                     --prune-most if that is meant",
                    count.own, apply.set
                ),
            ));
            return Ok(Gone::default());
        }
        Ok(gone)
    }
}

/// How many objects belong to whom.
#[derive(Default)]
struct Count {
    own: usize,
    nobodys: usize,
}

impl Count {
    /// Whether an object belongs to what is pruned, which counts it.
    fn is_own(&mut self, apply: Option<&Apply>, set: Option<&SetName>) -> bool {
        let is_own = apply.is_none_or(|apply| set == Some(&apply.set));
        self.own += usize::from(is_own);
        self.nobodys += usize::from(apply.is_some() && set.is_none());
        is_own
    }

    /// What is said of objects that no prune removes.
    fn of_no_set(&self) -> Option<Problem> {
        let message = format!(
            "{} objects were applied before there were sets, and belong to none; they stay. Apply those that are still \
             wanted, and remove the others with pawl delete",
            self.nobodys
        );
        (self.nobodys > 0).then(|| nothing_removed(Severity::Warning, &message))
    }
}

/// What is not removed although it was not given.
struct Spared {
    /// A document of which not even the name could be read might be any of them.
    everything: bool,
    objects: BTreeSet<String>,
}

impl Spared {
    fn of(problems: &[Problem]) -> Self {
        let unusable = problems.iter().filter(|problem| problem.severity == Severity::Error);
        let everything = unusable
            .clone()
            .any(|problem| !problem.object.contains(' ') || problem.object.ends_with(WITHOUT_A_NAME));
        // A kind that a cluster does not serve is only a warning.
        let unserved = problems.iter().filter(|problem| problem.object.starts_with("kind "));
        Self { everything, objects: unusable.chain(unserved).map(|problem| problem.object.clone()).collect() }
    }

    /// Whether it is one of these, also one whose namespace could not be read or was left to be added.
    fn has(&self, kind: &str, name: &str) -> bool {
        let unplaced = name.split_once('/').map(|(_, name)| name);
        [Some(name), unplaced]
            .into_iter()
            .flatten()
            .any(|name| self.objects.contains(&format!("{kind} {name}")))
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.has("kind", kind)
    }
}

/// Why a pattern is not removed.
fn stays() -> Error {
    let message = "it stays until its declarations are removed; apply again";
    Error::new(Step::Lookup, Kind::Transient, message)
}

/// A pattern that cannot be read may belong to any set, and what it placed is not declared by itself.
fn spared_unread(path: &str) -> Problem {
    let message = format!(
        "what ClusterExternalSecret {path} placed stays, because its stored document cannot be read; apply its manifest again"
    );
    nothing_removed(Severity::Warning, &message)
}

fn nothing_removed(severity: Severity, message: &str) -> Problem {
    Problem {
        severity,
        place: "prune".to_owned(),
        object: "all declarations".to_owned(),
        field: String::new(),
        message: message.to_owned(),
    }
}

/// The kind and name by which problems call a store's manifest.
fn object_of(id: &StoreId) -> (&'static str, String) {
    let name = id
        .namespace
        .as_ref()
        .map_or_else(|| id.name.to_string(), |namespace| format!("{namespace}/{}", id.name));
    (id.kind(), name)
}
