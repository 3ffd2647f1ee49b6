//! ClusterExternalSecrets that were applied: their declarations come and go with the namespaces of their cluster, and nothing
//! is made in the cluster but Secrets.
//!
//! A pattern names the namespaces in which its declarations may stand. A namespace is noted there before its declaration is put,
//! and taken from there after that was removed; so what an interrupted index left is found by the next one, and what is not
//! noted is somebody else's. Declarations go only after all namespaces were listed.

use crate::base::turn::{Taking, Turn};
use crate::index::apply::{Apply, Taken};
use crate::index::declarations::unknown_cluster;
use crate::index::known::KnownPatterns;
use crate::index::report::IndexReport;
use crate::parts::Index;
use crate::remove::Removals;
use pawl_domain::spread::{MOST_PLACED, Namespaces, Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Home, Kind, Namespace, ObjectName, Problem, Severity,
    Step,
};
use pawl_ports::{Catalogue, Error, Families, PAGE, Ports, Put, Registry, Scope};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::timeout;

/// How often a pattern is looked at again because somebody else put it in between.
const ROUNDS: u32 = 3;

impl<P: Ports> Index<P> {
    /// Takes in the patterns that are new or changed, from whoever applies them.
    pub(crate) async fn take_in_patterns(
        &self,
        taking: Taking<'_>,
        given: &[Pattern],
        clusters: &BTreeSet<ClusterName>,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        // One that stands in a cluster has children there.
        let Some(apply) = taking.apply.filter(|_| !given.is_empty()) else { return Ok(()) };
        let mut known = self.patterns().await?;
        for pattern in given {
            let id = pattern.id();
            let mut round = 0;
            let put = loop {
                round += 1;
                let standing = self.standing_pattern(&known, pattern).await?;
                let put = match taken(apply, clusters, standing.as_ref(), pattern) {
                    Ok(Taken::Same) if known.get(&id).is_some() => Ok(Put::Unchanged),
                    Ok(_) => {
                        self.base.take_turn(taking.turn).await?;
                        self.put_pattern(standing.as_ref(), pattern, report).await
                    }
                    Err(error) => Err(error),
                };
                // Whoever places its declarations notes meanwhile where.
                match put {
                    Err(error) if error.kind == Kind::Conflict && round < ROUNDS => {
                        known = self.patterns().await?
                    }
                    put => break put,
                }
            };
            report.objects.push((id.to_string(), put));
        }
        Ok(())
    }

    /// The pattern that stands in the place of this one. Of one that cannot be read its declarations tell where they stand, by
    /// which name, and whose they are; the rest is taken to be as given.
    pub(crate) async fn standing_pattern(
        &self,
        known: &KnownPatterns,
        given: &Pattern,
    ) -> Result<Option<Pattern>, Error> {
        let id = given.id();
        if !known.is_unreadable(&id) {
            return Ok(known.get(&id).cloned());
        }
        let mut standing: Option<Pattern> = None;
        let mut pages = self.base.ports.registry().pages(Scope::Cluster(id.cluster.clone()));
        while let Some(page) = pages.next().await? {
            let made_of_it =
                |each: &Declaration| each.home == Home::Applied && each.pattern.as_ref() == Some(&id.name);
            for each in page.into_iter().filter(made_of_it) {
                let namespace = each.id.namespace.clone();
                let found = standing.get_or_insert_with(|| Pattern {
                    declaration: Declaration { pattern: None, ..each },
                    placed: BTreeSet::new(),
                    ..given.clone()
                });
                found.placed.insert(namespace);
            }
        }
        Ok(standing)
    }

    /// Refuses what is applied by itself and stands in the registry as a pattern's: which of them was meant cannot be told.
    pub(crate) async fn refuse_placed(
        &self,
        apply: Option<&Apply>,
        given: &mut Vec<Declaration>,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        if apply.is_none() || given.is_empty() {
            return Ok(());
        }
        let patterns = self.patterns().await?;
        let owners = patterns.owners();
        let mut refused: BTreeMap<DeclarationId, PatternId> = BTreeMap::new();
        for page in given.chunks(PAGE) {
            let noted =
                page.iter().filter_map(|each| Some((each.id.clone(), owners.of_id(&each.id)?.clone())));
            refused.extend(noted);
            // Where one that cannot be read placed something, its declarations alone tell.
            if patterns.unreadable().next().is_some() {
                let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
                let standing = self.base.ports.registry().declarations(&ids).await?;
                refused.extend(standing.iter().filter_map(|each| Some((each.id.clone(), owners.of(each)?))));
            }
        }
        given.retain(|declaration| !refused.contains_key(&declaration.id));
        let told = refused.into_iter().map(|(id, pattern)| (id, Err(declared_already(&pattern))));
        report.declarations.extend(told);
        Ok(())
    }

