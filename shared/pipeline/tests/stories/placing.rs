//! ClusterExternalSecrets that are applied: their declarations come and go with the namespaces of their cluster.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, manifests, pruning};
use futures::FutureExt;
use pawl_domain::spread::{Pattern, Selection};
use pawl_domain::store::LabelSelector;
use pawl_domain::{ClusterName, Home, Kind, Manifests, Severity, Store};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Apply, Sightings};
use pawl_ports::{Ports, Put, Registry, Sighting};
use pawl_world::build::{namespace, object_name};
use pawl_world::{Fault, Point, cluster, declaration, secrets_manager};
use std::collections::BTreeMap;

const TEAM: (&str, &str) = ("team", "shop");

pub(crate) fn blue() -> ClusterName {
    "blue".parse().unwrap()
}

pub(crate) fn choose(story: &Story, at: &str, chosen: bool) {
    let labels: &[(&str, &str)] = if chosen { &[TEAM] } else { &[] };
    story.world.clusters().set_namespace(&blue(), &namespace(at), labels);
}

/// Namespaces of the cluster blue, of which those with a `+` are chosen, and a key with a value.
pub(crate) fn scene(namespaces: &[&str]) -> Story {
    let story = Story::new();
    for text in namespaces {
        choose(&story, text.trim_start_matches('+'), text.starts_with('+'));
    }
    story.world.rotate("app/db", story.value(1));
    story
}

pub(crate) fn pattern(called: &str) -> Pattern {
    let labels = BTreeMap::from([(TEAM.0.to_owned(), TEAM.1.to_owned())]);
    let selectors = vec![LabelSelector { labels, expressions: Vec::new() }];
    Pattern {
        name: object_name(called),
        selection: Selection { selectors, ..Selection::default() },
        declaration: declaration(&format!("blue/any/{called}")).reads("app/db").build(),
        placed: [].into(),
    }
}

pub(crate) fn of(patterns: Vec<Pattern>) -> Manifests {
    Manifests { patterns, ..manifests(Vec::new()) }
}

pub(crate) async fn apply(story: &Story, given: Manifests) -> IndexReport {
    let report = story.flow().index(given, &applying()).await.unwrap();
    story.work_off().await;
    report
}

pub(crate) async fn index(story: &Story) -> IndexReport {
    let mut reports = story.flow().index_clusters().await.unwrap();
    let report = reports.pop().map(|(_, report)| report.unwrap()).unwrap_or_default();
    story.work_off().await;
    report
}

/// Where there is a Secret of this name.
pub(crate) fn written(story: &Story, name: &str) -> Vec<String> {
    let at = |namespace: &&str| !story.world.data(&format!("blue/{namespace}/{name}")).is_empty();
    ["infra", "shop", "till"].into_iter().filter(at).map(str::to_owned).collect()
}

