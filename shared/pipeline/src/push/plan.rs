//! What is wanted: the sources as they stand, the stores that may be written to, the entries of each.

use crate::parts::Push;
use pawl_documents::digest;
use pawl_domain::declaration::TemplateSource;
use pawl_domain::push::{ByNameOrLabels, Entries, PushData, PushProblem, PushRecipe, PushSource, StoreOf};
use pawl_domain::{
    Access, Budget, DeclarationId, Kind, Location, ObjectName, PushRecord, PushSecret, Pushed, Query, Remote,
    RemoteEntry, Rules, SourceSecret, Step, Store, StoreId, TemplateSources,
};
use pawl_ports::{Clusters, Error, Ports, Registry, Sink, TemplateKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why a PushSecret is carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Because {
    /// It may be due: stores are asked whether they hold what is declared.
    Time,
    /// Its source may have changed: what is pushed already is not asked for.
    Source,
    /// Somebody asks for it, as an edit of its manifest does.
    Asked,
}

/// What is wanted of one entry of one store.
pub(super) struct Wanted {
    pub(super) store: StoreId,
    pub(super) data: PushData,
    /// Its place among the entries of its store: those of `dataTo`, then those of `data`, as ESO pushes them.
    pub(super) place: usize,
    /// What is written, with which identity and digest; why it cannot be otherwise.
    pub(super) pushed: Result<(Access, Pushed, String), Error>,
}

/// The stores that are known, and what they may do.
pub(super) struct Reachable {
    rules: Arc<Rules>,
    stores: BTreeMap<StoreId, Store>,
}

/// All that is wanted.
pub(super) struct Plan {
    pub(super) reachable: Reachable,
    pub(super) wanted: BTreeMap<(StoreId, RemoteEntry), Wanted>,
    /// Stores of which not everything that is wanted is known, with why: nothing is removed from them.
    unclear: BTreeMap<StoreId, Error>,
    /// Why nothing at all is known that belongs to no store.
    general: Vec<Error>,
    source: Option<ObjectName>,
}

impl Plan {
    /// Nothing is wanted.
    pub(super) fn empty(reachable: Reachable) -> Self {
        let (wanted, unclear) = (BTreeMap::new(), BTreeMap::new());
        Self { reachable, wanted, unclear, general: Vec::new(), source: None }
    }

    /// Whether the Secret that is named does not exist.
    pub(super) fn source_is_missing(&self) -> bool {
        self.source.is_some()
    }

    /// The error of a source that does not exist.
    pub(super) fn missing_source(&self, push: &PushSecret) -> Error {
        let name = self.source.as_ref().map(ToString::to_string).unwrap_or_default();
        let namespace = &push.id.namespace;
        let message =
            format!("could not get source secret: Secret {namespace}/{name} does not exist; create it");
        Error::new(Step::Read, Kind::NotFound, message)
    }

    /// Whether something that stands in a store may be removed there: all that is wanted at its location is known.
    pub(super) fn is_clear(&self, store: &StoreId) -> bool {
        let at = |store: &StoreId| self.reachable.stores.get(store).map(Store::location);
        let own = at(store);
        // A store that is not there may be this one under a new name.
        let is_elsewhere = |other: &StoreId| other != store && at(other).is_some_and(|at| Some(at) != own);
        self.general.is_empty() && self.unclear.keys().all(is_elsewhere)
    }

    /// Why something that is wanted cannot be told.
    pub(super) fn failures(&self) -> Vec<Error> {
        self.general.iter().chain(self.unclear.values()).map(Error::shared).collect()
    }

    /// Whether something that is wanted writes to where this entry is: another property, the whole key, or the same through
    /// another store. What is not wanted any more is then not removed, for that would take away what is.
    pub(super) fn writes_there(&self, store: &Store, entry: &RemoteEntry) -> bool {
        let place = self.reachable.place(&store.id, entry);
        self.wanted.values().any(|wanted| {
            self.reachable.place(&wanted.store, &wanted.data.to) == place
                && (entry.property.is_none()
                    || wanted.data.to.property.is_none()
                    || wanted.data.to.property == entry.property)
        })
    }
}

impl Reachable {
    pub(super) fn store(&self, id: &StoreId) -> Result<&Store, Error> {
        self.stores.get(id).ok_or_else(|| {
            let (kind, name) = (id.kind(), &id.name);
            let message = format!(
                "could not get {kind} \"{name}\", {kind}.external-secrets.io \"{name}\" not found; apply it, or correct \
                 secretStoreRefs"
            );
            Error::new(Step::Lookup, Kind::Invalid, message)
        })
    }

    /// Where an entry's key is: its location and its name there. Two stores may be one location.
    pub(super) fn place(&self, store: &StoreId, entry: &RemoteEntry) -> (Option<Location>, String) {
        let store = self.stores.get(store);
        let key = store.map_or_else(|| entry.key.clone(), |store| store.remote_key(&entry.key));
        (store.map(Store::location), key)
    }

    /// The identity with which a PushSecret writes this entry.
    ///
    /// # Errors
    /// The operator does not allow it. What may not be read may not be written.
    pub(super) fn access(
        &self,
        store: &Store,
        entry: &RemoteEntry,
        id: &DeclarationId,
    ) -> Result<Access, Error> {
        let remote = Remote { key: entry.key.clone(), property: entry.property.clone(), ..Remote::default() };
        let permit = self.rules.permit(store, &Query::Key(remote), &id.cluster, &id.namespace);
        permit.map(|permit| permit.access).map_err(|refusal| Error::refused(&refusal))
    }
}

impl<P: Ports> Push<P> {
    /// The stores that a PushSecret names, those that it chooses by label, and those that it pushed to before.
    pub(super) async fn rules_and_stores(
        &self,
        push: &PushSecret,
        record: &PushRecord,
    ) -> Result<Reachable, Error> {
        let registry = self.base.ports.registry();
        // The record as the run has it, with what it took over from ESO.
        let known = record.entries.iter().map(|entry| entry.store.clone());
        let named: BTreeSet<StoreId> = push.named_stores().chain(known).collect();
        let (stores, rules) = futures::try_join!(registry.stores(&named), self.base.rules())?;
        let mut stores: BTreeMap<StoreId, Store> =
            stores.into_iter().map(|store| (store.id.clone(), store)).collect();
        if push.stores.iter().any(|choice| matches!(choice.by, ByNameOrLabels::Labels(_))) {
            let all = registry.swept_stores().await?.into_iter().map(|swept| swept.store);
            let chosen = all.filter(|store| {
                let own = store.id.namespace.as_ref().is_none_or(|namespace| *namespace == push.id.namespace);
                let means = |choice: &pawl_domain::push::StoreChoice| choice.means(&store.id, &store.labels);
                store.id.home == push.home && own && push.stores.iter().any(means)
            });
            stores.extend(chosen.map(|store| (store.id.clone(), store)));
        }
        Ok(Reachable { rules, stores })
    }

    /// What is wanted at this moment. `terms` go into the digests of all entries.
    ///
    /// # Errors
    /// The registry could not be asked, or the source could not be read: nothing is known then.
    pub(super) async fn plan(
        &self,
        push: &PushSecret,
        record: &PushRecord,
        terms: &str,
    ) -> Result<Plan, Error> {
        let mut plan = Plan::empty(self.rules_and_stores(push, record).await?);
        let sources = self.sources_of(push).await?;
        let PushSource::Secret(choice) = &push.source;
        if let (ByNameOrLabels::Name(name), true) = (choice, sources.is_empty()) {
            plan.source = Some(name.clone());
            return Ok(plan);
        }
        let templates = self.templates_of(push).await?;
        let recipe = match PushRecipe::of(push, &self.functions) {
            Ok(recipe) => recipe,
            Err(problem) => {
                plan.general.push(invalid(&problem));
                return Ok(plan);
            }
        };
        let mut budget = Budget::default();
        let mut rendered = Vec::new();
        for source in sources {
            let name = source.name.clone();
            match recipe.templated(source, &templates, &mut budget) {
                Ok(source) => rendered.push(source),
                Err(problem) => plan.general.push(invalid(&problem).within(&format!("Secret {name}: "))),
            }
        }
        for id in self.chosen(push, &mut plan) {
            let usable = match plan.reachable.store(&id) {
                Ok(store) => self.check_usable(store, &push.id).await,
                Err(error) => Err(error),
            };
            if let Err(error) = usable {
                plan.unclear.insert(id, error);
                continue;
            }
            self.entries_of(push, &id, &recipe, &rendered, terms, &mut budget, &mut plan);
        }
        Ok(plan)
    }

    /// The stores that are pushed to. A `dataTo` that chooses none of them by its labels is told of.
    fn chosen(&self, push: &PushSecret, plan: &mut Plan) -> Vec<StoreId> {
        let mut chosen: BTreeSet<StoreId> = push.named_stores().collect();
        let by_label = push.stores.iter().filter(|choice| matches!(choice.by, ByNameOrLabels::Labels(_)));
        for choice in by_label {
            let own = |store: &&Store| {
                store.id.home == push.home
                    && store.id.namespace.as_ref().is_none_or(|own| *own == push.id.namespace)
                    && choice.means(&store.id, &store.labels)
            };
            chosen.extend(plan.reachable.stores.values().filter(own).map(|store| store.id.clone()));
        }
        for (index, bulk) in push.data_to.iter().enumerate() {
            let is_meant = |id: &StoreId| {
                let labels = plan.reachable.stores.get(id).map(|store| &store.labels);
                bulk.store.means(id, labels.unwrap_or(&BTreeMap::new()))
            };
            if matches!(bulk.store.by, ByNameOrLabels::Labels(_)) && !chosen.iter().any(is_meant) {
                let message = format!(
                    "dataTo[{index}]: labelSelector does not match any store in secretStoreRefs; correct one of them"
                );
                plan.general.push(Error::new(Step::Lookup, Kind::Invalid, message));
            }
        }
        chosen.into_iter().collect()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what is made, of what, for whom, at what cost, and where it goes"
    )]
    fn entries_of(
        &self,
        push: &PushSecret,
        id: &StoreId,
        recipe: &PushRecipe,
        sources: &[SourceSecret],
        terms: &str,
        budget: &mut Budget,
        plan: &mut Plan,
    ) {
        let Ok(store) = plan.reachable.store(id) else { return };
        let mut made: BTreeMap<RemoteEntry, (ObjectName, usize, PushData, Result<Pushed, PushProblem>)> =
            BTreeMap::new();
        let mut unclear = None;
        for source in sources {
            let store_of = StoreOf { id, labels: &store.labels };
            let entries: Entries = match recipe.entries(push, store_of, source, budget) {
                Ok(entries) => entries,
                Err(problem) => {
                    unclear = Some(invalid(&problem).within(&format!("{id}: ")));
                    continue;
                }
            };
            for (data, pushed) in entries {
                let pushed = match made.get(&data.to) {
                    None => pushed,
                    Some((first, ..)) => Err(PushProblem::Sources {
                        remote: data.to.to_string(),
                        first: first.to_string(),
                        second: source.name.to_string(),
                    }),
                };
                let place = made.len();
                made.insert(data.to.clone(), (source.name.clone(), place, data, pushed));
            }
        }
        let takes = self.base.ports.sink().providers().contains(&store.location().provider);
        let basis = format!("{terms} {}", digest(store));
        let mut wanted = Vec::new();
        for (to, (_, place, data, pushed)) in made {
            let pushed = pushed.map_err(|problem| invalid(&problem)).and_then(|pushed| {
                if !takes {
                    let provider = store.location().provider;
                    let message = format!("stores of {provider} take no values here; push to another store");
                    return Err(Error::new(Step::Push, Kind::Invalid, message));
                }
                let access = plan.reachable.access(store, &data.to, &push.id)?;
                let digest = self.digest_of(&pushed, &basis);
                Ok((access, pushed, digest))
            });
            wanted.push(((id.clone(), to), Wanted { store: id.clone(), data, place, pushed }));
        }
        plan.wanted.extend(wanted);
        if let Some(error) = unclear {
            plan.unclear.insert(id.clone(), error);
        }
    }

    /// A keyed digest of all that is written for one entry, and of where.
    fn digest_of(&self, pushed: &Pushed, basis: &str) -> String {
        let data = match &pushed.secret_key {
            Some(key) => pushed.data.get(key).map(|value| (key.clone(), value.clone())).into_iter().collect(),
            None => pushed.data.clone(),
        };
        let key = &self.base.digest_key;
        let mut parts = key.parts().with(basis).with(pushed.to.to_string()).with(key.digest(&data));
        parts = parts.with(&pushed.secret_type);
        parts = parts.with(pushed.metadata.as_ref().map(ToString::to_string).unwrap_or_default());
        for (name, text) in pushed.labels.iter().chain(&pushed.annotations) {
            parts = parts.with(name).with(text);
        }
        parts.digest()
    }

    async fn sources_of(&self, push: &PushSecret) -> Result<Vec<SourceSecret>, Error> {
        let PushSource::Secret(choice) = &push.source;
        let DeclarationId { cluster, namespace, .. } = &push.id;
        let call = self.base.ports.clusters().push_sources(cluster, namespace, choice);
        let found = self.base.at_cluster(cluster, Step::Read, call).await;
        found.map_err(|error| error.within("could not get source secret: "))
    }

    async fn templates_of(&self, push: &PushSecret) -> Result<TemplateSources, Error> {
        let mut found = BTreeMap::new();
        for source in push.template.iter().flat_map(|template| template.sources()) {
            let (kind, name) = match &source {
                TemplateSource::ConfigMap(name) => (TemplateKind::ConfigMap, name),
                TemplateSource::Secret(name) => (TemplateKind::Secret, name),
            };
            let call = self.base.ports.clusters().template_source(&push.id, kind, name);
            match self.base.at_cluster(&push.id.cluster, Step::Render, call).await {
                Ok(data) => drop(found.insert(source, data)),
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error.within("error fetching templateFrom data: ")),
            }
        }
        Ok(TemplateSources(found))
    }

    /// A store's own conditions, and what its manifest says of it.
    async fn check_usable(&self, store: &Store, id: &DeclarationId) -> Result<(), Error> {
        self.base.check_validation(store)?;
        let labels = if store.needs_namespace_labels() {
            let call = self.base.ports.clusters().namespace_labels(&id.cluster, &id.namespace);
            self.base.at_cluster(&id.cluster, Step::Lookup, call).await?
        } else {
            BTreeMap::new()
        };
        self.base.check_conditions(store, &id.namespace, &labels)
    }
}

fn invalid(problem: &PushProblem) -> Error {
    Error::new(Step::Push, Kind::Invalid, problem.to_string())
}
