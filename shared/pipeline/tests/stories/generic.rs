//! Targets that are no Secrets: off unless somebody asks for them, and then as safe as Secrets.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, flow};
use pawl_domain::declaration::{CreationPolicy, Manifest};
use pawl_domain::{Complaint, Declaration, Home, Kind, Outcome};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Job, Ports};
use pawl_world::build::{at, cluster_name};
use pawl_world::{World, declaration};
use serde_json::{Value, json};

fn kind(api_version: &str, kind: &str) -> Manifest {
    Manifest { api_version: api_version.to_owned(), kind: kind.to_owned() }
}

fn config_map() -> Manifest {
    kind("v1", "ConfigMap")
}

fn on(story: &Story) -> Pipeline<World> {
    flow(&story.world, Settings { generic_targets: true, ..Settings::default() })
}

fn declared(of: Option<Manifest>) -> Declaration {
    let home = Home::Cluster(cluster_name("blue"));
    let mut declaration = declaration("blue/shop/db").home(home).reads("app/db").build();
    declaration.target.manifest = of;
    declaration
}

fn content(story: &Story, of: &Manifest) -> Option<Value> {
    let object = story.world.clusters().object(of, "blue/shop/db")?;
    Some(Value::Object(object.content.unwrap().expose().clone()))
}

#[tokio::test(start_paused = true)]
async fn they_are_refused_unless_switched_on() {
    let story = Story::new();
    for (of, settings, says) in [
        (config_map(), Settings::default(), "PAWL_UNSAFE_GENERIC_TARGETS=true"),
        (
            kind("rbac.authorization.k8s.io/v1", "Role"),
            Settings { generic_targets: true, ..Settings::default() },
            "no declaration may write",
        ),
    ] {
        story.world.declare(declared(Some(of.clone())));
        let change = story.world.rotate("app/db", story.value(1));
        story.world.forget_calls();
        let report = flow(&story.world, settings).sync(&change).await.unwrap();
        let error = report.outcomes[0].1.as_ref().unwrap_err();
        assert_eq!((error.kind, error.complaint()), (Kind::Invalid, Complaint::GenericTarget));
        assert!(error.message().contains(says) && !error.is_retryable(), "{error}");
        let calls = story.world.calls();
        assert_eq!((calls.reads, calls.target_writes(), content(&story, &of)), (0, 0, None));
        let published = story.world.clusters().published(&cluster_name("blue"));
        assert_eq!(published.last().unwrap().1.kind.as_ref(), Some(&of.kind));
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_rotation_reaches_them_and_nothing_is_written_twice() {
    let story = Story::new();
    let (flow, limit) = (on(&story), kind("example.com/v1", "Limit"));
    let declaration = story.world.declare(declared(Some(limit.clone())));
    for number in 1..=2 {
        let change = story.world.rotate("app/db", story.value(number));
        assert_eq!(flow.sync(&change).await.unwrap().count(Outcome::Written), 1);
        let want = json!({ "spec": { "data": { "value": story.value(number) } } });
        assert_eq!(content(&story, &limit), Some(want));
    }
    assert!(story.world.clusters().secret("blue/shop/db").is_none(), "no Secret beside it");
    story.world.forget_calls();
    let job = Job { declarations: vec![declaration.id], change: None, at: at(3600) };
    assert_eq!(flow.deliver(&job).await.unwrap().count(Outcome::Unchanged), 1);
    assert_eq!(story.world.calls().target_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_others_keep_there_stays_under_merge() {
    let story = Story::new();
    story.world.clusters().set_object(&config_map(), "blue/shop/db", json!({ "data": { "foreign": "1" } }));
    let mut declaration = declared(Some(config_map()));
    declaration.target.creation = CreationPolicy::Merge;
    story.world.declare(declaration);
    on(&story).sync(&story.world.rotate("app/db", "new")).await.unwrap();
    assert_eq!(content(&story, &config_map()), Some(json!({ "data": { "foreign": "1", "value": "new" } })));
}

#[tokio::test(start_paused = true)]
async fn the_former_target_goes_when_only_its_kind_changes() {
    let story = Story::new();
    let flow = on(&story);
    let change = story.world.rotate("app/db", "one");
    for of in [Some(config_map()), None, Some(kind("example.com/v1", "Limit")), Some(kind("v1", "Secret"))] {
        story.world.declare(declared(of.clone()));
        flow.sync(&change).await.unwrap();
        let secret = of.as_ref().is_none_or(Manifest::is_secret);
        assert_eq!(story.world.clusters().secret("blue/shop/db").is_some(), secret, "{of:?}");
        for other in [config_map(), kind("example.com/v1", "Limit")] {
            assert_eq!(content(&story, &other).is_some(), of.as_ref() == Some(&other), "{of:?}: {other}");
        }
    }
}
