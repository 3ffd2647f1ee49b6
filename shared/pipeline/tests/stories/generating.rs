//! What generators make is made when it is due and not before, kept by nobody but the target, and made anew where it is lost.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{HOUR, MINUTE, Story, applying, manifests};
use pawl_domain::declaration::{CreationPolicy, RefreshPolicy, Template};
use pawl_domain::generator::PasswordGenerator;
use pawl_domain::record::State;
use pawl_domain::{Declaration, Generator, Kind, Manifests, Outcome, Store, StoreId};
use pawl_pipeline::rehearse::Intent;
use pawl_ports::{Clock, Job, Ports, Put, Registry, Scope};
use pawl_world::build::{DeclarationBuilder, generator, id, password};
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

const ID: &str = "blue/shop/db";

fn generated() -> DeclarationBuilder {
    declaration(ID).generates(password().id)
}

/// A story with a Password, in which `declaration` was delivered once.
async fn settled(declaration: impl Into<Declaration>) -> Story {
    let story = Story::new();
    story.world.generators().hide(story.canary.value());
    story.world.add_store(password());
    story.world.declare(declaration);
    story.flow().deliver(&job(&story)).await.unwrap();
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
    story.world.forget_calls();
    story
}

fn job(story: &Story) -> Job {
    Job { declarations: vec![id(ID)], change: None, at: story.world.clock().now() }
}

/// How often something was made since this was asked last.
fn made(story: &Story) -> usize {
    story.world.forget_calls().generations
}

fn value(story: &Story) -> String {
    story.world.value(ID, "password").unwrap()
}

