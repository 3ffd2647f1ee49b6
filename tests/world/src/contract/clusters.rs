//! The contract of [`Clusters`], as far as it is about targets.
//!
//! What only an API server can show (field managers of other tools, finalizers, admission, lists of declarations) is in the
//! tests of the adapter, which run on the embedded and on a real API server.

use crate::build::{cluster_name, declaration, id, namespace, object_name};
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::hash::data_hash;
use pawl_domain::reconcile::{
    Action, CREATED_BY_LABEL, DATA_HASH_ANNOTATION, Desired, Existing, MANAGED_LABEL, Parts, Replacement,
    decide,
};
use pawl_domain::{Complaint, Declaration, DeclarationId, Kind, ObjectName, Rendered, SecretValue, Step};
use pawl_ports::{Clusters, Error, TargetRef, TemplateKind};
use std::collections::BTreeMap;

/// A cluster `blue` without anything of the suite in it, and the people who work there.
pub trait Backstage {
    /// What is held to the contract.
    type Clusters: Clusters;

    /// What is held to the contract.
    fn clusters(&self) -> &Self::Clusters;

    /// Somebody makes a namespace with this label.
    fn namespace(&self, name: &str, label: (&str, &str)) -> impl Future<Output = ()>;

    /// Somebody makes a Secret or edits it.
    fn edit(&self, namespace: &str, name: &str, edit: Edit<'_>) -> impl Future<Output = ()>;

    /// Somebody makes a ConfigMap.
    fn config_map(&self, namespace: &str, name: &str, data: (&str, &str)) -> impl Future<Output = ()>;
}

/// What somebody does to a Secret.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'a> {
    /// Makes it, with one label and this in its data.
    Make((&'a str, &'a str)),
    /// Sets a label.
    Label(&'a str, &'a str),
    /// Takes all annotations away.
    NoAnnotations,
    /// Makes it immutable.
    Freeze,
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Runs every case, each in a namespace of its own.
pub async fn suite<B: Backstage>(stage: &B) {
    targets_are_created_once_and_read_back(stage).await;
    updates_are_conditional_and_touch_what_differs(stage).await;
    replacements_are_conditional_and_read_nothing(stage).await;
    what_others_wrote_stays_under_merge(stage).await;
    immutable_targets_keep_their_data(stage).await;
    deletions_are_conditional(stage).await;
    only_owned_targets_go_with_their_declaration(stage).await;
    managed_targets_are_listed(stage).await;
    what_cannot_be_a_secret_is_refused(stage).await;
    namespaces_and_templates_are_read(stage).await;
}

async fn targets_are_created_once_and_read_back<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-create").await;
    assert!(case.read().await.is_none(), "what is not there is not read");
    let mut create = case.action(&[("a", "1"), ("empty", "")], None);
    let Action::Create(desired) = &mut create else { panic!("there is nothing to update") };
    let all: Vec<u8> = (0..=255).collect();
    desired.data.insert("bytes".to_owned(), SecretValue::new(all));
    let desired = desired.clone();
    let version = case.apply(&create).await.expect("a creation").expect("its version");
    let found = case.standing().await;
    assert_eq!(found.resource_version, version, "a creation tells the version that stands then");
    assert_eq!(
        (&found.data, &found.labels, &found.annotations),
        (&desired.data, &desired.labels, &desired.annotations),
        "a Secret is read as it was written"
    );
    assert_eq!((found.kind.as_str(), found.immutable), ("Opaque", false));
    assert!(found.own.data.iter().eq(["a", "bytes", "empty"]), "the writer owns what it wrote");
    assert!(found.own.annotations.contains(DATA_HASH_ANNOTATION), "and its annotations");
    assert_eq!(kind(case.apply(&create).await), (Step::Write, Kind::Conflict), "it was made before");
    assert_eq!(case.apply(&Action::Leave).await.expect("nothing to do"), None);

