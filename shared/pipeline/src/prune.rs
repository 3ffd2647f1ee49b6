//! Prune: what was found in a home before and is not there any more is removed.

use crate::error::Error;
use crate::index::{IndexReport, PAGE, Turn};
use crate::manifests::{Problem, Severity};
use crate::pipeline::Pipeline;
use crate::ports::{Catalogue, Ports, Put, Registry, Scope};
use pawl_domain::store::Home;
use pawl_domain::{DeclarationId, StoreId};
use std::collections::BTreeSet;

impl<P: Ports> Pipeline<P> {
    /// Removes what is not given. What stands in a manifest that could not be used stays, and so does everything of a
    /// kind that the cluster did not serve: what was not listed may still be there.
    pub(crate) async fn prune(
        &self,
        turn: Option<&Turn>,
        home: &Home,
        given: &BTreeSet<DeclarationId>,
        stores: &BTreeSet<StoreId>,
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let spared = Spared::of(&report.problems);
        if spared.everything {
            report.problems.push(nothing_removed(
                "all declarations",
                "nothing was removed, because a manifest could not be read at all; mend it first",
            ));
            return Ok(());
        }
        if spared.has_kind("ExternalSecret") {
            report.problems.push(nothing_removed(
                "all declarations",
                "no ExternalSecret was removed, because the cluster does not serve them at the moment; remove them \
                 with pawl delete if that is meant",
            ));
        } else {
            self.prune_declarations(turn, home, given, &spared, report).await?;
        }
        for swept in self.ports.registry().swept_stores().await? {
            let id = &swept.store.id;
            let (kind, name) = object_of(id);
            if id.home != *home || stores.contains(id) || spared.has_kind(kind) || spared.has(kind, &name) {
                continue;
            }
            self.still(turn).await?;
            let removed = match self.announce_removal(id, work).await {
                Ok(()) => self.ports.registry().remove_store(id).await,
                Err(error) => Err(error),
            };
            if let Err(error) = removed {
                report.objects.push((id.to_string(), Err::<Put, _>(error)));
            }
        }
        Ok(())
    }

    async fn prune_declarations(
        &self,
        turn: Option<&Turn>,
        home: &Home,
        given: &BTreeSet<DeclarationId>,
        spared: &Spared,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        let scope = Scope::Home(home.clone());
        let mut after = None;
        loop {
            let mut page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
            page.retain(|each| {
                let name = format!("{}/{}", each.id.namespace, each.id.name);
                !given.contains(&each.id) && !spared.has("ExternalSecret", &name)
            });
            if !page.is_empty() {
                self.still(turn).await?;
                report.removed.extend(self.retire_all(&page).await);
            }
            if after.is_none() {
                return Ok(());
            }
        }
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
        let everything = unusable.clone().any(|problem| !problem.object.contains(' '));
        // A kind that a cluster does not serve is only a warning.
        let unserved = problems.iter().filter(|problem| problem.object.starts_with("kind "));
        Self { everything, objects: unusable.chain(unserved).map(|problem| problem.object.clone()).collect() }
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.objects.contains(&format!("{kind} {name}"))
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.has("kind", kind)
    }
}

fn nothing_removed(object: &str, message: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        place: "prune".to_owned(),
        object: object.to_owned(),
        field: String::new(),
        message: message.to_owned(),
    }
}

/// The kind and name by which problems call a store's manifest.
fn object_of(id: &StoreId) -> (&'static str, String) {
    match &id.namespace {
        Some(namespace) => ("SecretStore", format!("{namespace}/{}", id.name)),
        None => ("ClusterSecretStore", id.name.to_string()),
    }
}
