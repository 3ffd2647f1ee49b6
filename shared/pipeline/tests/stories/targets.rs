//! Targets of templates, and targets that are not written: what reaches the cluster, and with how many calls.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::Story;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Template, TemplateAs, TemplateFrom, TemplateItem,
    TemplateObject, TemplateScope,
};
use pawl_domain::reconcile::{DATA_HASH_ANNOTATION, MANAGED_LABEL};
use pawl_domain::{Complaint, Declaration, Kind, Outcome};
use pawl_ports::{Job, Ports};
use pawl_world::build::{at, cluster_name, namespace, object_name};
use pawl_world::{Fault, Point, declaration};
use std::collections::BTreeMap;
use std::time::Duration;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

/// `data` of a template.
fn making(pairs: &[(&str, &str)]) -> Template {
    Template { data: texts(pairs), ..Template::default() }
}

/// A template whose text stands under `key` in a ConfigMap.
pub(crate) fn from_config_map(name: &str, key: &str) -> Template {
    let items = vec![TemplateItem { key: key.to_owned(), as_what: TemplateAs::Values }];
    let from = TemplateFrom {
        config_map: Some(TemplateObject { name: object_name(name), items }),
        secret: None,
        literal: None,
        scope: TemplateScope::Data,
        decoding: Decoding::None,
    };
    Template { from: vec![from], ..Template::default() }
}

pub(crate) fn config_map(story: &Story, cluster: &str, name: &str, data: &[(&str, &str)]) {
    let (cluster, shop) = (cluster_name(cluster), namespace("shop"));
    story.world.clusters().set_config_map(&cluster, &shop, &object_name(name), data);
}

/// Work that came up after everything that was done so far.
fn again(declarations: &[Declaration]) -> Job {
    let declarations = declarations.iter().map(|each| each.id.clone()).collect();
    Job { declarations, change: None, at: at(3600) }
}