    /// Removes declarations that are declared by themselves. One that a pattern placed would come back with the next index.
    pub(crate) async fn remove_declared(&self, ids: &[DeclarationId]) -> Result<Removals, Error> {
        let patterns = self.patterns().await?;
        let owners = patterns.owners();
        let known = self.base.ports.registry().declarations(ids).await?;
        let known: BTreeMap<&DeclarationId, &Declaration> =
            known.iter().map(|each| (&each.id, each)).collect();
        let owner = |id: &DeclarationId| match known.get(id) {
            Some(declaration) => owners.of(declaration),
            None => owners.of_id(id).cloned(),
        };
        let (mut alone, mut removed) = (Vec::new(), Removals::new());
        for id in ids {
            match owner(id) {
                Some(pattern) => removed.push((id.clone(), Err(comes_back(&pattern, id)))),
                None => alone.push(id.clone()),
            }
        }
        removed.extend(self.remove.run(&alone).await?);
        Ok(removed)
    }

    /// Puts a pattern in place of the one that stands. Where its declarations get another name, the former ones go first.
    async fn put_pattern(
        &self,
        standing: Option<&Pattern>,
        given: &Pattern,
        report: &mut IndexReport,
    ) -> Result<Put, Error> {
        let registry = self.base.ports.registry();
        let Some(standing) = standing else { return registry.put_pattern(given, None).await };
        let mut given = Pattern { placed: standing.placed.clone(), ..given.clone() };
        if standing.declaration.id.name != given.declaration.id.name {
            let left = self.displace(standing, &standing.placed, report).await?;
            if !left.is_empty() {
                let message = "its declarations by the former name could not be removed; apply it again";
                return Err(Error::new(Step::Lookup, Kind::Transient, message));
            }
            given.placed = BTreeSet::new();
        }
        registry.put_pattern(&given, Some(standing)).await
    }