/// Puts another declaration in the place of the one that stands, as an index does, and delivers what that calls for.
async fn edit(story: &Story, declaration: impl Into<Declaration>) {
    let mut given = manifests(vec![declaration.into()]);
    given.stores.push(password());
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert!(report.declarations.iter().all(|(_, put)| put.is_ok()), "{report:?}");
    story.work_off().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_made_once_for_an_interval() {
    let story = settled(generated().every(6 * HOUR)).await;
    let first = value(&story);
    for _ in 0..5 {
        story.world.advance(HOUR);
        story.flow().sweep(false).await.unwrap();
        assert_eq!((made(&story), value(&story)), (0, first.clone()));
    }
    story.world.advance(HOUR);
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    assert_eq!(made(&story), 1);
    assert_ne!(value(&story), first);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn many_sweeps_and_jobs_make_nothing() {
    let story = settled(generated().every(24 * HOUR)).await;
    let first = value(&story);
    for _ in 0..3 {
        story.world.advance(MINUTE);
        story.flow().sweep(true).await.unwrap();
        let report = story.flow().deliver(&job(&story)).await.unwrap();
        assert_eq!(report.outcomes[0].1.as_ref().unwrap(), &Outcome::Unchanged);
    }
    assert_eq!((made(&story), value(&story)), (0, first));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_expires_is_made_anew_before_it_does() {
    let story = Story::new();
    story.world.generators().expire_after(10 * HOUR);
    let store = generator(Generator::Uuid);
    story.world.add_store(store.clone());
    story.world.declare(declaration(ID).generates(store.id).every(24 * HOUR));
    story.flow().sweep(true).await.unwrap();
    let first = story.world.value(ID, "uuid");
    story.world.forget_calls();
    // A tenth of its life before its end; nothing else is due.
    story.world.advance(9 * HOUR - MINUTE);
    story.flow().sweep(true).await.unwrap();
    assert_eq!((made(&story), story.world.value(ID, "uuid")), (0, first.clone()));
    story.world.advance(MINUTE);
    story.flow().sweep(true).await.unwrap();
    assert_eq!(made(&story), 1);
    assert_ne!(story.world.value(ID, "uuid"), first);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_read_once_is_made_once() {
    for (policy, interval) in [
        (RefreshPolicy::CreatedOnce, HOUR),
        (RefreshPolicy::OnChange, HOUR),
        (RefreshPolicy::Periodic, Duration::ZERO),
    ] {
        let story = settled(generated().refresh(policy, interval)).await;
        let first = value(&story);
        story.sweep_for(30).await;
        assert_eq!((made(&story), value(&story)), (0, first), "{policy:?}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn labels_are_edited_without_making_anything() {
    let story = settled(generated()).await;
    let first = value(&story);
    edit(&story, generated().label("team", "shop").annotation("note", "x")).await;
    assert_eq!((made(&story), value(&story)), (0, first.clone()));
    let secret = story.world.clusters().secret(ID).unwrap();
    assert_eq!(secret.labels.get("team").map(String::as_str), Some("shop"), "the target follows");
    // The next interval makes it anew as before.
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(made(&story), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_force_sync_and_another_generator_make_it_anew() {
    let story = settled(generated()).await;
    let first = value(&story);
    edit(&story, generated().annotation("force-sync", "1")).await;
    assert_eq!(made(&story), 1);
    let second = value(&story);
    assert_ne!(second, first);
    edit(&story, generated().annotation("force-sync", "1").label("a", "b")).await;
    assert_eq!((made(&story), value(&story)), (0, second.clone()), "once for each");

    edit_generator(&story, longer()).await;
    assert_eq!(made(&story), 1);
    assert_ne!(value(&story), second);
    story.end();
}

/// Puts another generator in the place of the one that stands.
async fn edit_generator(story: &Story, generator: Store) {
    let given = Manifests { stores: vec![generator], ..Manifests::default() };
    story.flow().index(given, &applying()).await.unwrap();
    story.work_off().await;
}

fn longer() -> Store {
    let mut other = password();
    let Some(Generator::Password(spec)) = other.backend.as_generator().cloned() else { panic!("a password") };
    other.backend = Generator::Password(PasswordGenerator { length: 30, ..spec }).into();
    other
}

#[tokio::test(start_paused = true)]
async fn a_label_of_the_generator_makes_nothing_anew() {
    let story = settled(generated().every(24 * HOUR)).await;
    let first = value(&story);
    let mut labelled = password();
    labelled.labels.insert("team".to_owned(), "shop".to_owned());
    edit_generator(&story, labelled).await;
    // Something else calls for a look.
    story.world.clusters().edit(ID, |secret| drop(secret.labels.insert("by".into(), "hand".into())));
    story.flow().insisting().deliver(&job(&story)).await.unwrap();
    assert_eq!((made(&story), value(&story)), (0, first));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_generator_makes_nothing_that_is_made_once() {
    for once in [generated().refresh(RefreshPolicy::CreatedOnce, HOUR), generated().every(Duration::ZERO)] {
        let story = settled(once).await;
        let first = value(&story);
        edit_generator(&story, longer()).await;
        story.sweep_for(3).await;
        story.world.clusters().edit(ID, |secret| drop(secret.labels.insert("by".into(), "hand".into())));
        story.sweep_for(3).await;
        story.flow().insisting().deliver(&job(&story)).await.unwrap();
        assert_eq!((made(&story), value(&story)), (0, first));
        story.end();
    }
}

/// Nobody has the value that the label was made of, so that the label stays as well.
#[tokio::test(start_paused = true)]
async fn a_hand_on_a_templated_label_makes_nothing_anew() {
    let template = Template {
        labels: [("length".to_owned(), "{{ len .password }}".to_owned())].into(),
        ..Template::default()
    };
    for change in ["by-hand", ""] {
        let story = settled(generated().template(template.clone()).every(24 * HOUR)).await;
        let first = value(&story);
        story.world.clusters().edit(ID, |secret| {
            secret.labels.remove("length");
            if !change.is_empty() {
                secret.labels.insert("length".to_owned(), change.to_owned());
            }
        });
        story.sweep_for(3).await;
        story.flow().insisting().deliver(&job(&story)).await.unwrap();
        assert_eq!((made(&story), value(&story)), (0, first), "{change:?}");
        // A hand on the data still makes them anew.
        story.world.clusters().edit(ID, |secret| secret.set("password", "by hand"));
        story.sweep_for(3).await;
        assert_eq!(made(&story), 1, "{change:?}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_force_sync_makes_nothing_that_is_made_once() {
    let once = || generated().refresh(RefreshPolicy::CreatedOnce, HOUR);
    let story = settled(once()).await;
    let first = value(&story);
    edit(&story, once().annotation("force-sync", "1")).await;
    story.flow().insisting().deliver(&job(&story)).await.unwrap();
    assert_eq!((made(&story), value(&story)), (0, first));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_lost_its_data_gets_others() {
    let story = settled(generated().refresh(RefreshPolicy::CreatedOnce, HOUR)).await;
    let first = value(&story);
    story.world.clusters().edit(ID, |secret| secret.set("password", "by hand"));
    story.sweep_for(2).await;
    assert_eq!(made(&story), 1);
    let second = value(&story);
    assert!(second != first && second != "by hand");
    story.world.clusters().delete(ID);
    story.sweep_for(2).await;
    assert_eq!(made(&story), 1);
    assert_ne!(value(&story), second);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_hand_on_a_label_of_the_target_loses_nothing() {
    let story = settled(generated().every(24 * HOUR)).await;
    let first = value(&story);
    story.world.clusters().edit(ID, |secret| drop(secret.labels.insert("by".into(), "hand".into())));
    story.sweep_for(3).await;
    assert_eq!((made(&story), value(&story)), (0, first));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_value_beside_it_that_rotates_makes_it_anew_for_nobody_has_it_any_more() {
    let both = generated().reads("app/db").every(24 * HOUR);
    let story = Story::new();
    story.world.add_store(password());
    story.world.rotate("app/db", story.value(1));
    story.world.declare(both);
    story.flow().sweep(true).await.unwrap();
    story.world.forget_calls();
    let first = value(&story);
    let change = story.world.rotate("app/db", story.value(2));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(made(&story), 1);
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    assert_ne!(value(&story), first);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_for_a_target_that_is_not_written() {
    for creation in [CreationPolicy::None, CreationPolicy::Merge] {
        let story = Story::new();
        story.world.add_store(password());
        story.world.declare(generated().creation(creation));
        story.sweep_for(3).await;
        assert_eq!(made(&story), 0, "{creation:?}");
        story.end();
    }
    let story = Story::new();
    story.world.add_store(password());
    story.world.clusters().edit(ID, |secret| secret.set("k", "of somebody"));
    story.world.clusters().edit(ID, |secret| secret.immutable = true);
    story.world.declare(generated());
    story.sweep_for(1).await;
    assert_eq!(made(&story), 0, "it is immutable");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_missing_fails_what_reads_it_alone_until_it_is_there() {
    let story = Story::new();
    story.world.declare(generated());
    story.declare("blue/shop/other", "app/db");
    story.world.rotate("app/db", story.value(1));
    let declarations = vec![id(ID), id("blue/shop/other")];
    story.flow().deliver(&Job { declarations, ..job(&story) }).await.unwrap();
    assert_eq!(story.world.value("blue/shop/other", "value"), Some(story.value(1)));
    let State::Failed(failure) = story.world.record(ID).unwrap().state else { panic!("it fails") };
    assert_eq!(
        failure.message,
        "error processing spec.dataFrom[0].sourceRef.generatorRef, err: unable to get generator: \
         Password.generators.external-secrets.io \"password\" not found; apply it, or correct generatorRef"
    );
    let given = Manifests { stores: vec![password()], ..Manifests::default() };
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert_eq!(*report.objects[0].1.as_ref().unwrap(), Put::Created);
    story.work_off().await;
    assert_eq!(made(&story), 1);
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn kinds_of_generators_and_stores_of_one_name_are_others() {
    let of = |generator: Option<_>, namespaced: bool| StoreId {
        name: "password".parse().unwrap(),
        generator,
        namespace: namespaced.then(|| "shop".parse().unwrap()),
        ..password().id
    };
    let story = Story::new();
    let mut uuid = generator(Generator::Uuid);
    uuid.id = of(Some(pawl_domain::GeneratorKind::Uuid), true);
    story.world.add_store(uuid.clone());
    story.world.add_store(password());
    story.world.declare(declaration(ID).generates(uuid.id.clone()).generates(password().id));
    story.flow().sweep(true).await.unwrap();
    let keys: Vec<String> = story.world.data(ID).into_keys().collect();
    assert_eq!(keys, ["password", "uuid"]);
    let known = story.world.registry().stores(&[of(None, true), uuid.id].into()).await.unwrap();
    assert_eq!(known.len(), 1, "a store of this name is not there");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_generator_that_fails_is_tried_again_and_makes_one_thing_in_the_end() {
    let story = Story::new();
    story.world.add_store(password());
    story.world.declare(generated());
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Generate).times(2));
    story.sweep_for(1).await;
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
    assert_eq!(story.world.clusters().history(ID).len(), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_another_writer_makes_nothing_twice() {
    let story = settled(generated()).await;
    story.world.advance(HOUR);
    story.world.inject(Fault::fail(Kind::Conflict).at(Point::Write).times(1));
    story.flow().sweep(false).await.unwrap();
    assert_eq!(made(&story), 1);
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_down_gets_one_thing_when_it_is_back() {
    let story = settled(generated()).await;
    let first = value(&story);
    story.world.advance(HOUR);
    story.world.inject(Fault::down("blue"));
    story.sweep_for(2).await;
    story.world.mend_all();
    story.sweep_for(1).await;
    assert_ne!(value(&story), first);
    assert_eq!(story.world.clusters().history(ID).len(), 2, "each state that ever stood");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_makes_nothing() {
    let story = settled(generated()).await;
    let declared = story.world.registry().page(&Scope::All, None, 100).await.unwrap();
    let rehearsed = story.flow().rehearse(declared.clone(), &[]).await.unwrap();
    assert!(rehearsed[0].would.as_ref().unwrap().is_nothing(), "{rehearsed:?}");
    story.world.advance(HOUR);
    let rehearsed = story.flow().rehearse(declared, &[]).await.unwrap();
    let would = rehearsed[0].would.as_ref().unwrap();
    assert_eq!(would.intent, Intent::Change);
    assert_eq!((would.fields[0].part, would.fields[0].key.as_str()), ("generated", "by Password password"));
    assert_eq!(made(&story), 0);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_template_of_what_is_made_stays_with_it() {
    let template = Template {
        data: [("url".to_owned(), "db://{{ .password }}".to_owned())].into(),
        ..Template::default()
    };
    let story = settled(generated().template(template).every(24 * HOUR)).await;
    let first = story.world.data(ID);
    assert!(first["url"].starts_with("db://"), "{:?}", first.keys());
    edit_templated(&story).await;
    assert_eq!(made(&story), 1, "another template needs what nobody has");
    story.end();
}

async fn edit_templated(story: &Story) {
    let template = Template {
        data: [("url".to_owned(), "other://{{ .password }}".to_owned())].into(),
        ..Template::default()
    };
    edit(story, generated().template(template).every(24 * HOUR)).await;
    assert!(story.world.data(ID)["url"].starts_with("other://"));
}