#[tokio::test(start_paused = true)]
async fn what_a_template_makes_follows_with_one_patch_and_no_get() {
    let story = Story::new();
    let template = Template {
        kind: Some("kubernetes.io/basic-auth".to_owned()),
        labels: texts(&[("team", "{{ .team }}"), ("fixed", "yes")]),
        annotations: texts(&[("note", "of {{ .team }}")]),
        finalizers: vec!["example.com/f".to_owned()],
        ..making(&[("password", "<{{ .password }}>")])
    };
    let db = declaration("blue/shop/db").reads("app/db").into_every().label("own", "x").template(template);
    story.world.declare(db);
    let flow = story.flow();
    let value = |team: &str, number| format!(r#"{{"team":"{team}","password":"{}"}}"#, story.value(number));
    flow.sync(&story.world.rotate("app/db", value("red", 1))).await.unwrap();
    let made = story.world.clusters().secret("blue/shop/db").unwrap();
    assert_eq!(story.world.data("blue/shop/db"), texts(&[("password", &format!("<{}>", story.value(1)))]));
    assert_eq!(
        (made.kind.as_str(), &made.finalizers[..]),
        ("kubernetes.io/basic-auth", &["example.com/f".to_owned()][..])
    );
    assert_eq!((made.labels["team"].as_str(), made.annotations["note"].as_str()), ("red", "of red"));
    assert!(
        !made.labels.contains_key("own"),
        "with a template the ExternalSecret's labels stay where they are"
    );

    story.world.forget_calls();
    let change = story.world.rotate("app/db", value("blue", 2));
    assert_eq!(flow.sync(&change).await.unwrap().count(Outcome::Written), 1);
    // Only a label changes.
    let change = story.world.rotate("app/db", value("green", 2));
    assert_eq!(flow.sync(&change).await.unwrap().count(Outcome::Written), 1);
    let calls = story.world.calls();
    assert_eq!((calls.reads, calls.replaces, calls.target_writes()), (0, 2, 2));
    let after = story.world.clusters().secret("blue/shop/db").unwrap();
    assert_eq!((after.labels["team"].as_str(), after.annotations["note"].as_str()), ("green", "of green"));
    assert_eq!((after.labels["fixed"].as_str(), after.labels[MANAGED_LABEL].as_str()), ("yes", "true"));
    assert_ne!(after.annotations[DATA_HASH_ANNOTATION], made.annotations[DATA_HASH_ANNOTATION]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn labels_of_which_nobody_knows_the_keys_are_written_after_a_look() {
    let story = Story::new();
    let from = TemplateFrom {
        config_map: None,
        secret: None,
        literal: Some("{{ .label }}: x".to_owned()),
        scope: TemplateScope::Labels,
        decoding: Decoding::None,
    };
    let template = Template { merge: true, from: vec![from], ..Template::default() };
    story.world.declare(declaration("blue/shop/db").reads("app/db").into_every().template(template));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", r#"{"label":"one"}"#)).await.unwrap();
    story.world.forget_calls();
    flow.sync(&story.world.rotate("app/db", r#"{"label":"two"}"#)).await.unwrap();
    let labels = story.world.clusters().secret("blue/shop/db").unwrap().labels;
    assert_eq!((labels.contains_key("one"), labels.contains_key("two")), (false, true));
    let calls = story.world.calls();
    assert_eq!((calls.reads, calls.updates, calls.replaces), (1, 1, 0));
}

/// ESO would delete it at its next refresh. Nobody deletes what a person made for a value that went before.
#[tokio::test(start_paused = true)]
async fn a_secret_made_by_hand_where_a_deleted_one_was_stays_until_there_are_values_again() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db").deletion(DeletionPolicy::Delete));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    flow.sync(&story.world.delete_secret("app/db")).await.unwrap();
    assert!(story.world.clusters().secret("blue/shop/db").is_none());
    story.world.clusters().edit("blue/shop/db", |secret| secret.set("theirs", "x"));
    story.sweep_for(3).await;
    flow.sweep(true).await.unwrap();
    assert_eq!(story.world.data("blue/shop/db"), texts(&[("theirs", "x")]));

    flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    assert_eq!(story.world.data("blue/shop/db"), texts(&[("value", &story.value(2))]));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_object_with_templates_is_read_once_and_its_changes_follow() {
    let story = Story::new();
    config_map(&story, "blue", "texts", &[("app.conf", "one {{ .value }}")]);
    let declared: Vec<_> = (0..20)
        .map(|number| {
            let db = declaration(&format!("blue/shop/db-{number}")).reads("app/db");
            story.world.declare(db.template(from_config_map("texts", "app.conf")))
        })
        .collect();
    let flow = story.flow();
    let change = story.world.rotate("app/db", story.value(1));
    assert_eq!(flow.sync(&change).await.unwrap().count(Outcome::Written), 20);
    assert_eq!(story.world.calls().template_reads, 1);
    let made = |text: &str| Some(format!("{text} {}", story.value(1)));
    assert_eq!(story.world.value("blue/shop/db-7", "app.conf"), made("one"));

    story.world.forget_calls();
    assert_eq!(flow.deliver(&again(&declared)).await.unwrap().count(Outcome::Unchanged), 20);
    assert_eq!(story.world.calls().target_writes(), 0);
    config_map(&story, "blue", "texts", &[("app.conf", "two {{ .value }}"), ("unused", "{{")]);
    assert_eq!(flow.deliver(&again(&declared)).await.unwrap().count(Outcome::Written), 20);
    assert_eq!(story.world.value("blue/shop/db-7", "app.conf"), made("two"));
    let calls = story.world.calls();
    assert_eq!((calls.template_reads, calls.reads, calls.replaces), (2, 0, 20));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_not_there_or_not_read_fails_its_declarations_only() {
    let story = Story::new();
    config_map(&story, "green", "texts", &[("app.conf", "{{ .value }}")]);
    for cluster in ["blue", "green"] {
        let db = declaration(&format!("{cluster}/shop/db")).reads("app/db");
        story.world.declare(db.template(from_config_map("texts", "app.conf")));
    }
    let flow = story.flow();
    let report = flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1);
    let (id, error) = report.failures().next().unwrap();
    assert_eq!((id.to_string().as_str(), error.kind), ("blue/shop/db", Kind::Invalid));
    assert!(
        error.message().starts_with("could not apply template: error fetching templateFrom data: "),
        "{error}"
    );
    assert_eq!(error.to_failure(1).complaint, Complaint::Update);

    config_map(&story, "blue", "texts", &[("app.conf", "{{ .value }}")]);
    story.world.inject(Fault::forbidden("blue").at(Point::Read));
    let report = flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    assert_eq!((report.count(Outcome::Written), report.failures().count()), (1, 1), "{report:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_chance_makes_stays_until_something_calls_for_it() {
    let story = Story::new();
    let template = making(&[("salt", "{{ randAlphaNum 32 }}"), ("value", "{{ .value }}")]);
    let db = story.world.declare(declaration("blue/shop/db").reads("app/db").template(template));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let salt = || story.world.value("blue/shop/db", "salt").unwrap();
    let first = salt();
    assert_eq!(first.len(), 32);

    // Nothing has changed, and the target stands as it was left.
    let job = again(&[db]);
    assert_eq!(flow.deliver(&job).await.unwrap().count(Outcome::Unchanged), 1);
    // Somebody has changed what is not data: that is mended with the next refresh, and only that.
    story.world.advance(Duration::from_secs(3600));
    story.world.clusters().edit("blue/shop/db", |secret| {
        secret.labels.retain(|label, _| label == MANAGED_LABEL);
    });
    forget_version(&story).await;
    assert_eq!(flow.deliver(&job).await.unwrap().count(Outcome::Written), 1);
    assert_eq!(salt(), first);
    // Somebody has changed data: it is all made anew, as nobody remembers it.
    story.world.clusters().edit("blue/shop/db", |secret| secret.set("value", "theirs"));
    forget_version(&story).await;
    assert_eq!(flow.deliver(&job).await.unwrap().count(Outcome::Written), 1);
    let second = salt();
    assert_ne!(second, first);
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    // A new value calls for a new target.
    flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    assert_ne!(salt(), second);
    story.end();
}

/// As the comparison of clusters does when it finds a target in another version than was left.
async fn forget_version(story: &Story) {
    use pawl_ports::Ledger;
    let id = "blue/shop/db".parse().unwrap();
    let entry = story.world.ledger().entries(&[id]).await.unwrap().remove(0);
    let mut record = entry.record;
    record.target.as_mut().unwrap().resource_version = None;
    story.world.ledger().put(&entry.id, &record, Some(entry.revision)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_target_for_which_nothing_can_be_made_is_marked_and_otherwise_left() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/gone"));
    let template = making(&[("a", "{{ .nope }}")]);
    story.world.declare(declaration("blue/shop/tpl").reads("app/db").template(template));
    for name in ["blue/shop/db", "blue/shop/tpl"] {
        story.world.clusters().edit(name, |secret| secret.set("theirs", "1"));
    }
    let flow = story.flow();
    let change = story.world.rotate("app/db", story.value(1));
    story.world.rotate("app/gone", story.value(0));
    let gone = story.world.delete_secret("app/gone");
    for (change, complaint, says) in [
        (gone, Complaint::Provider, "app/gone"),
        (
            change,
            Complaint::Update,
            "unable to mutate secret tpl: could not apply template: could not execute template",
        ),
    ] {
        let report = flow.sync(&change).await.unwrap();
        let (_, error) = report.failures().next().unwrap();
        assert!(error.message().contains(says), "{error}");
        assert_eq!(error.to_failure(1).complaint, complaint);
        assert!(!error.message().contains(story.canary.value()));
    }
    for name in ["blue/shop/db", "blue/shop/tpl"] {
        let secret = story.world.clusters().secret(name).unwrap();
        assert_eq!(secret.labels, texts(&[(MANAGED_LABEL, "true")]));
        assert_eq!((story.world.data(name), secret.annotations.len()), (texts(&[("theirs", "1")]), 0));
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_the_reads_give_decides_over_the_target_not_what_a_template_makes() {
    let story = Story::new();
    let template = || making(&[("k", "static")]);
    let reading = |name: &str, deletion| {
        declaration(name)
            .reads("app/db")
            .deletion(deletion)
            .creation(CreationPolicy::Owner)
            .template(template())
    };
    story.world.declare(reading("blue/shop/delete", DeletionPolicy::Delete));
    story.world.declare(reading("blue/shop/merge", DeletionPolicy::Merge));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert_eq!(story.world.value("blue/shop/delete", "k").as_deref(), Some("static"));
    let report = flow.sync(&story.world.delete_secret("app/db")).await.unwrap();
    assert_eq!((report.count(Outcome::Deleted), report.count(Outcome::Unchanged)), (1, 1), "{report:?}");
    assert!(story.world.clusters().secret("blue/shop/delete").is_none());
    assert_eq!(story.world.value("blue/shop/merge", "k").as_deref(), Some("static"));
}

#[tokio::test(start_paused = true)]
async fn an_immutable_target_is_refused_and_says_so() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    story.world.clusters().edit("blue/shop/db", |secret| secret.immutable = true);
    let report = flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    let (_, error) = report.failures().next().unwrap();
    assert!(error.message().starts_with("unable to update secret db: secret is immutable"), "{error}");
    assert_eq!(error.to_failure(1).complaint, Complaint::Immutable);
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn changed_templates_of_the_cluster_follow_when_the_interval_has_passed() {
    let story = Story::new();
    config_map(&story, "blue", "texts", &[("app.conf", "one {{ .value }}")]);
    let db = declaration("blue/shop/db").reads("app/db").template(from_config_map("texts", "app.conf"));
    story.world.declare(db);
    story.declare("blue/shop/other", "app/db");
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    flow.sweep(false).await.unwrap();
    config_map(&story, "blue", "texts", &[("app.conf", "two {{ .value }}")]);
    story.world.forget_calls();
    story.world.advance(Duration::from_secs(1800));
    flow.sweep(false).await.unwrap();
    assert_eq!(story.world.calls().template_reads, 0, "it is not due yet");
    story.world.advance(Duration::from_secs(1900));
    let swept = flow.sweep(false).await.unwrap();
    assert_eq!(swept.report.outcomes.len(), 1, "nothing calls for the other: {:?}", swept.report);
    assert_eq!(story.world.value("blue/shop/db", "app.conf"), Some(format!("two {}", story.value(1))));
    // The next one is due an interval later.
    story.world.forget_calls();
    flow.sweep(true).await.unwrap();
    assert_eq!(story.world.calls().template_reads, 0);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_template_that_would_not_be_applied_cannot_fail() {
    let story = Story::new();
    let broken = || making(&[("a", "{{ .nope }}")]);
    let merge = declaration("blue/shop/merge").reads("app/db").creation(CreationPolicy::Merge);
    story.world.declare(merge.template(broken()));
    story.world.declare(declaration("blue/shop/frozen").reads("app/db").immutable().template(broken()));
    story.world.clusters().edit("blue/shop/frozen", |secret| secret.set("theirs", "1"));
    let report = story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert_eq!((report.count(Outcome::TargetMissing), report.count(Outcome::Written)), (1, 1), "{report:?}");
    let frozen = story.world.clusters().secret("blue/shop/frozen").unwrap();
    assert!(frozen.immutable && story.world.data("blue/shop/frozen") == texts(&[("theirs", "1")]));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_the_api_server_refuses_to_change_is_marked_and_otherwise_left() {
    let story = Story::new();
    let template = Template { kind: Some("kubernetes.io/tls".to_owned()), ..making(&[("tls.crt", "c")]) };
    story.world.declare(declaration("blue/shop/db").reads("app/db").template(template));
    story.world.clusters().edit("blue/shop/db", |secret| secret.set("theirs", "1"));
    let report = story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let (_, error) = report.failures().next().unwrap();
    assert_eq!((error.kind, error.complaint()), (Kind::Invalid, Complaint::Update), "{error}");
    let secret = story.world.clusters().secret("blue/shop/db").unwrap();
    assert_eq!((secret.labels, secret.kind.as_str()), (texts(&[(MANAGED_LABEL, "true")]), ""));
    assert_eq!(story.world.data("blue/shop/db"), texts(&[("theirs", "1")]));
    story.end();
}

/// The event comes again, for nobody acknowledged it; by then the store has the former value, which the ledger knows.
#[tokio::test(start_paused = true)]
async fn an_event_that_comes_again_finds_the_write_that_was_never_recorded() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db"));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Record));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
    let event = story.world.rotate("app/db", story.value(2));
    assert!(flow.sync(&event).await.unwrap().is_retryable());
    story.world.mend_all();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();

    assert!(!flow.with_care().sync(&event).await.unwrap().is_retryable());
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.end();
}

/// A process may die after it wrote and before that is recorded. When the store then has the former value again, the ledger
/// says that this is what stands there.
#[tokio::test(start_paused = true)]
async fn a_write_that_was_never_recorded_is_not_taken_for_the_recorded_one() {
    let chance = making(&[("salt", "{{ randAlphaNum 32 }}"), ("value", "{{ .value }}")]);
    for template in [None, Some(chance)] {
        let story = Story::new();
        let db = declaration("blue/shop/db").reads("app/db");
        let random = template.is_some();
        story.world.declare(if let Some(template) = template { db.template(template) } else { db });
        let flow = story.flow();
        flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
        story.world.inject(Fault::fail(Kind::Throttled).at(Point::Record));
        story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
        assert!(flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap().is_retryable());
        story.world.mend_all();
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));

        flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
        flow.sweep(true).await.unwrap();
        story.work_off().await;
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)), "random: {random}");
        let made = story.world.data("blue/shop/db");
        flow.sweep(true).await.unwrap();
        assert_eq!(story.world.data("blue/shop/db"), made, "and there is nothing more to do");
        story.end();
    }
}
