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
use crate::render::Ingredients;
use crate::report::Report;
use crate::templates::Templates;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::target::{Action, Decision, Existing, Replacement, decide, decide_untemplated, marked};
use pawl_domain::{Change, Complaint, Declaration, DeclarationId, Kind, Outcome, Record, Rendered, Step};
use std::collections::BTreeMap;
use tracing::instrument;

/// What a write is conditional on, looked at before anything is fetched.
#[derive(Clone, Debug)]
enum Base {
    /// The ledger knows the target exactly as it was left.
    Known { resource_version: String },
    /// The target was read; `None` when it does not exist.
    Read(Option<Box<Existing>>),
}

/// What a write did.
pub(crate) struct Written {
    pub(crate) outcome: Outcome,
    /// The target's version afterwards, if it exists.
    pub(crate) resource_version: Option<String>,
    /// The keyed digest of what was rendered, where that is what stands there now.
    pub(crate) digest: Option<String>,
    /// The keyed digest of what it was rendered from.
    pub(crate) inputs: String,
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
        let (catch, templates) =
            futures::join!(self.fetch(&wanting, &stores, change), self.templates(&wanting));

        let written: Vec<_> = stream::iter(looked)
            .map(|(declaration, entry, base)| {
                let attempt = Attempt { stores: &stores, change, started };
                self.finish(declaration, entry, base, (&catch, &templates), attempt)
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
        self.check_kind(declaration)?;
        self.check_stores(declaration, stores).await?;
        if let Some(resource_version) = known_version(declaration, entry) {
            return Ok(Base::Known { resource_version });
        }
        self.read(declaration).await
    }

    async fn read(&self, declaration: &Declaration) -> Result<Base, Error> {
        self.read_target(declaration).await.map(|existing| Base::Read(existing.map(Box::new)))
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
        (catch, templates): (&Catch, &Templates),
        attempt: Attempt<'_>,
    ) -> (DeclarationId, Result<Outcome, Error>) {
        let last = entry.as_ref().map(|entry| &entry.record);
        let stores = attempt.stores;
        let mut ingredients = self.ingredients(&declaration, stores, catch, templates, last);
        let mut result = match base {
            Ok(base) => self.write(&declaration, last, base, &ingredients).await,
            Err(error) => Err(error),
        };
        for round in 1..=self.settings.conflict_attempts {
            if !result.as_ref().is_err_and(|error| error.kind == Kind::Conflict) {
                break;
            }
            tokio::time::sleep(self.pause(round)).await;
            result = match self.read(&declaration).await {
                Ok(base) => {
                    let wanting = [&declaration];
                    let (catch, templates) = futures::join!(
                        self.fetch(&wanting, stores, attempt.change),
                        self.templates(&wanting)
                    );
                    ingredients = self.ingredients(&declaration, stores, &catch, &templates, last);
                    self.write(&declaration, last, base, &ingredients).await
                }
                Err(error) => Err(error),
            };
        }
        let id = declaration.id.clone();
        let values = ingredients.ok().map(|ingredients| ingredients.values);
        let outcome = self.record(&declaration, entry, values, result, attempt.started).await;
        (id, outcome)
    }

    async fn write(
        &self,
        declaration: &Declaration,
        last: Option<&Record>,
        base: Base,
        ingredients: &Result<Ingredients, Error>,
    ) -> Result<Written, Error> {
        let ingredients = match ingredients {
            Ok(ingredients) => ingredients,
            Err(error) => return self.give_up(declaration, &base, error.shared()).await,
        };
        let last = Last::of(last, ingredients);
        if let (Base::Known { resource_version }, Some(digest)) = (&base, last.same_digest()) {
            return Ok(Written {
                outcome: Outcome::Unchanged,
                resource_version: Some(resource_version.clone()),
                digest: Some(digest),
                inputs: ingredients.inputs.clone(),
            });
        }
        let standing = !matches!(base, Base::Read(None));
        let rendered = match self.render(declaration, ingredients, standing) {
            Ok(rendered) => rendered,
            Err(error) => return self.untemplated(declaration, &base, error, ingredients).await,
        };
        let inputs = ingredients.inputs.clone();
        let base = match base {
            Base::Known { resource_version } if !rendered.assembled_is_empty => {
                return self.replace(declaration, rendered, resource_version, &last, inputs).await;
            }
            // Nothing is left to write: what becomes of the target depends on what stands there.
            Base::Known { .. } => self.read(declaration).await?,
            read @ Base::Read(_) => read,
        };
        let Base::Read(existing) = base else {
            return Err(Error::new(Step::Read, Kind::Transient, "the target was not read"));
        };
        self.write_over(declaration, rendered, existing.as_deref(), &last, inputs).await
    }

    /// A template that fails is no failure where it would not have been applied.
    async fn untemplated(
        &self,
        declaration: &Declaration,
        base: &Base,
        error: Error,
        ingredients: &Ingredients,
    ) -> Result<Written, Error> {
        if error.complaint() == Complaint::Update
            && let Base::Read(existing) = base
            && let Some(decision) = decide_untemplated(declaration, existing.as_deref())
        {
            let inputs = ingredients.inputs.clone();
            return self.carry_out(declaration, decision, existing.as_deref(), None, inputs).await;
        }
        self.give_up(declaration, base, error).await
    }

    /// What cannot be rendered leaves the target as it is, but for the label that ESO sets before it asks any store.
    async fn give_up(&self, declaration: &Declaration, base: &Base, error: Error) -> Result<Written, Error> {
        if let Base::Read(existing) = base {
            self.mark(declaration, existing.as_deref()).await;
        }
        Err(error)
    }

    async fn mark(&self, declaration: &Declaration, existing: Option<&Existing>) {
        let action = marked(existing);
        if matches!(action, Action::Leave) {
            return;
        }
        if let Err(why) = self.apply_target(declaration, &action).await {
            tracing::debug!(declaration.id = %declaration.id, "its target is not marked: {why}");
        }
    }

    /// The fast path: one request, conditional on the target being as it was left.
    async fn replace(
        &self,
        declaration: &Declaration,
        rendered: Rendered,
        resource_version: String,
        last: &Last<'_>,
        inputs: String,
    ) -> Result<Written, Error> {
        let digest = self.digest_of(&rendered);
        let (outcome, resource_version) = if last.has_digest(&digest) {
            (Outcome::Unchanged, resource_version)
        } else {
            let (id, target) = (&declaration.id, &declaration.target.name);
            let replacement = Replacement::of(&rendered);
            let clusters = self.ports.clusters();
            (Outcome::Written, clusters.replace(id, target, &resource_version, &replacement).await?)
        };
        Ok(Written { outcome, resource_version: Some(resource_version), digest: Some(digest), inputs })
    }

    async fn write_over(
        &self,
        declaration: &Declaration,
        mut rendered: Rendered,
        existing: Option<&Existing>,
        last: &Last<'_>,
        inputs: String,
    ) -> Result<Written, Error> {
        // Chance would give something else, but nothing has changed that calls for it.
        if let Some(existing) = existing.filter(|existing| existing.is_as_written())
            && rendered.random
            && last.same_digest().is_some()
        {
            existing.outlasts(&mut rendered);
        }
        let digest = self.digest_of(&rendered);
        let decision = decide(declaration, &rendered, existing);
        self.carry_out(declaration, decision, existing, Some(digest), inputs).await
    }

    async fn carry_out(
        &self,
        declaration: &Declaration,
        Decision { action, outcome }: Decision,
        existing: Option<&Existing>,
        digest: Option<String>,
        inputs: String,
    ) -> Result<Written, Error> {
        let resource_version = match &action {
            Action::Leave => existing.map(|existing| existing.resource_version.clone()),
            action => match self.apply_target(declaration, action).await {
                Err(error) if error.kind == Kind::Invalid => {
                    self.mark(declaration, existing).await;
                    return Err(error);
                }
                applied => applied?,
            },
        };
        let outcome = outcome.map_err(|refused| {
            Error::new(Step::Write, Kind::Invalid, refused.to_string()).complaining(refused.complaint())
        })?;
        // An API server adds defaults to what it takes, and keeps the version where a write then says nothing new.
        let stands = existing.is_some_and(|it| resource_version.as_ref() == Some(&it.resource_version));
        let outcome = if outcome == Outcome::Written && stands { Outcome::Unchanged } else { outcome };
        let digest = digest.filter(|_| matches!(outcome, Outcome::Written | Outcome::Unchanged));
        Ok(Written { outcome, resource_version, digest, inputs })
    }
}

/// What was written last, next to what there is to write now.
struct Last<'a> {
    record: Option<&'a Record>,
    /// Whether it was made from the same.
    same_inputs: bool,
}

impl<'a> Last<'a> {
    fn of(record: Option<&'a Record>, ingredients: &Ingredients) -> Self {
        let same_inputs = record.is_some_and(|record| record.inputs.as_ref() == Some(&ingredients.inputs));
        Self { record, same_inputs }
    }

    /// The digest of what was written, if it was made from the same.
    fn same_digest(&self) -> Option<String> {
        self.record.filter(|_| self.same_inputs)?.digest.clone()
    }

    fn has_digest(&self, digest: &str) -> bool {
        self.record.is_some_and(|record| record.digest.as_deref() == Some(digest))
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
    if same && Replacement::suits(declaration) { target.resource_version.clone() } else { None }
}