pub(crate) async fn placed(story: &Story) -> Vec<String> {
    let patterns = story.world.registry().patterns().await.unwrap();
    patterns.known.iter().flat_map(Pattern::ids).map(|id| id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn secrets_come_and_go_with_the_labels_of_namespaces() {
    let story = scene(&["+shop", "+till", "infra"]);
    let report = apply(&story, of(vec![pattern("db")])).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(
        matches!(&report.objects[..], [.., (name, Ok(Put::Created))] if name == "ClusterExternalSecret blue/db")
    );
    assert_eq!(written(&story, "db"), ["shop", "till"]);
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    assert!(story.world.clusters().children(&blue()).is_empty(), "nothing but Secrets is made there");
    assert_eq!(story.world.clusters().secret("blue/shop/db").unwrap().owners, vec![]);

    choose(&story, "till", false);
    choose(&story, "infra", true);
    let report = index(&story).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(written(&story, "db"), ["infra", "shop"]);
    assert_eq!(placed(&story).await, ["blue/infra/db", "blue/shop/db"]);

    // The same, as a watch of namespaces tells.
    choose(&story, "infra", false);
    let mut seen = Sightings::default();
    seen.add(Sighting::Families);
    story.flow().follow(&cluster("blue").build(), &seen).await.unwrap();
    assert_eq!(written(&story, "db"), ["shop"]);

    // A rotation reaches what was placed like everything else, and an index changes nothing.
    let change = story.world.rotate("app/db", story.value(2));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    story.world.forget_calls();
    index(&story).await;
    assert_eq!((story.world.calls().registry_writes, story.world.calls().target_writes()), (0, 0));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_comes_back_gets_its_secret_again() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    choose(&story, "shop", false);
    index(&story).await;
    assert!(written(&story, "db").is_empty());
    choose(&story, "shop", true);
    index(&story).await;
    assert_eq!(written(&story, "db"), ["shop"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_failed_removes_nothing() {
    let story = scene(&["+shop", "+till"]);
    apply(&story, of(vec![pattern("db")])).await;
    choose(&story, "till", false);
    story.world.inject(Fault::fail(Kind::Denied).at(Point::NamespaceLabels));
    let report = index(&story).await;
    assert!(!report.is_complete(), "people are told");
    assert_eq!(report.problems[0].object, "kind ClusterExternalSecret");
    assert_eq!(written(&story, "db"), ["shop", "till"]);
    // What is applied meanwhile is kept, and waits for the namespaces.
    let report = story.flow().index(of(vec![pattern("mail")]), &applying()).await.unwrap();
    assert!(report.problems.iter().any(|problem| problem.severity == Severity::Error), "{report:?}");
    story.world.mend_all();
    index(&story).await;
    assert_eq!(
        (written(&story, "db"), written(&story, "mail")),
        (vec!["shop".to_owned()], vec!["shop".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_by_itself_is_left_and_named() {
    let story = scene(&["+shop", "+till"]);
    story.world.rotate("app/own", story.value(7));
    let own = || declaration("blue/shop/db").reads("app/own").build();
    apply(&story, manifests(vec![own()])).await;
    let report = apply(&story, of(vec![pattern("db"), pattern("mail")])).await;
    let failures: Vec<_> = report.declarations.iter().filter(|(_, put)| put.is_err()).collect();
    let [(id, Err(error))] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(id.to_string(), "blue/shop/db");
    assert!(error.message().contains("declared by itself and by ClusterExternalSecret blue/db"), "{error}");
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(7)));
    assert_eq!(
        (written(&story, "db").len(), written(&story, "mail").len()),
        (2, 2),
        "the others are none the worse"
    );
    // It is not the pattern's to remove, either.
    choose(&story, "shop", false);
    index(&story).await;
    assert_eq!(written(&story, "db"), ["shop", "till"]);
    // And the other way round.
    let other = declaration("blue/till/db").reads("app/own").build();
    let report = apply(&story, manifests(vec![other])).await;
    assert!(report.declarations[0].1.is_err(), "{report:?}");
    assert_eq!(story.world.value("blue/till/db", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn an_edit_reaches_every_namespace_and_a_new_name_replaces_the_former_one() {
    let story = scene(&["+shop", "+till"]);
    apply(&story, of(vec![pattern("db")])).await;
    story.world.rotate("app/new", story.value(3));
    let edited = declaration("blue/any/db").reads("app/new").build();
    apply(&story, of(vec![Pattern { declaration: edited, ..pattern("db") }])).await;
    assert_eq!(story.world.value("blue/till/db", "value"), Some(story.value(3)));
    let renamed = declaration("blue/any/mail").reads("app/new").build();
    apply(&story, of(vec![Pattern { declaration: renamed, ..pattern("db") }])).await;
    assert!(written(&story, "db").is_empty());
    assert_eq!(written(&story, "mail"), ["shop", "till"]);
    assert_eq!(placed(&story).await, ["blue/shop/mail", "blue/till/mail"]);
}

#[tokio::test(start_paused = true)]
async fn it_belongs_to_its_set_and_goes_with_it() {
    let story = scene(&["+shop"]);
    let of_set = |set: &str| Apply { set: set.parse().unwrap(), ..pruning() };
    story.flow().index(of(vec![pattern("db")]), &of_set("shop")).await.unwrap();
    story.work_off().await;
    // Another set neither changes nor prunes it.
    let report = story.flow().index(of(vec![pattern("db")]), &of_set("till")).await.unwrap();
    assert!(report.objects.iter().any(|(_, put)| put.is_err()), "{report:?}");
    let report = story.flow().index(of(vec![]), &of_set("till")).await.unwrap();
    assert!(report.removed.is_empty() && report.removed_patterns.is_empty(), "{report:?}");
    assert_eq!(written(&story, "db"), ["shop"]);
    // One that could not be removed stays, and goes the next time.
    let preview = story.flow().preview(of(vec![]), &of_set("shop")).await.unwrap();
    assert_eq!((preview.removed.len(), preview.removed_patterns.len()), (1, 1));
    story.world.inject(Fault::down("blue"));
    let report = story.flow().index(of(vec![]), &of_set("shop")).await.unwrap();
    assert!(!report.is_complete() && report.removed_patterns.is_empty(), "{report:?}");
    story.world.mend_all();
    let report = story.flow().index(of(vec![]), &of_set("shop")).await.unwrap();
    assert_eq!(report.removed_patterns.len(), 1, "{report:?}");
    assert!(written(&story, "db").is_empty() && placed(&story).await.is_empty());
    assert!(story.world.registry().patterns().await.unwrap().known.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_once_the_next_index_finishes() {
    for point in [Point::Catalogue, Point::Lookup, Point::Record, Point::Entries, Point::Mark, Point::Enqueue]
    {
        for times in 1..6 {
            let story = scene(&["+shop", "+till"]);
            apply(&story, of(vec![pattern("db")])).await;
            choose(&story, "till", false);
            choose(&story, "infra", true);
            story.world.inject(Fault::fail(Kind::Transient).at(point).times(times));
            let _ = story.flow().index_clusters().await;
            story.world.mend_all();
            index(&story).await;
            story.sweep_for(1).await;
            assert_eq!(written(&story, "db"), ["infra", "shop"], "{point:?} {times}");
            assert_eq!(placed(&story).await, ["blue/infra/db", "blue/shop/db"], "{point:?} {times}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_lives_in_the_cluster_by_itself_is_not_removed_for_a_pattern() {
    let story = scene(&["shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    story.world.add_cluster(cluster("blue").indexed());
    choose(&story, "shop", true);
    // It is noted and not put; then somebody declares one of this name in the cluster.
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Catalogue).on("blue/shop/db"));
    index(&story).await;
    assert_eq!(placed(&story).await, ["blue/shop/db"]);
    story.world.mend_all();
    let home = Home::Cluster(blue());
    let store: Store = secrets_manager("aws").home(home.clone()).into();
    let own =
        declaration("blue/shop/db").home(home.clone()).reads("app/db").of_store(store.id.clone()).build();
    let standing = Manifests { declarations: vec![own], stores: vec![store], ..Manifests::default() };
    story.world.clusters().set_manifests(&blue(), standing);
    index(&story).await;
    choose(&story, "shop", false);
    index(&story).await;
    let id = "blue/shop/db".parse().unwrap();
    let left = story.world.registry().declarations(&[id]).await.unwrap();
    assert_eq!(left.first().map(|it| &it.home), Some(&home));
    assert_eq!(written(&story, "db"), ["shop"]);
    assert!(placed(&story).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_applied_while_namespaces_are_listed_stays() {
    let story = scene(&["+shop", "till"]);
    apply(&story, of(vec![pattern("db")])).await;
    story.world.rotate("app/new", story.value(3));
    choose(&story, "till", true);
    let gate = story.world.gate(Point::NamespaceLabels);
    let edit = async {
        let stopped = gate.arrived().await;
        drop(gate);
        let edited = declaration("blue/any/db").reads("app/new").build();
        apply(&story, of(vec![Pattern { declaration: edited, ..pattern("db") }])).await;
        stopped.release();
    };
    let flow = story.flow();
    futures::join!(flow.index_clusters().map(|reports| drop(reports.unwrap())), edit);
    index(&story).await;
    for at in ["shop", "till"] {
        assert_eq!(story.world.value(&format!("blue/{at}/db"), "value"), Some(story.value(3)));
    }
    assert_eq!(placed(&story).await, ["blue/shop/db", "blue/till/db"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_removed_takes_its_patterns_along() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    let retired = story.flow().retire_cluster(&blue(), false).await.unwrap();
    assert_eq!((retired.patterns.len(), retired.declarations.len()), (1, 1));
    assert!(written(&story, "db").is_empty());
    assert!(story.world.registry().patterns().await.unwrap().known.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_with_one_name_the_first_is_taken_in() {
    let story = scene(&["+shop"]);
    story.world.rotate("app/new", story.value(3));
    let other = declaration("blue/any/db").reads("app/new").build();
    let given = || of(vec![pattern("db"), Pattern { declaration: other.clone(), ..pattern("db") }]);
    for _ in 0..2 {
        let report = apply(&story, given()).await;
        assert_eq!(report.problems[0].object, "ClusterExternalSecret db", "{report:?}");
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cluster_is_refused() {
    let story = scene(&["+shop"]);
    let declaration = declaration("mauve/any/db").reads("app/db").build();
    let report = apply(&story, of(vec![Pattern { declaration, ..pattern("db") }, pattern("mail")])).await;
    let failed: Vec<_> =
        report.objects.iter().filter_map(|(name, put)| put.is_err().then_some(name.as_str())).collect();
    assert_eq!(failed, ["ClusterExternalSecret mauve/db"]);
    assert_eq!(written(&story, "mail"), ["shop"]);
}
