//! Declarations to written targets: read, fetch, render, write on condition, record.
//!
//! The order is what keeps the promise "never back": what stands in the cluster is looked at before the store is
//! asked, and the write is conditional on it. Whoever wins a race wrote a value that was fetched after the last
//! write; whoever loses starts again from the look.

use crate::error::Error;
use crate::fetch::Catch;
use crate::job::Job;
use crate::pipeline::{Pipeline, Stores};
use crate::ports::{Clock, Clusters, Entry, Ledger, Ports, Registry};
use crate::report::Report;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::target::{Action, Existing, decide, replaces_all_data};
use pawl_domain::{Change, Declaration, DeclarationId, Kind, Outcome, Rendered, Step, Values, render};
use std::collections::BTreeMap;
use tracing::instrument;

/// What a write is conditional on, looked at before anything is fetched.
#[derive(Clone, Debug)]
enum Base {
    /// The ledger knows the target exactly as it was left.
    Known { resource_version: String },
    /// The target was read; `None` when it does not exist.
    Read(Option<Existing>),
}

/// What a write did.
pub(crate) struct Written {
    pub(crate) outcome: Outcome,
    /// The target's version afterwards, if it exists.
    pub(crate) resource_version: Option<String>,
    /// The keyed digest of the data that stands there now, where that is what was rendered.
    pub(crate) digest: Option<String>,
}

impl<P: Ports> Pipeline<P> {
    /// Brings the declarations of a job up to date. Those that are gone from the registry are left out.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; the job must then come again.
    #[instrument(skip_all, fields(job.declarations = job.declarations.len()))]
    pub async fn deliver(&self, job: &Job) -> Result<Report, Error> {
        let declarations = self.ports.registry().declarations(&job.declarations).await?;
        self.deliver_all(declarations, job.change.as_ref(), job.at).await
    }

    /// Brings these declarations up to date, each on its own, however the others fare. `since` is when the work came
    /// up: what was refreshed after that is done already.
    pub(crate) async fn deliver_all(
        &self,
        declarations: Vec<Declaration>,
        change: Option<&Change>,
        since: Timestamp,
    ) -> Result<Report, Error> {
        let stores = self.stores_of(&declarations).await?;
        let ids: Vec<_> = declarations.iter().map(|each| each.id.clone()).collect();
        let entries = self.ports.ledger().entries(&ids).await?;
        let mut entries: BTreeMap<_, _> =
            entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect();

        let mut report = Report::default();
        let mut open = Vec::new();
        for declaration in declarations {
            let entry = entries.remove(&declaration.id);
            if done_already(&declaration, entry.as_ref(), change, since, &stores) {
                report.outcomes.push((declaration.id, Ok(Outcome::Unchanged)));
            } else {
                open.push((declaration, entry));
            }
        }

        let started = self.ports.clock().now();
        let looked: Vec<_> = stream::iter(open)
            .map(|(declaration, entry)| async {
                let base = self.look(&declaration, entry.as_ref(), &stores).await;
                (declaration, entry, base)
            })
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await;
        let wanting: Vec<_> =
            looked.iter().filter(|(_, _, base)| base.is_ok()).map(|(declaration, ..)| declaration).collect();
        let catch = self.fetch(&wanting, &stores, change).await;

        let written: Vec<_> = stream::iter(looked)
            .map(|(declaration, entry, base)| {
                let attempt = Attempt { stores: &stores, change, started };
                self.finish(declaration, entry, base, &catch, attempt)
            })
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await;
        report.outcomes.extend(written);
        report.outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(report)
    }

    /// Looks at the target, unless the ledger knows it as it is.
    async fn look(
        &self,
        declaration: &Declaration,
        entry: Option<&Entry>,
        stores: &Stores,
    ) -> Result<Base, Error> {
        self.check_stores(declaration, stores).await?;
        if let Some(resource_version) = known_version(declaration, entry) {
            return Ok(Base::Known { resource_version });
        }
        self.read(declaration).await
    }

    async fn read(&self, declaration: &Declaration) -> Result<Base, Error> {
        self.ports.clusters().read(&declaration.id, &declaration.target.name).await.map(Base::Read)
    }

    /// Every store must be known, and its conditions must let the declaration's namespace use it.
    async fn check_stores(&self, declaration: &Declaration, stores: &Stores) -> Result<(), Error> {
        let DeclarationId { cluster, namespace, .. } = &declaration.id;
        for id in declaration.stores() {
            let store = stores.require(&id)?;
            let labels = if store.needs_namespace_labels() {
                self.ports.clusters().namespace_labels(cluster, namespace).await?
            } else {
                BTreeMap::new()
            };
            let allowed = store
                .allows(namespace, &labels)
                .map_err(|error| Error::new(Step::Lookup, Kind::Invalid, format!("{id}: {error}")))?;
            if !allowed {
                let message = format!(
                    "using cluster store \"{}\" is not allowed from namespace \"{namespace}\": denied by \
                     spec.conditions; add the namespace there or use another store",
                    id.name
                );
                return Err(Error::new(Step::Lookup, Kind::Denied, message));
            }
        }
        Ok(())
    }

