//! Reads that a store is asked for one by one.

use super::compare::known;
use super::visit::{Visit, with_access};
use crate::base::keys::wanted;
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, Kind, Read, Record, Store, Version};
use pawl_ports::{Error, Ports, Sources, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use tracing::debug;

/// What a store said of one key.
enum Answer {
    Version(Version),
    Missing,
    /// It does not say, and will not when asked again.
    Refused,
}

impl<P: Ports> Sweep<P> {
    /// Asks for the versions of the reads of single keys that `is_asked` picks, and delivers the declarations that were
    /// written with others; also those for which `otherwise` says so.
    ///
    /// What the store could not say for the moment keeps the visit's mark where it is. What it refuses to say is read
    /// when the declaration's interval has passed: reading tells whether it still can be. So is what it could not say for
    /// longer than was promised: that fails, and records and conditions say so.
    pub(super) async fn sweep_asked(
        &self,
        visit: &Visit<'_>,
        declarations: Vec<Declaration>,
        is_asked: impl Fn(&Read, &Store) -> bool,
        otherwise: impl Fn(&Declaration, &Read, &Store, Option<&Record>, usize) -> bool,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let stores = self.base.stores_under(&visit.round.rules, &declarations).await?;
        let want = |read: &Read, store: &Store| {
            let remote = read.remote().filter(|_| is_asked(read, store))?;
            Some(wanted(remote, store))
        };
        let mut asked = BTreeSet::new();
        for declaration in declarations.iter().filter(|each| !each.refresh.reads_once()) {
            let reads = with_access(declaration, &stores, visit.access);
            asked.extend(
                reads.into_iter().filter_map(|(position, store)| want(&declaration.reads[position], store)),
            );
        }
        let answers = self.answers(visit, asked, found).await;
        let late = visit.is_late(self.base.settings.sweep_period);
        let outdated = |declaration: &Declaration, record: Option<&Record>| {
            let reads = with_access(declaration, &stores, visit.access);
            reads.into_iter().any(|(position, store)| {
                let read = &declaration.reads[position];
                match want(read, store).map(|want| answers.get(&want)) {
                    Some(Some(Answer::Version(told))) => {
                        known(record, position).is_none_or(|known| !known.is_same(told))
                    }
                    Some(Some(Answer::Missing)) => known(record, position).is_some(),
                    Some(Some(Answer::Refused)) => due(declaration, record, visit.started),
                    Some(None) => late && due(declaration, record, visit.started),
                    None => otherwise(declaration, read, store, record, position),
                }
            })
        };
        self.deliver_outdated(visit, declarations, outdated, found).await
    }

    async fn answers(
        &self,
        visit: &Visit<'_>,
        asked: BTreeSet<Wanted>,
        found: &mut Findings,
    ) -> BTreeMap<Wanted, Answer> {
        if asked.is_empty() {
            return BTreeMap::new();
        }
        let asked: Vec<Wanted> = asked.into_iter().collect();
        let call = self.base.ports.sources().versions(visit.access, &asked);
        let answers = self.base.at_store_each(visit.access, asked.len(), call).await;
        let mut answered = BTreeMap::new();
        let mut silent = None;
        for (wanted, answer) in asked.into_iter().zip(answers) {
            let answer = match answer {
                Ok(version) => Answer::Version(version),
                Err(error) if error.kind == Kind::NotFound => Answer::Missing,
                Err(error) if error.is_retryable() => {
                    silent.get_or_insert(error);
                    continue;
                }
                Err(error) => {
                    debug!("{}: its version is not told: {error}", wanted.key);
                    Answer::Refused
                }
            };
            answered.insert(wanted, answer);
        }
        if let Some(error) = silent {
            found.fail(&visit.name(), error);
        }
        answered
    }
}
