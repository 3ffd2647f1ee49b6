//! Makes what generators make: only when it is due, and only for a target that is going to be written.
//!
//! Nobody keeps a generated value but the target. So the ledger remembers by what it was made, when, and until when it is
//! good. While that holds and all else that the data are made of stays, what stands in the target stays as well; that it
//! still stands there, its digest tells. Everything else makes it anew: the clock, another generator, `force-sync`, another
//! template or value beside it, and a target whose data somebody changed or deleted, for nobody else has them.

use crate::deliver::plan::{Plan, Question};
use crate::deliver::render::Ingredients;
use crate::parts::Deliver;
use jiff::Timestamp;
use pawl_domain::reconcile::{Decision, Existing, decide, decide_untemplated};
use pawl_domain::record::{Generated, Made};
use pawl_domain::render::Entry;
use pawl_domain::{Declaration, Fetched, Found, Provider, Query, Rendered, SecretValue, Version};
use pawl_ports::{Error, Generation, Generators, Ports};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl<P: Ports> Deliver<P> {
    /// What was generated before, out of the target that holds it, where it may stay.
    pub(crate) fn kept(
        &self,
        plan: &Plan,
        ingredients: &Ingredients,
        existing: &Existing,
    ) -> Option<Rendered> {
        let record = plan.record()?;
        let Generated { basis, data, digest, labels, annotations, .. } = &record.generated;
        if !ingredients.intended.is_good || *basis != ingredients.intended.basis {
            return None;
        }
        let rendered = Rendered {
            data: taken(data, &existing.data)?,
            placed: existing.content.as_ref().map(|content| content.placements()).unwrap_or_default(),
            labels: left(labels, &existing.labels),
            annotations: left(annotations, &existing.annotations),
            assembled_is_empty: false,
            templated: plan.declaration.target.template.is_some(),
            random: false,
        };
        // Of an object that is no Secret only its own hash tells whether it stands as it was written.
        let stands = match existing.content {
            Some(_) => existing.is_as_written(),
            None if digest.is_empty() => record.digest.as_ref() == Some(&self.digest_of(&rendered)),
            None => !data.is_empty() && *digest == self.digest_of_data(&rendered),
        };
        stands.then_some(rendered)
    }

    /// Makes everything that this delivery has not made yet.
    ///
    /// # Errors
    /// The first generator that failed, in ESO's words as far as it has any. What the others made is not made again.
    pub(crate) async fn generate(&self, plan: &mut Plan, ingredients: &mut Ingredients) -> Result<(), Error> {
        for (position, by) in &ingredients.intended.by {
            if !plan.making.made.contains_key(position) {
                let generation = self.generated(plan, *position).await?;
                let Generation { values, expires } = generation;
                let made = Made { by: by.clone(), at: plan.started, expires };
                let found = found(values, plan.started);
                plan.making.made.insert(*position, (made, found));
            }
        }
        for (position, (_, found)) in &plan.making.made {
            if let Some(place) = ingredients.values.0.get_mut(*position) {
                *place = found.clone();
            }
        }
        ingredients.mark(self.base.digest_key.parts(), self.marks(plan, &ingredients.intended));
        Ok(())
    }

    async fn generated(&self, plan: &Plan, position: usize) -> Result<Generation, Error> {
        let declaration = &plan.declaration;
        let (Some(read), Some(Ok(planned))) = (declaration.reads.get(position), plan.reads.get(position))
        else {
            return Ok(Generation::default());
        };
        let Question::Generate(access, _) = &planned.question else { return Ok(Generation::default()) };
        let made = self.base.at_store(access, self.base.ports.generators().generate(access)).await;
        let outcome = if made.is_ok() { "made" } else { "failed" };
        metrics::counter!("pawl_generated_total", "outcome" => outcome).increment(1);
        made.map_err(|error| error.within(&format!("error processing {}, err: ", Entry::of(read))))
    }

    fn digest_of_data(&self, rendered: &Rendered) -> String {
        self.digest_of(&Rendered { data: rendered.data.clone(), ..Rendered::default() })
    }

    /// Notes what the ledger is to remember of what was made, by what was rendered of it.
    pub(crate) fn remember(&self, plan: &mut Plan, ingredients: &Ingredients, rendered: &Rendered) {
        let made = plan.making.made.values().map(|(made, _)| made.clone()).collect();
        plan.making.generated = Some(Generated {
            made,
            basis: ingredients.intended.basis.clone(),
            data: rendered.data.keys().cloned().collect(),
            digest: self.digest_of_data(rendered),
            labels: rendered.labels.keys().cloned().collect(),
            annotations: rendered.annotations.keys().cloned().collect(),
        });
    }
}

/// What happens to a target that nothing is rendered for, or that is refused whatever is: then nothing is made.
pub(crate) fn unwritten(declaration: &Declaration, existing: Option<&Existing>) -> Option<Decision> {
    decide_untemplated(declaration, existing).or_else(|| {
        let decision = decide(declaration, &Rendered::default(), existing);
        decision.outcome.is_err().then_some(decision)
    })
}

/// What the ledger is to remember of generators after a delivery that went well.
pub(crate) fn remembered(plan: &Plan) -> Generated {
    let last = || plan.record().map(|record| record.generated.clone()).unwrap_or_default();
    match plan.declaration.generates() {
        true => plan.making.generated.clone().unwrap_or_else(last),
        false => Generated::default(),
    }
}

/// For each read of a declaration the version of what was made for it; `None` for what was read.
pub(crate) fn versions(declaration: &Declaration, generated: &Generated) -> Vec<Option<Version>> {
    let mut made = generated.made.iter();
    let version = |at: Timestamp| Version { id: at.to_string(), since: Some(at) };
    let of_read = |query: &Query| match query {
        Query::Generate => made.next().map(|made| version(made.at)),
        Query::Key(_) | Query::Find(_) => None,
    };
    declaration.reads.iter().map(|read| &read.query).map(of_read).collect()
}

fn found(values: BTreeMap<String, SecretValue>, at: Timestamp) -> Found {
    let fetched = |value| {
        let version = Version { id: at.to_string(), since: Some(at) };
        Arc::new(Fetched { provider: Provider::Generator, value, version, labels: Vec::new() })
    };
    Found::Many(values.into_iter().map(|(key, value)| (key, fetched(value))).collect())
}

/// Those of these texts that are still there. A template made them of values that nobody has any more, so that a hand that
/// changed one is left alone, as in ESO.
fn left(names: &[String], of: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    names.iter().filter_map(|name| Some((name.clone(), of.get(name)?.clone()))).collect()
}

/// The entries of these names, if all of them are there.
fn taken<V: Clone>(names: &[String], of: &BTreeMap<String, V>) -> Option<BTreeMap<String, V>> {
    let names: BTreeSet<&String> = names.iter().collect();
    names.into_iter().map(|name| Some((name.clone(), of.get(name)?.clone()))).collect()
}
