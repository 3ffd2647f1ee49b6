//! What a delivery would do to its targets at this moment: everything of it is done but the writing. Values are read and
//! rendered; of them only keyed digests leave this file.

pub mod forecast;
pub mod survey;

use crate::base::lanes::Lanes;
use crate::deliver::attempt::Looked;
use crate::deliver::delivery::Delivery;
use crate::deliver::fetch::{AT_ONCE, Fetching};
use crate::deliver::plan::{Plan, Work};
use crate::deliver::templates::Templating;
use crate::deliver::write::Base;
use crate::parts::Rehearse;
use futures::future::join_all;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::hash::created_by;
use pawl_domain::reconcile::{
    Action, CREATED_BY_LABEL, Content, DATA_HASH_ANNOTATION, Decision, Desired, Existing, Parts, decide,
    decide_untemplated,
};
use pawl_domain::{ClusterName, Complaint, Declaration, DeclarationId, Home, Kind, SecretValue, Step, Store};
use pawl_ports::{Clock, Error, Ledger, Ports, TargetRef};
use std::collections::{BTreeMap, BTreeSet};

/// The digits of a digest that are shown: enough that two values are not taken for one, too few to be of other use.
const DIGITS: usize = 16;

/// What would become of one target.
#[derive(Debug)]
pub struct Rehearsal {
    /// The declaration.
    pub id: DeclarationId,
    /// The target's kind and name, such as `Secret db`.
    pub target: String,
    /// What a delivery would do, or why it would fail.
    pub would: Result<Would, Error>,
}

/// What a delivery would do to a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Would {
    /// What it comes to.
    pub intent: Intent,
    /// Why not all of it would be done, where something stands in the way.
    pub refused: Option<String>,
    /// What would not stay as it stands, in order.
    pub fields: Vec<Field>,
}

impl Would {
    /// Nothing but this.
    pub(crate) fn only(intent: Intent) -> Self {
        Self { intent, refused: None, fields: Vec::new() }
    }

    /// Whether the target stands as it is declared.
    pub fn is_nothing(&self) -> bool {
        self.intent == Intent::Leave && self.refused.is_none()
    }
}

/// What a delivery comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intent {
    /// The target would be created.
    Create,
    /// It would be changed.
    Change,
    /// It would be deleted.
    Delete,
    /// It would be left as it stands.
    Leave,
    /// Its cluster is not registered yet, so nobody can look.
    Unseen,
}

/// One entry of a target that would not stay as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// What it is an entry of: `data`, `label`, `annotation`, `field` of an object that is no Secret, `type`, …
    pub part: &'static str,
    /// Its key; empty where the part has none.
    pub key: String,
    /// A keyed digest of what stands there; `None` where nothing does. Equal values have equal digests, in all clusters.
    pub standing: Option<String>,
    /// The same of what would stand there.
    pub wanted: Option<String>,
}

impl<P: Ports> Rehearse<P> {
    pub(crate) async fn run(
        &self,
        declarations: Vec<Declaration>,
        given: &[Store],
    ) -> Result<Vec<Rehearsal>, Error> {
        // With care no target is taken for what the ledger says of it.
        let careful = self.deliver.with_care();
        let base = &careful.base;
        let now = base.ports.clock().now();
        let mut entries = base.ports.ledger().entries_of(&declarations).await?;
        let stores = base.stores_of(&declarations).await?.with(given);
        let work = Work { change: None, since: now, started: now };
        let plan = |declaration: Declaration| {
            let entry = entries.remove(&declaration.id);
            Plan::of(declaration, entry, &work, &stores)
        };
        let plans: Vec<Plan> = declarations.into_iter().map(plan).collect();
        let delivery = Delivery {
            stores: &stores,
            started: now,
            clusters: Lanes::new(base.settings.concurrency),
            locations: Lanes::new(AT_ONCE),
        };
        let looked = join_all(plans.into_iter().map(|plan| careful.look(plan, &delivery))).await;
        let wanting: Vec<&Plan> = looked.iter().filter(|it| it.base.is_ok()).map(|it| &it.plan).collect();
        let fetching = careful.fetching(&wanting, &delivery.locations);
        let templating = careful.templating(&wanting, &delivery.clusters);
        let rehearsing = looked.iter().map(async |looked| Rehearsal {
            id: looked.plan.declaration.id.clone(),
            target: target_of(&looked.plan.declaration),
            would: self.would(looked, &fetching, &templating).await,
        });
        Ok(join_all(rehearsing).await)
    }

    /// What removing these declarations would do to their targets.
    pub(crate) async fn removal(&self, declarations: &[Declaration]) -> Vec<Rehearsal> {
        let clusters: Lanes<ClusterName> = Lanes::new(self.deliver.base.settings.concurrency);
        let rehearsing = declarations.iter().map(async |each| {
            let _turn = clusters.enter(&each.id.cluster).await;
            let would = match self.deliver.base.read_target(TargetRef::of(each)).await {
                Ok(Some(existing)) if goes_with(each, &existing) => Ok(Would {
                    fields: self.differing(Some(&existing), &Desired::default(), DATA),
                    ..Would::only(Intent::Delete)
                }),
                Ok(_) => Ok(Would::only(Intent::Leave)),
                Err(error) => Err(error),
            };
            Rehearsal { id: each.id.clone(), target: target_of(each), would }
        });
        join_all(rehearsing).await
    }

