//! Writes one target: renders what was read, and writes it on condition that the target is still as it was looked
//! at.

use crate::deliver::generate::unwritten;
use crate::deliver::plan::Plan;
use crate::deliver::render::Ingredients;
use crate::parts::Deliver;
use pawl_domain::reconcile::{
    Action, Decision, Deed, Existing, Replacement, decide, decide_untemplated, marked,
};
use pawl_domain::{Complaint, Declaration, Kind, Outcome, Record, Rendered, Step};
use pawl_ports::{Clock, Clusters, Error, Ports, TargetRef};

/// What a write is conditional on, looked at before anything is fetched.
#[derive(Clone, Debug)]
pub(crate) enum Base {
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
    /// What was done to the target, as Events tell of it.
    pub(crate) deed: Deed,
}

/// How far a write came.
pub(crate) enum Progress {
    /// Whatever there was to do is done.
    Done(Written),
    /// The target is to be created, once that is noted.
    Creates(Box<Creation>),
}

/// A target that is to be created.
pub(crate) struct Creation {
    decision: Decision,
    digest: Option<String>,
    inputs: String,
}

impl<P: Ports> Deliver<P> {
    /// Reads the target as it stands.
    pub(crate) async fn read(&self, declaration: &Declaration) -> Result<Base, Error> {
        self.base
            .read_target(TargetRef::of(declaration))
            .await
            .map(|existing| Base::Read(existing.map(Box::new)))
    }

    /// Renders one target, and writes it unless it is to be created.
    pub(crate) async fn write(
        &self,
        plan: &mut Plan,
        base: Base,
        ingredients: &mut Result<Ingredients, Error>,
    ) -> Result<Progress, Error> {
        let ingredients = match ingredients {
            Ok(ingredients) => ingredients,
            Err(error) => return Err(self.give_up(&plan.declaration, &base, error.shared()).await),
        };
        let record = plan.record().cloned();
        if ingredients.intended.is_any() {
            if let Some(progress) = self.write_unmade(plan, record.as_ref(), &base, ingredients).await? {
                return Ok(progress);
            }
            if let Err(error) = self.generate(plan, ingredients).await {
                return Err(self.give_up(&plan.declaration, &base, error).await);
            }
        }
        let last = Last::of(record.as_ref(), ingredients);
        let declaration = &plan.declaration;
        if let (Base::Known { resource_version }, Some(digest)) = (&base, last.same_digest()) {
            return Ok(Progress::Done(Written {
                outcome: Outcome::Unchanged,
                resource_version: Some(resource_version.clone()),
                digest: Some(digest),
                inputs: ingredients.inputs.clone(),
                deed: Deed::Nothing,
            }));
        }
        let standing = !matches!(base, Base::Read(None));
        let rendered = match self.render(declaration, ingredients, standing).await {
            Ok(rendered) => rendered,
            Err(error) => return self.untemplated(declaration, &base, error, ingredients).await,
        };
        if ingredients.intended.is_any() {
            self.remember(plan, ingredients, &rendered);
        }
        let declaration = &plan.declaration;
        let inputs = ingredients.inputs.clone();
        let existing = match base {
            Base::Known { resource_version } if !rendered.assembled_is_empty => {
                let replacing = self.replace(declaration, rendered, resource_version, &last, inputs);
                return replacing.await.map(Progress::Done);
            }
            // Nothing is left to write: what becomes of the target depends on what stands there.
            Base::Known { .. } => match self.base.read_target(TargetRef::of(declaration)).await? {
                Some(existing) => Some(Box::new(existing)),
                None => {
                    let message = "the target is gone since it was written; it is looked at again";
                    return Err(Error::new(Step::Read, Kind::Conflict, message));
                }
            },
            Base::Read(existing) => existing,
        };
        self.write_over(declaration, rendered, existing.as_deref(), &last, inputs).await
    }

    /// What is written although no generator makes anything: what was made before stays, or nothing can be written.
    /// `None` where something must be made.
    async fn write_unmade(
        &self,
        plan: &Plan,
        record: Option<&Record>,
        base: &Base,
        ingredients: &Ingredients,
    ) -> Result<Option<Progress>, Error> {
        let (declaration, last) = (&plan.declaration, Last::of(record, ingredients));
        let inputs = ingredients.inputs.clone();
        let existing = match base {
            Base::Known { resource_version } => {
                return Ok(last.same_digest().map(|digest| {
                    let resource_version = Some(resource_version.clone());
                    let (outcome, digest, deed) = (Outcome::Unchanged, Some(digest), Deed::Nothing);
                    Progress::Done(Written { outcome, resource_version, digest, inputs, deed })
                }));
            }
            Base::Read(existing) => existing.as_deref(),
        };
        if let Some(existing) = existing
            && let Some(kept) = self.kept(plan, ingredients, existing)
        {
            return self.write_over(declaration, kept, Some(existing), &last, inputs).await.map(Some);
        }
        match unwritten(declaration, existing) {
            Some(decision) => self.carry_out(declaration, decision, existing, None, inputs).await.map(Some),
            None => Ok(None),
        }
    }

