//! ClusterExternalSecrets in a cluster: their children come and go with the namespaces, and no failure takes one away.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{HOUR, Story, flow};
use pawl_domain::reconcile::Owner;
use pawl_domain::spread::{Child, Content, Parent, Selection, Told};
use pawl_domain::store::LabelSelector;
use pawl_domain::{Cluster, ClusterName, Home, Kind, Manifests, Namespace, ObjectName, Store};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Pipeline, Settings, Sightings};
use pawl_ports::{Ports, Sighting};
use pawl_world::build::{namespace, object_name};
use pawl_world::{Calls, Fault, Point, World, cluster, declaration, secrets_manager};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const TEAM: (&str, &str) = ("team", "shop");

fn name() -> ClusterName {
    "blue".parse().unwrap()
}

fn blue() -> Cluster {
    cluster("blue").indexed().build()
}

/// A cluster that is indexed, with these namespaces, of which those with a `+` are chosen.
fn scene(namespaces: &[&str], parents: &[Parent]) -> Story {
    let story = Story::new();
    story.world.add_cluster(cluster("blue").indexed());
    for text in namespaces {
        choose(&story, text.trim_start_matches('+'), text.starts_with('+'));
    }
    for parent in parents {
        story.world.clusters().set_parent(&name(), parent.clone());
    }
    story
}

fn choose(story: &Story, at: &str, chosen: bool) {
    let labels: &[(&str, &str)] = if chosen { &[TEAM] } else { &[] };
    story.world.clusters().set_namespace(&name(), &namespace(at), labels);
}

fn parent(called: &str) -> Parent {
    let labels = BTreeMap::from([(TEAM.0.to_owned(), TEAM.1.to_owned())]);
    let selectors = vec![LabelSelector { labels, expressions: Vec::new() }];
    Parent {
        name: object_name(called),
        uid: format!("uid-of-{called}"),
        resource_version: "1".to_owned(),
        child: object_name(called),
        selection: Ok(Selection { selectors, ..Selection::default() }),
        content: Content { spec: json!({ "data": [] }), ..Content::default() },
        finalizers: Vec::new(),
        deleting: false,
        told: Told::default(),
    }
}

fn on(story: &Story) -> Pipeline<World> {
    flow(&story.world, Settings { cluster_external_secrets: true, ..Settings::default() })
}

async fn index(story: &Story) -> IndexReport {
    let mut reports = on(story).index_clusters().await.unwrap();
    reports.remove(0).1.unwrap()
}

async fn follow(story: &Story) -> Result<(), pawl_ports::Error> {
    let mut seen = Sightings::default();
    seen.add(Sighting::Families);
    on(story).follow(&blue(), &seen).await
}

fn children(story: &Story) -> Vec<String> {
    story.world.clusters().children(&name()).into_keys().collect()
}

fn told(story: &Story, called: &str) -> Told {
    story.world.clusters().told(&name(), &object_name(called))
}

fn namespaces(names: &[&str]) -> BTreeSet<Namespace> {
    names.iter().map(|at| namespace(at)).collect()
}

fn failed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(at, why)| ((*at).to_owned(), (*why).to_owned())).collect()
}

fn db() -> ObjectName {
    object_name("db")
}