    async fn would(
        &self,
        looked: &Looked,
        fetching: &Fetching<'_>,
        templating: &Templating<'_>,
    ) -> Result<Would, Error> {
        let Looked { plan, base } = looked;
        let Base::Read(existing) = base.as_ref().map_err(Error::shared)? else {
            // Who takes care reads each target.
            return Err(Error::new(Step::Read, Kind::Transient, "its target was not read; ask again"));
        };
        let (declaration, existing) = (&plan.declaration, existing.as_deref());
        let (catch, templates) = futures::join!(fetching.of(plan), templating.of(plan));
        let ingredients = self.deliver.ingredients(plan, &catch, &templates)?;
        let decision = match self.deliver.render(declaration, &ingredients, existing.is_some()).await {
            Ok(mut rendered) => {
                let inputs = plan.record().and_then(|record| record.inputs.as_ref());
                // What chance made stays while nothing else changes.
                if let Some(existing) = existing
                    && rendered.random
                    && existing.is_as_written()
                    && inputs == Some(&ingredients.inputs)
                {
                    existing.outlasts(&mut rendered);
                }
                decide(declaration, &rendered, existing)
            }
            Err(error) if error.complaint() == Complaint::Update => {
                decide_untemplated(declaration, existing).ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        Ok(self.would_by(existing, &decision))
    }

    fn would_by(&self, existing: Option<&Existing>, decision: &Decision) -> Would {
        let refused = decision.outcome.as_ref().err().map(ToString::to_string);
        let (intent, fields) = match &decision.action {
            Action::Create(desired) => (Intent::Create, self.differing(None, desired, Parts::ALL)),
            Action::Update { desired, parts, .. } => {
                (Intent::Change, self.differing(existing, desired, *parts))
            }
            Action::Delete { .. } => (Intent::Delete, self.differing(existing, &Desired::default(), DATA)),
            Action::Leave => (Intent::Leave, Vec::new()),
        };
        Would { intent, refused, fields }
    }

    /// The entries of these parts that differ.
    fn differing(&self, existing: Option<&Existing>, desired: &Desired, parts: Parts) -> Vec<Field> {
        let nothing = Existing::default();
        let standing = existing.unwrap_or(&nothing);
        let mut fields = Vec::new();
        let mut compare = |part, standing: BTreeMap<String, String>, wanted: BTreeMap<String, String>| {
            let keys: BTreeSet<&String> = standing.keys().chain(wanted.keys()).collect();
            let differing = keys.into_iter().filter(|key| standing.get(*key) != wanted.get(*key));
            fields.extend(differing.map(|key| Field {
                part,
                key: key.clone(),
                standing: standing.get(key).cloned(),
                wanted: wanted.get(key).cloned(),
            }));
        };
        if parts.data {
            compare("data", self.of_data(&standing.data), self.of_data(&desired.data));
        }
        if parts.content {
            let of = |content: Option<&Content>| self.of_content(content);
            compare("field", of(standing.content.as_ref()), of(desired.content.as_ref()));
        }
        if parts.labels {
            compare("label", self.of_texts(&standing.labels), self.of_texts(&desired.labels));
        }
        if parts.annotations {
            let (mut standing, mut wanted) =
                (self.of_texts(&standing.annotations), self.of_texts(&desired.annotations));
            // It says what the data say.
            if parts.data || parts.content {
                standing.remove(DATA_HASH_ANNOTATION);
                wanted.remove(DATA_HASH_ANNOTATION);
            }
            compare("annotation", standing, wanted);
        }
        for (part, differs) in [
            ("type", parts.kind && existing.is_some()),
            ("finalizers", parts.finalizers && standing.finalizers != desired.finalizers),
            ("owner", parts.owners && standing.owners != desired.owners),
            ("immutable", parts.immutable && standing.immutable != desired.immutable),
        ] {
            if differs {
                fields.push(Field { part, key: String::new(), standing: None, wanted: None });
            }
        }
        fields
    }

    fn of_data(&self, data: &BTreeMap<String, SecretValue>) -> BTreeMap<String, String> {
        data.iter().map(|(key, value)| (key.clone(), self.shown(value.expose()))).collect()
    }

    /// Templates may put values into labels and annotations.
    fn of_texts(&self, texts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        texts.iter().map(|(key, text)| (key.clone(), self.shown(text.as_bytes()))).collect()
    }

    fn of_content(&self, content: Option<&Content>) -> BTreeMap<String, String> {
        let fields = content.into_iter().flat_map(|content| content.expose());
        let of_field = |(field, value): (&String, &serde_json::Value)| {
            (field.clone(), self.shown(SecretValue::new(value.to_string()).expose()))
        };
        fields.map(of_field).collect()
    }

    /// The beginning of a keyed digest, so that a short value cannot be guessed from it.
    fn shown(&self, bytes: &[u8]) -> String {
        let mut digest = self.deliver.base.digest_key.parts().with("shown").with(bytes).digest();
        digest.truncate(DIGITS);
        digest
    }
}

/// The parts of a target that are told where it goes.
const DATA: Parts = Parts {
    data: true,
    content: true,
    kind: false,
    labels: false,
    annotations: false,
    finalizers: false,
    owners: false,
    immutable: false,
};

/// Whether a target is deleted when its declaration is removed: what it made and owns, and what lives in a cluster is the
/// cluster's to collect.
fn goes_with(declaration: &Declaration, existing: &Existing) -> bool {
    let DeclarationId { namespace, name, .. } = &declaration.id;
    declaration.target.creation == CreationPolicy::Owner
        && declaration.home == Home::Applied
        && existing.labels.get(CREATED_BY_LABEL) == Some(&created_by(namespace.as_str(), name.as_str()))
}

/// A target's kind and name.
pub(crate) fn target_of(declaration: &Declaration) -> String {
    let kind = declaration.target.generic().map_or("Secret", |kind| kind.kind.as_str());
    format!("{kind} {}", declaration.target.name)
}