    let nowhere = id("blue/contract-no-such-namespace/es");
    let clusters = stage.clusters();
    assert!(clusters.read(TargetRef::secret(&nowhere, &case.target)).await.expect("a read").is_none());
    let created = clusters.apply(TargetRef::secret(&nowhere, &case.target), &create).await;
    assert_eq!(kind(created), (Step::Write, Kind::NotFound), "a namespace that does not exist");
    let elsewhere = clusters.read(TargetRef::secret(&id("green/contract-create/es"), &case.target)).await;
    assert_eq!(kind(elsewhere).1, Kind::NotFound, "a cluster that nobody declared");
}

async fn updates_are_conditional_and_touch_what_differs<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-update").await;
    let first = case.write(&[("a", "1"), ("b", "1")]).await;
    let update = case.action(&[("a", "2")], Some(&case.standing().await));
    let second = case.apply(&update).await.expect("an update").expect("its version");
    assert_ne!(first, second);
    let found = case.standing().await;
    assert_eq!((&found.resource_version, &found.data), (&second, &data(&[("a", "2")])));
    assert_eq!(found.annotations[DATA_HASH_ANNOTATION], data_hash(&found.data));
    assert_eq!(kind(case.apply(&update).await), (Step::Write, Kind::Conflict), "decided on what is gone");
    assert_eq!(case.standing().await.resource_version, second, "a conflict changes nothing");
    let gone =
        stage.clusters().apply(TargetRef::secret(&case.declaration.id, &object_name("gone")), &update).await;
    assert_eq!(kind(gone), (Step::Write, Kind::Conflict), "a target that is gone");

    stage.edit("contract-update", "db", Edit::Label("theirs", "1")).await;
    let standing = case.standing().await;
    let desired = Desired {
        annotations: [("x".to_owned(), "y".to_owned())].into(),
        data: data(&[("not", "written")]),
        immutable: true,
        ..Desired::default()
    };
    let parts = Parts { annotations: true, ..Parts::default() };
    let resource_version = standing.resource_version.clone();
    case.apply(&Action::Update { resource_version, desired, parts }).await.expect("an update");
    let found = case.standing().await;
    assert_eq!((found.data, found.labels, found.immutable), (standing.data, standing.labels, false));
    assert!(found.annotations.into_iter().eq([("x".to_owned(), "y".to_owned())]));
}

async fn replacements_are_conditional_and_read_nothing<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-replace").await;
    let first = case.write(&[("a", "1"), ("b", "1")]).await;
    let second = case.replace(&first, &[("a", "2")]).await.expect("a replacement");
    let found = case.standing().await;
    assert_eq!((&found.resource_version, &found.data), (&second, &data(&[("a", "2")])));
    assert_eq!(found.annotations[DATA_HASH_ANNOTATION], data_hash(&found.data));
    assert_eq!(found.labels[MANAGED_LABEL], "true", "labels stay");
    assert!(found.own.data.iter().eq(["a"]), "what was taken away is owned no more");
    assert_eq!(case.replace(&second, &[("a", "2")]).await.expect("the same"), second, "no new version");
    let stale = case.replace(&first, &[("a", "old")]).await;
    assert_eq!(kind(stale), (Step::Write, Kind::Conflict), "decided on what is gone");
    stage.edit("contract-replace", "db", Edit::NoAnnotations).await;
    assert_eq!(kind(case.replace(&second, &[("a", "3")]).await), (Step::Write, Kind::Conflict));
    assert_eq!(case.standing().await.data, data(&[("a", "2")]), "a conflict changes nothing");
    let gone = case.other("gone").replace(&second, &[("a", "3")]).await;
    assert_eq!(kind(gone), (Step::Write, Kind::Conflict), "a target that is gone");
}

async fn what_others_wrote_stays_under_merge<B: Backstage>(stage: &B) {
    let mut case = Case::new(stage, "contract-merge").await;
    case.declaration.target.creation = CreationPolicy::Merge;
    stage.edit("contract-merge", "db", Edit::Make(("theirs", "1"))).await;
    for (pairs, want) in [
        (&[("a", "1"), ("b", "1")][..], &[("a", "1"), ("b", "1"), ("theirs", "1")][..]),
        (&[("a", "2")][..], &[("a", "2"), ("theirs", "1")][..]),
        (&[("c", "3")][..], &[("c", "3"), ("theirs", "1")][..]),
    ] {
        case.write(pairs).await;
        let found = case.standing().await;
        assert_eq!(found.data, data(want));
        assert_eq!(
            (found.labels["made"].as_str(), found.labels[MANAGED_LABEL].as_str()),
            ("by-hand", "true")
        );
        assert!(!found.own.data.contains("theirs"), "what others wrote is theirs");
    }
}

