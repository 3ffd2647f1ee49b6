//! What Pawl would do to a cluster that is still ESO's is told target by target, and nothing is taken over for it.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::Story;
use pawl_domain::store::Home;
use pawl_domain::{Declaration, Kind, Manifests, Problem, Severity, Store};
use pawl_pipeline::rehearse::Intent;
use pawl_pipeline::rehearse::survey::Survey;
use pawl_ports::{Ports, Registry, Scope};
use pawl_world::{Fault, cluster, declaration, secrets_manager};

/// Two ExternalSecrets stand in the cluster blue, whose Secrets somebody else wrote: Pawl knows the cluster, and does not
/// index it.
async fn foreign() -> (Story, Manifests) {
    let story = Story::new();
    story.with_namespace("shop");
    let home = Home::Cluster("blue".parse().unwrap());
    let mut store: Store = secrets_manager("aws").into();
    store.id.home = home.clone();
    let of = |id: &str, key: &str| -> Declaration {
        declaration(id).home(home.clone()).uid("u").reads(key).of_store(store.id.clone()).build()
    };
    let declarations = vec![of("blue/shop/a", "app/a"), of("blue/shop/b", "app/b")];
    let found = Manifests { declarations, stores: vec![store], ..Manifests::default() };
    let blue = "blue".parse().unwrap();
    story.world.clusters().set_manifests(&blue, found.clone());
    story.world.rotate("app/a", story.value(1));
    story.world.rotate("app/b", story.value(2));
    // What ESO writes is what Pawl writes; then it is forgotten that Pawl did.
    story.world.add_cluster(cluster("blue").indexed());
    story.flow().index_clusters().await.unwrap();
    story.work_off().await;
    story.flow().retire_cluster(&blue, true).await.unwrap();
    story.world.add_cluster(cluster("blue"));
    story.world.clusters().set_manifests(&blue, found.clone());
    (story, found)
}

async fn survey(story: &Story) -> Survey {
    let clusters = story.world.registry().clusters().await.unwrap();
    let blue = clusters.iter().find(|each| each.name.to_string() == "blue").unwrap();
    story.world.forget_calls();
    let told = story.flow().survey(blue).await.unwrap();
    let calls = story.world.calls();
    assert_eq!((calls.target_writes(), calls.ledger_writes), (0, 0), "nothing is written");
    let held = story.world.registry().page(&Scope::All, None, 100).await.unwrap();
    assert!(held.is_empty(), "and nothing taken over: {held:?}");
    story.canary.assert_absent_from("what is told", &format!("{told:?}"));
    story.end();
    told
}

#[tokio::test(start_paused = true)]
async fn what_stands_as_it_would_be_written_stays() {
    let (story, _) = foreign().await;
    let told = survey(&story).await;
    let stays = |at: usize| told.targets[at].would.as_ref().unwrap().is_nothing();
    assert!(told.targets.len() == 2 && stays(0) && stays(1), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_differs_what_fails_and_what_cannot_be_used_is_told_by_name() {
    let (story, found) = foreign().await;
    story.world.rotate("app/a", story.value(3));
    story.world.delete_secret("app/b");
    let problem = Problem {
        severity: Severity::Error,
        place: "cluster blue".into(),
        object: "ExternalSecret shop/c".into(),
        field: "spec.dataFrom[0].sourceRef.generatorRef".into(),
        message: "is not supported".into(),
    };
    let twice = found.declarations[0].clone();
    let mut found = found;
    found.declarations.push(twice);
    found.problems.push(problem.clone());
    story.world.clusters().set_manifests(&"blue".parse().unwrap(), found);
    let told = survey(&story).await;
    let changed = told.targets[0].would.as_ref().unwrap();
    assert_eq!(changed.intent, Intent::Change, "{changed:?}");
    assert_eq!(changed.fields.iter().map(|field| field.key.as_str()).collect::<Vec<_>>(), ["value"]);
    assert_eq!(told.targets[1].would.as_ref().unwrap_err().kind, Kind::NotFound);
    assert_eq!(told.targets.len(), 2, "what is declared twice is told once");
    assert!(told.problems.contains(&problem) && told.problems.len() == 2, "{:?}", told.problems);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_listed_is_an_error_and_not_an_empty_survey() {
    let (story, _) = foreign().await;
    story.world.inject(Fault::down("blue"));
    let clusters = story.world.registry().clusters().await.unwrap();
    let blue = clusters.iter().find(|each| each.name.to_string() == "blue").unwrap();
    assert_eq!(story.flow().survey(blue).await.unwrap_err().kind, Kind::Unreachable);
    story.end();
}