#[tokio::test(start_paused = true)]
async fn children_come_and_go_with_the_labels_of_namespaces() {
    let story = scene(&["+shop", "+till", "infra"], &[parent("db")]);
    let report = index(&story).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(children(&story), ["shop/db", "till/db"]);
    assert_eq!(told(&story, "db"), Told::of(&db(), namespaces(&["shop", "till"]), failed(&[])));
    let child = story.world.clusters().children(&name()).remove("shop/db").unwrap();
    let owner = Owner {
        api_version: "external-secrets.io/v1".to_owned(),
        kind: "ClusterExternalSecret".to_owned(),
        name: "db".to_owned(),
        uid: "uid-of-db".to_owned(),
        controller: true,
        block_owner_deletion: true,
    };
    assert_eq!((child.owners, child.content), (vec![owner], parent("db").content));

    choose(&story, "till", false);
    choose(&story, "infra", true);
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["infra/db", "shop/db"]);
    assert_eq!(told(&story, "db").provisioned, namespaces(&["infra", "shop"]));

    // Nothing is new: three lists, a look whether anything was applied, and not one write.
    story.world.forget_calls();
    follow(&story).await.unwrap();
    assert_eq!(story.world.calls(), Calls { family_reads: 3, registry_reads: 1, ..Calls::default() });
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_children_declare_is_written_and_goes_with_them() {
    let story = scene(&["+shop"], &[parent("db")]);
    story.world.rotate("app/db", story.value(1));
    index(&story).await;
    let home = || Home::Cluster(name());
    let store: Store = secrets_manager("aws").home(home()).into();
    let child = declaration("blue/shop/db").home(home()).reads("app/db").of_store(store.id.clone()).build();
    let stores = vec![store];
    let standing = Manifests { declarations: vec![child], stores, ..Manifests::default() };
    story.world.clusters().set_manifests(&name(), standing.clone());
    index(&story).await;
    story.work_off().await;
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    choose(&story, "shop", false);
    story.world.clusters().set_manifests(&name(), Manifests { declarations: Vec::new(), ..standing });
    let report = index(&story).await;
    assert!(children(&story).is_empty());
    assert_eq!(report.removed.len(), 1, "{report:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn switched_off_nobody_is_asked() {
    let story = scene(&["+shop"], &[parent("db")]);
    story.world.forget_calls();
    story.flow().index_clusters().await.unwrap();
    let mut seen = Sightings::default();
    seen.add(Sighting::Families);
    story.flow().follow(&blue(), &seen).await.unwrap();
    assert_eq!((story.world.calls().family_reads, children(&story).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_failed_deletes_nobody() {
    for point in [Point::NamespaceLabels, Point::Family] {
        for kind in [Kind::Transient, Kind::Denied] {
            let story = scene(&["+shop", "+till"], &[parent("db")]);
            index(&story).await;
            choose(&story, "till", false);
            story.world.inject(Fault::fail(kind).at(point));
            let report = index(&story).await;
            assert!(!report.is_complete(), "people are told");
            assert_eq!(children(&story), ["shop/db", "till/db"], "{point:?}");
            assert_eq!(told(&story, "db").provisioned, namespaces(&["shop", "till"]));
            let again = follow(&story).await;
            assert_eq!(
                again.is_err(),
                kind == Kind::Transient,
                "what only a person can mend is left: {again:?}"
            );
            story.world.mend_all();
            follow(&story).await.unwrap();
            assert_eq!(children(&story), ["shop/db"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_left_and_named() {
    let story = scene(&["+shop", "+till"], &[parent("db"), parent("mail")]);
    story.world.clusters().edit_child("blue/shop/db", |child| child.content.spec = json!({ "mine": 1 }));
    let report = index(&story).await;
    assert_eq!(children(&story), ["shop/db", "shop/mail", "till/db", "till/mail"]);
    let theirs = story.world.clusters().children(&name()).remove("shop/db").unwrap();
    assert_eq!((theirs.content.spec, theirs.owners), (json!({ "mine": 1 }), vec![]));
    let why = "external secret already exists in namespace";
    assert_eq!(told(&story, "db"), Told::of(&db(), namespaces(&["till"]), failed(&[("shop", why)])));
    assert_eq!(told(&story, "mail").ready, Some(true), "others are none the worse");
    assert_eq!(
        report.problems[0].to_string(),
        "cluster blue: ClusterExternalSecret db: namespace shop: external secret already exists in namespace"
    );
    // Nobody deletes it either, wherever the namespace belongs.
    choose(&story, "shop", false);
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["shop/db", "till/db", "till/mail"]);
    assert_eq!(told(&story, "db").ready, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_hand_edit_is_undone_and_a_child_that_was_deleted_is_made_anew() {
    let story = scene(&["+shop"], &[parent("db")]);
    index(&story).await;
    let made = story.world.clusters().children(&name()).remove("shop/db").unwrap();
    story.world.clusters().edit_child("blue/shop/db", |child| {
        child.content.spec = json!({});
        child.content.labels.insert("by".to_owned(), "hand".to_owned());
    });
    follow(&story).await.unwrap();
    let mended = story.world.clusters().children(&name()).remove("shop/db").unwrap();
    assert_eq!((&mended.content, &mended.uid), (&made.content, &made.uid));
    story.world.clusters().delete_child("blue/shop/db");
    follow(&story).await.unwrap();
    let anew = story.world.clusters().children(&name()).remove("shop/db").unwrap();
    assert_ne!(anew.uid, made.uid);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_fails_holds_up_no_other() {
    let story = scene(&["+shop", "+till"], &[parent("db"), parent("mail")]);
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Child).on("blue/shop"));
    let report = index(&story).await;
    assert_eq!(children(&story), ["till/db", "till/mail"]);
    for called in ["db", "mail"] {
        let told = told(&story, called);
        assert_eq!((told.ready, told.provisioned), (Some(false), namespaces(&["till"])));
        assert_eq!(told.failed.keys().collect::<Vec<_>>(), ["shop"]);
    }
    assert_eq!(report.problems.len(), 2, "{report:?}");
    story.world.mend_all();
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Child).on("blue/shop"));
    assert!(follow(&story).await.is_err(), "it is tried again soon");
    story.world.mend_all();
    follow(&story).await.unwrap();
    assert_eq!(told(&story, "db"), Told::of(&db(), namespaces(&["shop", "till"]), failed(&[])));
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_in_between_is_looked_at_again() {
    let story = scene(&["+shop", "+till"], &[parent("db")]);
    story.world.inject(Fault::fail(Kind::Conflict).at(Point::Child).times(3));
    follow(&story).await.unwrap();
    assert_eq!(told(&story, "db"), Told::of(&db(), namespaces(&["shop", "till"]), failed(&[])));
    // An answer that was lost: the child is there, which the next look finds.
    choose(&story, "infra", true);
    story.world.inject(Fault::lost_answer().at(Point::Child).times(1));
    assert!(follow(&story).await.is_err());
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["infra/db", "shop/db", "till/db"]);
    assert_eq!(told(&story, "db").ready, Some(true));
}

#[tokio::test(start_paused = true)]
async fn what_is_interrupted_is_finished_the_next_time() {
    let story = scene(&["+shop", "+till"], &[parent("db")]);
    story.world.inject(Fault::slow(HOUR).at(Point::Child).on("blue/till"));
    let report = index(&story).await;
    assert!(report.problems[0].message.contains("took longer"), "{report:?}");
    assert_eq!(children(&story), ["shop/db"]);
    assert_eq!(told(&story, "db"), Told::default().naming(&db()), "they are named, and nothing else is told");
    story.world.mend_all();
    // A namespace that leaves in the meantime takes along what nobody was told of.
    choose(&story, "shop", false);
    index(&story).await;
    assert_eq!(children(&story), ["till/db"]);
    assert_eq!(told(&story, "db"), Told::of(&db(), namespaces(&["till"]), failed(&[])));
}

#[tokio::test(start_paused = true)]
async fn a_new_name_replaces_the_former_children_only_when_those_are_gone() {
    let story = scene(&["+shop"], &[parent("db")]);
    index(&story).await;
    story.world.clusters().set_parent(&name(), Parent { child: object_name("mail"), ..parent("db") });
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Child).on("blue/shop"));
    assert!(follow(&story).await.is_err());
    assert_eq!(children(&story), ["shop/db"]);
    let now = told(&story, "db");
    assert_eq!((now.ready, now.child), (Some(false), Some(db())), "so that they are found again");
    story.world.mend_all();
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["shop/mail"]);
    assert_eq!(told(&story, "db"), Told::of(&object_name("mail"), namespaces(&["shop"]), failed(&[])));
}

#[tokio::test(start_paused = true)]
async fn a_new_name_finds_children_that_nobody_was_told_of() {
    let story = scene(&["+shop", "+till"], &[parent("db")]);
    story.world.inject(Fault::slow(HOUR).at(Point::Child).on("blue/till"));
    index(&story).await;
    assert_eq!(children(&story), ["shop/db"], "it was cut off");
    story.world.mend_all();
    story.world.clusters().set_parent(&name(), Parent { child: object_name("mail"), ..parent("db") });
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["shop/mail", "till/mail"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_listed_before_a_child_was_made_does_not_delete_it() {
    let owned = |child: &mut Child| {
        let api_version = "external-secrets.io/v1".to_owned();
        let (kind, name, uid) = ("ClusterExternalSecret".to_owned(), "db".to_owned(), "uid-of-db".to_owned());
        child.owners =
            vec![Owner { api_version, kind, name, uid, controller: true, block_owner_deletion: true }];
        child.content = parent("db").content;
    };
    let wider = Selection { names: [namespace("till")].into(), ..parent("db").selection.unwrap() };
    // Somebody else follows a label, or an edit, that this one has not seen.
    for (labelled, want) in [(true, Ok(())), (false, Err(Kind::Conflict))] {
        let story = scene(&["+shop", "till"], &[parent("db")]);
        index(&story).await;
        let gate = story.world.gate(Point::Family);
        let meanwhile = async {
            let stopped = gate.arrived().await;
            match labelled {
                true => choose(&story, "till", true),
                false => {
                    let edited = Parent { selection: Ok(wider.clone()), ..parent("db") };
                    story.world.clusters().set_parent(&name(), edited);
                }
            }
            story.world.clusters().edit_child("blue/till/db", owned);
            stopped.release();
        };
        let (followed, ()) = futures::join!(follow(&story), meanwhile);
        assert_eq!(followed.map_err(|error| error.kind), want);
        assert_eq!(children(&story), ["shop/db", "till/db"]);
        drop(gate);
        follow(&story).await.unwrap();
        assert_eq!(told(&story, "db").provisioned, namespaces(&["shop", "till"]));
        assert_eq!(children(&story), ["shop/db", "till/db"]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_makes_no_sense_keeps_its_children_and_says_so() {
    let story = scene(&["+shop"], &[parent("db"), parent("mail")]);
    index(&story).await;
    let why = "spec.namespaceSelectors[0]: is wrong";
    story.world.clusters().set_parent(&name(), Parent { selection: Err(why.to_owned()), ..parent("db") });
    choose(&story, "till", true);
    follow(&story).await.unwrap();
    assert_eq!(children(&story), ["shop/db", "shop/mail", "till/mail"]);
    let Told { ready, failed: found, provisioned, .. } = told(&story, "db");
    assert_eq!((ready, found), (Some(false), failed(&[("unknown", why)])));
    assert_eq!(provisioned, namespaces(&["shop"]));
}

#[tokio::test(start_paused = true)]
async fn what_esos_finalizer_holds_is_cleaned_up_and_let_go() {
    let eso = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";
    let held = Parent { finalizers: vec![eso.to_owned()], ..parent("db") };
    let story = scene(&["+shop", "+till"], std::slice::from_ref(&held));
    index(&story).await;
    story.world.clusters().set_parent(&name(), Parent { deleting: true, ..held });
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Child).on("blue/till"));
    assert!(follow(&story).await.is_err());
    assert_eq!(children(&story), ["till/db"]);
    assert_eq!(told(&story, "db").ready, Some(true), "it is still there");
    story.world.mend_all();
    follow(&story).await.unwrap();
    assert!(children(&story).is_empty());
    assert_eq!(told(&story, "db"), Told::default(), "it is gone");
}