    /// A template that fails is no failure where it would not have been applied.
    async fn untemplated(
        &self,
        declaration: &Declaration,
        base: &Base,
        error: Error,
        ingredients: &Ingredients,
    ) -> Result<Progress, Error> {
        if error.complaint() == Complaint::Update
            && let Base::Read(existing) = base
            && let Some(decision) = decide_untemplated(declaration, existing.as_deref())
        {
            let inputs = ingredients.inputs.clone();
            return self.carry_out(declaration, decision, existing.as_deref(), None, inputs).await;
        }
        Err(self.give_up(declaration, base, error).await)
    }

    /// What cannot be rendered leaves the target as it is, but for the label that ESO sets before it asks any store.
    async fn give_up(&self, declaration: &Declaration, base: &Base, error: Error) -> Error {
        if let Base::Read(existing) = base {
            self.mark(declaration, existing.as_deref()).await;
        }
        error
    }

    async fn mark(&self, declaration: &Declaration, existing: Option<&Existing>) {
        let action = marked(existing);
        if matches!(action, Action::Leave) {
            return;
        }
        if let Err(why) = self.base.apply_target(TargetRef::of(declaration), &action).await {
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
            let replacement = Replacement::of(declaration, &rendered);
            let call = self.base.ports.clusters().replace(id, target, &resource_version, &replacement);
            (Outcome::Written, self.base.at_cluster(&id.cluster, Step::Write, call).await?)
        };
        let deed = if outcome == Outcome::Written { Deed::Updated } else { Deed::Nothing };
        Ok(Written { outcome, resource_version: Some(resource_version), digest: Some(digest), inputs, deed })
    }

    async fn write_over(
        &self,
        declaration: &Declaration,
        mut rendered: Rendered,
        existing: Option<&Existing>,
        last: &Last<'_>,
        inputs: String,
    ) -> Result<Progress, Error> {
        if let (Some(existing), Some(digest)) = (existing, last.same_digest()) {
            // Chance would give something else, but nothing has changed that calls for it.
            if rendered.random && existing.is_as_written() && self.is_recorded(existing, &rendered, &digest) {
                existing.outlasts(&mut rendered);
            }
            let refreshed = last.record.and_then(|record| record.refreshed);
            if existing.is_left(declaration, &rendered, refreshed, self.base.ports.clock().now()) {
                let decision = Decision { action: Action::Leave, outcome: Ok(Outcome::Unchanged) };
                return self.carry_out(declaration, decision, Some(existing), Some(digest), inputs).await;
            }
        }
        let digest = self.digest_of(&rendered);
        let decision = decide(declaration, &rendered, existing);
        self.carry_out(declaration, decision, existing, Some(digest), inputs).await
    }

    /// Whether what stands there is what was written when this digest was recorded. Whoever wrote since may have died before
    /// that was recorded. Of objects that are no Secrets that cannot be told.
    fn is_recorded(&self, existing: &Existing, rendered: &Rendered, digest: &str) -> bool {
        let mut standing = rendered.clone();
        existing.outlasts(&mut standing);
        // Labels and annotations that somebody edited make no other value.
        let (labels, annotations) = (rendered.labels.clone(), rendered.annotations.clone());
        let unedited = Rendered { labels, annotations, ..standing.clone() };
        existing.content.is_some() || [standing, unedited].iter().any(|it| self.digest_of(it) == digest)
    }

    async fn carry_out(
        &self,
        declaration: &Declaration,
        decision: Decision,
        existing: Option<&Existing>,
        digest: Option<String>,
        inputs: String,
    ) -> Result<Progress, Error> {
        if matches!(decision.action, Action::Create(_)) {
            return Ok(Progress::Creates(Box::new(Creation { decision, digest, inputs })));
        }
        self.act(declaration, decision, existing, digest, inputs).await.map(Progress::Done)
    }

    /// Creates a target.
    pub(crate) async fn create(
        &self,
        declaration: &Declaration,
        Creation { decision, digest, inputs }: Creation,
    ) -> Result<Written, Error> {
        self.act(declaration, decision, None, digest, inputs).await
    }

    async fn act(
        &self,
        declaration: &Declaration,
        Decision { action, outcome }: Decision,
        existing: Option<&Existing>,
        digest: Option<String>,
        inputs: String,
    ) -> Result<Written, Error> {
        let resource_version = match &action {
            Action::Leave => existing.map(|existing| existing.resource_version.clone()),
            action => match self.base.apply_target(TargetRef::of(declaration), action).await {
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
        let deed = if outcome == Outcome::Unchanged { Deed::Nothing } else { action.deed(existing) };
        let digest = digest.filter(|_| matches!(outcome, Outcome::Written | Outcome::Unchanged));
        Ok(Written { outcome, resource_version, digest, inputs, deed })
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