async fn immutable_targets_keep_their_data<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-immutable").await;
    case.write(&[("a", "1")]).await;
    stage.edit("contract-immutable", "db", Edit::Freeze).await;
    let frozen = case.standing().await;
    assert!(frozen.immutable);
    let replaced = case.replace(&frozen.resource_version, &[("a", "2")]).await;
    assert_eq!(kind(replaced), (Step::Write, Kind::Conflict), "whoever did not read it must read it");
    let decision = decide(&case.declaration, &Rendered::plain(data(&[("a", "2")])), Some(&frozen));
    case.apply(&decision.action).await.expect("its metadata can still be written");
    let found = case.standing().await;
    assert_eq!(found.annotations[DATA_HASH_ANNOTATION], data_hash(&data(&[("a", "2")])));
    assert_eq!(found.data, frozen.data);
    // Frozen between the look and the write.
    let thawed = Existing { immutable: false, ..found };
    let refused = case.apply(&case.action(&[("a", "3")], Some(&thawed))).await.map(drop).expect_err("frozen");
    assert_eq!((refused.step, refused.kind), (Step::Write, Kind::Invalid));
    assert_eq!(refused.complaint(), Complaint::Immutable);
}

async fn deletions_are_conditional<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-delete").await;
    case.write(&[("a", "1")]).await;
    let old = case.standing().await;
    stage.edit("contract-delete", "db", Edit::Label("theirs", "1")).await;
    let new = case.standing().await;
    assert_eq!(old.uid, new.uid);
    for (uid, version) in [(&old.uid, &old.resource_version), (&"other".to_owned(), &new.resource_version)] {
        assert_eq!(kind(case.apply(&delete(uid, version)).await), (Step::Write, Kind::Conflict));
    }
    let present = delete(&new.uid, &new.resource_version);
    assert_eq!(case.apply(&present).await.expect("a deletion"), None);
    assert!(case.read().await.is_none());
    assert_eq!(kind(case.apply(&present).await), (Step::Write, Kind::Conflict), "it is gone already");
}

async fn only_owned_targets_go_with_their_declaration<B: Backstage>(stage: &B) {
    let mut case = Case::new(stage, "contract-owned").await;
    let (clusters, target) = (stage.clusters(), case.target.clone());
    let delete = async |id: &DeclarationId| {
        clusters.delete_owned(TargetRef::secret(id, &target)).await.expect("a deletion")
    };
    assert!(!delete(&case.declaration.id).await, "there is none");
    case.write(&[("a", "1")]).await;
    assert!(!delete(&id("blue/contract-owned/other")).await, "another declaration made it");
    assert!(delete(&case.declaration.id).await);
    assert!(case.read().await.is_none());
    case.declaration.target.creation = CreationPolicy::Orphan;
    case.write(&[("a", "1")]).await;
    assert!(!case.standing().await.labels.contains_key(CREATED_BY_LABEL));
    assert!(!delete(&case.declaration.id).await, "nobody owns an orphan");
}

async fn managed_targets_are_listed<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-managed").await;
    stage.edit("contract-managed", "theirs", Edit::Make(("a", "1"))).await;
    let version = case.write(&[("a", "1")]).await;
    let managed = stage.clusters().managed(&cluster_name("blue")).await.expect("a list");
    let here = managed.into_iter().filter(|((namespace, _), _)| namespace.as_str() == "contract-managed");
    let want = ((namespace("contract-managed"), object_name("db")), version);
    assert_eq!(here.collect::<Vec<_>>(), [want]);
    let unknown = stage.clusters().managed(&cluster_name("green")).await;
    assert_eq!(kind(unknown).1, Kind::NotFound, "a cluster that nobody declared");
}