    /// Brings the declarations of all patterns of a cluster to where they are wanted. What keeps them from it is in the report.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub(crate) async fn place(
        &self,
        cluster: &Cluster,
        patterns: &KnownPatterns,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        if patterns.of(&cluster.name).next().is_none() {
            return Ok(());
        }
        let namespaces = match self.namespaces(cluster).await {
            Ok(namespaces) => namespaces,
            Err(error) => {
                report.problems.push(unplaced(cluster, Severity::Error, &error));
                return Ok(());
            }
        };
        // What was applied after the patterns were read is not taken for gone: whoever placed it has the turn.
        let turn = Turn { mark: format!("patterns/{}", cluster.name), began: patterns.began };
        let mut work = BTreeSet::new();
        for pattern in patterns.of(&cluster.name) {
            match self.place_one(&turn, pattern.clone(), &namespaces, report, &mut work).await {
                // Somebody else does it, with a newer list.
                Err(error) if error.kind == Kind::Conflict => {
                    report.problems.push(unplaced(cluster, Severity::Warning, &error));
                    break;
                }
                // It stays as it is, and keeps none of the others from their places.
                Err(error) if error.kind == Kind::Invalid => {
                    report.objects.push((pattern.id().to_string(), Err(error)));
                }
                placed => placed?,
            }
        }
        report.report.extend(self.queue.queue_pending(work).await);
        Ok(())
    }

    async fn place_one(
        &self,
        turn: &Turn,
        mut pattern: Pattern,
        namespaces: &Namespaces,
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let mut wanted = pattern.wanted(namespaces);
        let new: Vec<DeclarationId> =
            wanted.difference(&pattern.placed).map(|namespace| pattern.id_in(namespace)).collect();
        for ids in new.chunks(PAGE) {
            for other in self.base.ports.registry().declarations(ids).await? {
                if other.home != Home::Applied || other.pattern.as_ref() != Some(&pattern.name) {
                    wanted.remove(&other.id.namespace);
                    report.declarations.push((other.id, Err(declared_already(&pattern.id()))));
                }
            }
        }
        if pattern.placed.union(&wanted).count() > MOST_PLACED {
            return Err(too_many(wanted.len()));
        }
        let gone: BTreeSet<Namespace> = pattern.placed.difference(&wanted).cloned().collect();
        if !wanted.is_subset(&pattern.placed) {
            self.base.take_turn(Some(turn)).await?;
            let standing = pattern.clone();
            pattern.placed.extend(wanted.iter().cloned());
            self.base.ports.registry().put_pattern(&pattern, Some(&standing)).await?;
        }
        let clusters = BTreeSet::from([pattern.declaration.id.cluster.clone()]);
        let declarations: Vec<_> = wanted.iter().map(|namespace| pattern.in_namespace(namespace)).collect();
        let taking = Taking { turn: Some(turn), apply: None, prune: None };
        for page in declarations.chunks(PAGE) {
            self.take_in(taking, page, &clusters, &BTreeSet::new(), report, work).await?;
        }
        if !gone.is_empty() {
            self.base.take_turn(Some(turn)).await?;
            let left = self.displace(&pattern, &gone, report).await?;
            let standing = pattern.clone();
            pattern.placed.retain(|namespace| !gone.contains(namespace) || left.contains(namespace));
            self.base.ports.registry().put_pattern(&pattern, Some(&standing)).await?;
        }
        Ok(())
    }

    /// Removes a pattern with its declarations; `false` if some of them stay, and the pattern with them.
    pub(crate) async fn remove_pattern(
        &self,
        pattern: &Pattern,
        report: &mut IndexReport,
    ) -> Result<bool, Error> {
        let left = self.displace(pattern, &pattern.placed, report).await?;
        if !left.is_empty() {
            return Ok(false);
        }
        self.base.ports.registry().remove_this_pattern(pattern).await
    }

    /// Removes the declarations of a pattern from these namespaces; returns those in which they stay.
    async fn displace(
        &self,
        pattern: &Pattern,
        from: &BTreeSet<Namespace>,
        report: &mut IndexReport,
    ) -> Result<BTreeSet<Namespace>, Error> {
        let ids: Vec<DeclarationId> = from.iter().map(|namespace| pattern.id_in(namespace)).collect();
        let mut left = BTreeSet::new();
        for ids in ids.chunks(PAGE) {
            let mut page = self.base.ports.registry().declarations(ids).await?;
            // One that lives in the cluster, or of another pattern, may have come before its own was put.
            let is_its_own = |name: &ObjectName| *name == pattern.name;
            page.retain(|each| each.home == Home::Applied && each.pattern.as_ref().is_none_or(is_its_own));
            let removed = self.remove.retire_all(&page).await;
            left.extend(
                removed.iter().filter(|(_, result)| result.is_err()).map(|(id, _)| id.namespace.clone()),
            );
            report.removed.extend(removed);
        }
        Ok(left)
    }

    async fn namespaces(&self, cluster: &Cluster) -> Result<Namespaces, Error> {
        let patience = self.base.settings.share_time();
        let listing = self.base.ports.clusters().namespaces(cluster);
        let listing = self.base.at_cluster(&cluster.name, Step::Read, listing);
        timeout(patience, listing).await.unwrap_or_else(|_| {
            let message =
                format!("it did not list its namespaces within {patience:?}; the next index asks again");
            Err(Error::new(Step::Read, Kind::Unreachable, message))
        })
    }
}

/// What taking in a pattern would do, or why it may not be taken in.
///
/// # Errors
/// `Invalid` when its cluster is not known, or it belongs to another set.
pub(crate) fn taken(
    apply: &Apply,
    clusters: &BTreeSet<ClusterName>,
    standing: Option<&Pattern>,
    given: &Pattern,
) -> Result<Taken, Error> {
    let cluster = &given.declaration.id.cluster;
    if !clusters.contains(cluster) {
        return Err(unknown_cluster(cluster));
    }
    apply.pattern(standing, given)
}

/// The error of a declaration that is made of a pattern and stands in the way of another one, or the other way round.
pub(crate) fn declared_already(pattern: &PatternId) -> Error {
    let message = format!("it is declared by itself and by {pattern}; remove one, or name it otherwise");
    Error::new(Step::Lookup, Kind::Invalid, message)
}

/// Why `pawl delete` does not remove what a pattern placed.
fn comes_back(pattern: &PatternId, id: &DeclarationId) -> Error {
    let message = format!(
        "it is made of {pattern} and would come back with the next index; let that choose namespace {} no more and apply it, or \
         apply its set without it and with --prune",
        id.namespace
    );
    Error::new(Step::Lookup, Kind::Invalid, message)
}

fn too_many(wanted: usize) -> Error {
    let message = format!(
        "it chooses {wanted} namespaces, and with those where it stands that is more than {MOST_PLACED}; choose fewer, or split \
         it into several"
    );
    Error::new(Step::Lookup, Kind::Invalid, message)
}

fn unplaced(cluster: &Cluster, severity: Severity, error: &Error) -> Problem {
    Problem {
        severity,
        place: format!("cluster {}", cluster.name),
        object: "kind ClusterExternalSecret".to_owned(),
        field: String::new(),
        message: format!("declarations stay where they are until the next index: {error}"),
    }
}