    /// Renders, writes and records one declaration, starting again from the look when somebody else wrote meanwhile.
    async fn finish(
        &self,
        declaration: Declaration,
        entry: Option<Entry>,
        base: Result<Base, Error>,
        catch: &Catch,
        attempt: Attempt<'_>,
    ) -> (DeclarationId, Result<Outcome, Error>) {
        let last = entry.as_ref().map(|entry| &entry.record);
        let mut fresh;
        let mut values = catch.values(&declaration, attempt.stores, last);
        let mut result = match base {
            Ok(base) => self.write(&declaration, last, base, &values).await,
            Err(error) => Err(error),
        };
        for round in 1..=self.settings.conflict_attempts {
            if !result.as_ref().is_err_and(|error| error.kind == Kind::Conflict) {
                break;
            }
            tokio::time::sleep(self.pause(round)).await;
            result = match self.read(&declaration).await {
                Ok(base) => {
                    fresh = self.fetch(&[&declaration], attempt.stores, attempt.change).await;
                    values = fresh.values(&declaration, attempt.stores, last);
                    self.write(&declaration, last, base, &values).await
                }
                Err(error) => Err(error),
            };
        }
        let id = declaration.id.clone();
        let outcome = self.record(&declaration, entry, values.ok(), result, attempt.started).await;
        (id, outcome)
    }

    async fn write(
        &self,
        declaration: &Declaration,
        last: Option<&pawl_domain::Record>,
        base: Base,
        values: &Result<Values, Error>,
    ) -> Result<Written, Error> {
        let values = values.as_ref().map_err(Error::shared)?;
        let rendered = render(declaration, values)
            .map_err(|error| Error::new(Step::Render, Kind::Invalid, error.to_string()))?;
        let digest = self.digest_key.digest(&rendered.data);
        let base = match base {
            Base::Known { resource_version } if !rendered.data.is_empty() => {
                let same = last.and_then(|record| record.digest.as_ref()) == Some(&digest);
                return self.replace(declaration, &rendered, resource_version, digest, same).await;
            }
            // Nothing is left to write: what becomes of the target depends on what stands there.
            Base::Known { .. } => self.read(declaration).await?,
            read @ Base::Read(_) => read,
        };
        let Base::Read(existing) = base else {
            return Err(Error::new(Step::Read, Kind::Transient, "the target was not read"));
        };
        self.write_over(declaration, &rendered, existing.as_ref(), digest).await
    }

    /// The fast path: one request, conditional on the target being as it was left.
    async fn replace(
        &self,
        declaration: &Declaration,
        rendered: &Rendered,
        resource_version: String,
        digest: String,
        same: bool,
    ) -> Result<Written, Error> {
        if same {
            let resource_version = Some(resource_version);
            return Ok(Written { outcome: Outcome::Unchanged, resource_version, digest: Some(digest) });
        }
        let (id, target) = (&declaration.id, &declaration.target.name);
        let clusters = self.ports.clusters();
        let resource_version = clusters.replace_data(id, target, &resource_version, &rendered.data).await?;
        let resource_version = Some(resource_version);
        Ok(Written { outcome: Outcome::Written, resource_version, digest: Some(digest) })
    }

    async fn write_over(
        &self,
        declaration: &Declaration,
        rendered: &Rendered,
        existing: Option<&Existing>,
        digest: String,
    ) -> Result<Written, Error> {
        let action = decide(declaration, rendered, existing)
            .map_err(|refused| Error::new(Step::Write, Kind::Invalid, refused.to_string()))?;
        let standing = existing.map(|existing| existing.resource_version.clone());
        let outcome = match &action {
            Action::Leave(outcome) => {
                let digest = (*outcome == Outcome::Unchanged).then_some(digest);
                return Ok(Written { outcome: *outcome, resource_version: standing, digest });
            }
            Action::Delete { .. } => Outcome::Deleted,
            Action::Create(_) | Action::Update { .. } => Outcome::Written,
        };
        let clusters = self.ports.clusters();
        let resource_version = clusters.apply(&declaration.id, &declaration.target.name, &action).await?;
        Ok(Written { outcome, resource_version, digest: (outcome == Outcome::Written).then_some(digest) })
    }
}

/// What is the same for every declaration of a delivery.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    stores: &'a Stores,
    change: Option<&'a Change>,
    /// Before anything was looked at: what is recorded as refreshed then is at least as new.
    started: Timestamp,
}

/// True when nothing needs to be asked: the change's version was written already, or the declaration was refreshed
/// after the work came up.
fn done_already(
    declaration: &Declaration,
    entry: Option<&Entry>,
    change: Option<&Change>,
    since: Timestamp,
    stores: &Stores,
) -> bool {
    let Some(record) = entry.map(|entry| &entry.record) else { return false };
    let current = change.is_some_and(|it| record.is_current(it, declaration, |id| stores.get(id)));
    let settled = matches!(record.state, pawl_domain::record::State::Settled(_));
    let later = settled
        && record.declaration == declaration.digest()
        && record.refreshed.is_some_and(|refreshed| refreshed > since);
    current || later
}

/// The resourceVersion that a write may be conditional on without reading the target.
fn known_version(declaration: &Declaration, entry: Option<&Entry>) -> Option<String> {
    let record = &entry?.record;
    let target = record.target.as_ref()?;
    let same = record.declaration == declaration.digest() && target.name == declaration.target.name;
    if same && replaces_all_data(declaration) { target.resource_version.clone() } else { None }
}