async fn what_cannot_be_a_secret_is_refused<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-refused").await;
    let version = case.write(&[("a", "1")]).await;
    let large = "x".repeat(1024 * 1024 + 1);
    for pairs in [&[("not a key", "1")][..], &[("..", "1")][..], &[("a", large.as_str())][..]] {
        let created = case.other("new").apply(&case.action(pairs, None)).await;
        assert_eq!(kind(created), (Step::Write, Kind::Invalid));
        assert_eq!(kind(case.replace(&version, pairs).await), (Step::Write, Kind::Invalid));
    }
    assert_eq!(case.standing().await.resource_version, version, "what is refused changes nothing");
}

async fn namespaces_and_templates_are_read<B: Backstage>(stage: &B) {
    let case = Case::new(stage, "contract-read").await;
    let (clusters, blue) = (stage.clusters(), cluster_name("blue"));
    let labels = clusters.namespace_labels(&blue, &namespace("contract-read")).await.expect("labels");
    assert_eq!(labels.get("of").map(String::as_str), Some("contract-read"));
    let none = clusters.namespace_labels(&blue, &namespace("contract-no-such-namespace")).await;
    assert_eq!(kind(none).1, Kind::NotFound);

    stage.config_map("contract-read", "texts", ("a", "{{ .x }}")).await;
    stage.edit("contract-read", "texts", Edit::Make(("a", "{{ .y }}"))).await;
    let id = &case.declaration.id;
    for (kind_of, want) in [(TemplateKind::ConfigMap, "{{ .x }}"), (TemplateKind::Secret, "{{ .y }}")] {
        let found = clusters.template_source(id, kind_of, &object_name("texts")).await;
        assert_eq!(found.expect("templates"), data(&[("a", want)]));
        let missing = clusters.template_source(id, kind_of, &object_name("gone")).await;
        assert_eq!(kind(missing), (Step::Render, Kind::NotFound));
    }
}

/// A declaration `es` with target `db`, in a namespace of its own.
struct Case<'b, B> {
    stage: &'b B,
    declaration: Declaration,
    target: ObjectName,
}

impl<'b, B: Backstage> Case<'b, B> {
    async fn new(stage: &'b B, name: &str) -> Self {
        stage.namespace(name, ("of", name)).await;
        let declared = declaration(&format!("blue/{name}/es")).reads("app/db").target("db");
        Self { stage, declaration: declared.label("team", "shop").build(), target: object_name("db") }
    }

    /// The same with another target.
    fn other(&self, target: &str) -> Self {
        let declaration = self.declaration.clone();
        Self { stage: self.stage, declaration, target: object_name(target) }
    }

    fn action(&self, pairs: Pairs<'_>, existing: Option<&Existing>) -> Action {
        decide(&self.declaration, &Rendered::plain(data(pairs)), existing).action
    }

    async fn apply(&self, action: &Action) -> Result<Option<String>, Error> {
        self.stage.clusters().apply(TargetRef::secret(&self.declaration.id, &self.target), action).await
    }

    async fn replace(&self, version: &str, pairs: Pairs<'_>) -> Result<String, Error> {
        let replacement = Replacement::of(&self.declaration, &Rendered::plain(data(pairs)));
        self.stage.clusters().replace(&self.declaration.id, &self.target, version, &replacement).await
    }

    async fn read(&self) -> Option<Existing> {
        self.stage
            .clusters()
            .read(TargetRef::secret(&self.declaration.id, &self.target))
            .await
            .expect("a read")
    }

    async fn standing(&self) -> Existing {
        self.read().await.expect("the target stands there")
    }

    /// Looks and writes, and gives the version that stands then.
    async fn write(&self, pairs: Pairs<'_>) -> String {
        let existing = self.read().await;
        let action = self.action(pairs, existing.as_ref());
        self.apply(&action).await.expect("a write").expect("its version")
    }
}

fn data(pairs: Pairs<'_>) -> BTreeMap<String, SecretValue> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value))).collect()
}

fn kind(result: Result<impl Sized, Error>) -> (Step, Kind) {
    let error = result.map(drop).expect_err("this is refused");
    (error.step, error.kind)
}

fn delete(uid: &str, version: &str) -> Action {
    Action::Delete { uid: uid.to_owned(), resource_version: version.to_owned() }
}
