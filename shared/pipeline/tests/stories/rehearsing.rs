//! What a delivery and an apply would do is told key by key, without a value and without a write.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, manifests, pruning};
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy};
use pawl_domain::{Declaration, Kind, Manifests};
use pawl_pipeline::Apply;
use pawl_pipeline::rehearse::forecast::Forecast;
use pawl_pipeline::rehearse::{Field, Intent, Rehearsal, Would};
use pawl_ports::{Ports, Put, Registry, Scope};
use pawl_world::{Fault, declaration, secrets_manager};

/// What would be done to each target that is declared, in ascending order of ids. Nothing is written for that.
async fn rehearsed(story: &Story) -> Vec<Rehearsal> {
    let declared = story.world.registry().page(&Scope::All, None, 100).await.unwrap();
    story.world.forget_calls();
    let rehearsed = story.flow().rehearse(declared, &[]).await.unwrap();
    assert_nothing_written(story, &rehearsed);
    rehearsed
}

fn assert_nothing_written(story: &Story, told: &impl std::fmt::Debug) {
    let calls = story.world.calls();
    assert_eq!((calls.target_writes(), calls.ledger_writes), (0, 0), "nothing is written");
    story.canary.assert_absent_from("what is told", &format!("{told:?}"));
    story.end();
}

fn would(rehearsed: &[Rehearsal], at: usize) -> &Would {
    rehearsed[at].would.as_ref().unwrap()
}

/// Its fields as `<part> <key>`.
fn fields(would: &Would) -> Vec<String> {
    would.fields.iter().map(|field| format!("{} {}", field.part, field.key)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_named_by_key_with_digests_that_are_equal_where_values_are() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    let same = rehearsed(&story).await;
    assert!(same.iter().all(|each| each.would.as_ref().unwrap().is_nothing()), "{same:?}");
    assert_eq!(same[0].target, "Secret db");

    // The store goes on, and somebody deletes one of the Secrets.
    story.world.rotate("app/db", story.value(2));
    story.world.clusters().delete("green/shop/db");
    let differing = rehearsed(&story).await;
    let (blue, green) = (would(&differing, 0), would(&differing, 1));
    assert_eq!((blue.intent, green.intent), (Intent::Change, Intent::Create));
    assert_eq!(fields(blue), ["data value"]);
    let value = |would: &Would| would.fields.iter().find(|field| field.part == "data").cloned().unwrap();
    let Field { standing, wanted, .. } = value(blue);
    assert!(standing.is_some() && wanted.is_some() && standing != wanted, "{blue:?}");
    assert_eq!((value(green).standing, value(green).wanted), (None, wanted), "equal values, equal digests");
}

#[tokio::test(start_paused = true)]
async fn a_hand_on_the_target_is_seen_although_the_ledger_knows_nothing_of_it() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    story.world.clusters().edit("blue/shop/db", |secret| {
        secret.set("value", "another");
        secret.set("more", "a key of nobody");
    });
    let differing = rehearsed(&story).await;
    let would = would(&differing, 0);
    assert_eq!(fields(would), ["data more", "data value"]);
    assert_eq!(would.fields[0].wanted, None, "it would go");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_or_is_refused_hides_nothing_of_the_others() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/a").reads("app/missing"));
    story.world.declare(declaration("blue/shop/b").reads("app/db").deletion(DeletionPolicy::Delete));
    story.world.declare(declaration("blue/shop/c").reads("app/other").immutable());
    story.world.declare(declaration("green/shop/d").reads("app/other"));
    story.world.rotate("app/db", story.value(1));
    story.world.rotate("app/other", story.value(2));
    story.flow().sweep(true).await.unwrap();
    story.world.delete_secret("app/db");
    story.world.rotate("app/other", story.value(3));
    story.world.inject(Fault::down("green"));
    let told = rehearsed(&story).await;
    let kind = |at: usize| told[at].would.as_ref().unwrap_err().kind;
    assert_eq!((kind(0), kind(3)), (Kind::NotFound, Kind::Unreachable), "{told:?}");
    let gone = would(&told, 1);
    assert_eq!((gone.intent, fields(gone)), (Intent::Delete, vec!["data value".to_owned()]));
    assert!(would(&told, 2).is_nothing(), "what is immutable stays as it is: {told:?}");
}

/// An apply of the store `aws` and of these, as `Apply` says.
async fn forecast(story: &Story, given: Manifests, apply: &Apply) -> Forecast {
    story.world.forget_calls();
    let forecast = story.flow().forecast(given, apply).await.unwrap();
    assert_nothing_written(story, &forecast);
    forecast
}

fn intents(forecast: &Forecast) -> Vec<(String, Intent)> {
    let intent = |each: &Rehearsal| (each.id.to_string(), each.would.as_ref().unwrap().intent);
    forecast.targets.iter().map(intent).collect()
}

#[tokio::test(start_paused = true)]
async fn an_apply_is_told_to_the_registry_and_to_the_targets() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/db", story.value(1));
    let of = |id: &str| -> Declaration { declaration(id).reads("app/db").into() };
    let orphan: Declaration =
        declaration("blue/shop/orphan").reads("app/db").creation(CreationPolicy::Orphan).into();
    let before = manifests(vec![of("blue/shop/db"), of("blue/shop/old"), orphan]);
    story.flow().index(before, &applying()).await.unwrap();
    story.work_off().await;

    let mut edited = of("blue/shop/db");
    edited.target.name = "renamed".parse().unwrap();
    let given = manifests(vec![edited, of("blue/shop/new"), of("red/shop/db")]);
    let told = forecast(&story, given, &pruning()).await;
    let put: Vec<_> =
        told.registry.declarations.iter().map(|(id, put)| (id.to_string(), put.is_ok())).collect();
    assert_eq!(
        put,
        [("blue/shop/db", true), ("blue/shop/new", true), ("red/shop/db", false)]
            .map(|(id, ok)| (id.to_owned(), ok))
    );
    assert_eq!(
        intents(&told),
        [
            ("blue/shop/db", Intent::Create),
            ("blue/shop/new", Intent::Create),
            ("blue/shop/old", Intent::Delete),
            ("blue/shop/orphan", Intent::Leave),
        ]
        .map(|(id, intent)| (id.to_owned(), intent)),
        "a cluster that nobody knows is refused, and so not told"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_changes_is_told_to_all_that_read_it_and_a_new_cluster_cannot_be_looked_at() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    let store = secrets_manager("aws").prefix("team/").build();
    let given = Manifests {
        declarations: vec![declaration("red/shop/db").reads("app/db").build()],
        clusters: vec![pawl_world::cluster("red").into()],
        stores: vec![store],
        ..Manifests::default()
    };
    let told = forecast(&story, given, &applying()).await;
    assert!(told.registry.objects.iter().any(|(name, put)| {
        name == "ClusterSecretStore aws" && put.as_ref().is_ok_and(|put| *put == Put::Changed)
    }));
    let of = |id: &str| told.targets.iter().find(|each| each.id.to_string() == id).unwrap();
    let error = of("blue/shop/db").would.as_ref().unwrap_err();
    assert!(error.kind == Kind::NotFound && error.message().contains("team/app/db"), "{error}");
    assert_eq!(of("red/shop/db").would.as_ref().unwrap().intent, Intent::Unseen);
}
