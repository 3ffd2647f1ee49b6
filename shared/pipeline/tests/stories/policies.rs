//! What a tenant's stores may do is the operator's to say: refused before anybody is asked, told where people look, and done
//! as soon as a policy allows it.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{MINUTE, Story, applying, manifests};
use pawl_domain::policy::{Allow, StoreSelector};
use pawl_domain::record::State;
use pawl_domain::store::{Backend, FakeEntry, FakeStore};
use pawl_domain::{
    Complaint, Home, Kind, Manifests, Outcome, Record, Rule, Severity, Standing, Store, StorePolicy,
};
use pawl_pipeline::Apply;
use pawl_ports::{Ports, Put, Registry, Validity};
use pawl_world::build::{cluster_name, object_name, patterns, policy};
use pawl_world::{Calls, Fault, Point, cluster, declaration, secrets_manager};
use std::collections::BTreeMap;

const ID: &str = "blue/shop/db";

/// Cluster blue, with a SecretStore without credentials and an ExternalSecret that reads `key` of it.
async fn found(key: &str) -> (Story, Manifests) {
    let story = Story::without_policies();
    story.world.add_cluster(cluster("blue").indexed());
    story.with_namespace("shop");
    let home = Home::Cluster(cluster_name("blue"));
    let store: Store = secrets_manager("aws").namespaced("shop").home(home.clone()).build();
    let each = declaration(ID).home(home).uid("u").reads(key).of_store(store.id.clone()).build();
    let standing = BTreeMap::from([(store.id.clone(), Standing::default())]);
    let found = Manifests { declarations: vec![each], stores: vec![store], standing, ..Manifests::default() };
    story.world.clusters().set_manifests(&cluster_name("blue"), found.clone());
    story.world.rotate(key, story.value(1));
    story.flow().index_clusters().await.unwrap();
    (story, found)
}

fn allowing(keys: &[&str]) -> StorePolicy {
    StorePolicy {
        namespaces: Some(patterns(&["shop"])),
        allow: Allow { own_identity: true, keys: patterns(keys), ..Allow::default() },
        ..policy("shop")
    }
}

async fn apply(story: &Story, policy: StorePolicy) -> Put {
    let given = Manifests { policies: vec![policy], ..Manifests::default() };
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    *report.objects[0].1.as_ref().unwrap()
}

fn record(story: &Story) -> Record {
    story.world.record(ID).unwrap()
}

fn refused_by(story: &Story) -> Option<Rule> {
    match record(story).state {
        State::Failed(failure) if failure.kind == Kind::Refused => match failure.complaint {
            Complaint::Refused(rule) => Some(rule),
            _ => None,
        },
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_nobody_is_asked_and_everybody_is_told() {
    let (story, _) = found("app/db").await;
    let report = story.work_off().await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.message().contains("PAWL-POLICY-IDENTITY") && !error.is_retryable(), "{error}");
    assert_eq!(refused_by(&story), Some(Rule::OwnIdentity));
    let calls = story.world.calls();
    assert_eq!((calls.store_calls(), calls.accounts, calls.target_writes()), (0, 0, 0));

    let told = story.world.clusters().published(&cluster_name("blue"));
    let failure = told.last().unwrap().1.result.as_ref().unwrap_err();
    assert_eq!(failure.complaint, Complaint::Refused(Rule::OwnIdentity));
    assert!(failure.complaint.as_str().contains("spec.allow.ownIdentity"));
    let told = story.world.clusters().told_stores(&cluster_name("blue"));
    let Validity::NotAllowed(Rule::OwnIdentity, why) = &told.last().unwrap().1.validity else {
        panic!("{told:?}")
    };
    assert!(why.contains("spec.allow.ownIdentity"), "{why}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again_and_again() {
    let (story, _) = found("app/db").await;
    story.work_off().await;
    story.world.rotate("app/db", story.value(2));
    story.world.forget_calls();
    let change = story.world.rotate("app/db", story.value(3));
    story.flow().sync(&change).await.unwrap();
    for _ in 0..30 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        story.work_off().await;
    }
    let calls = story.world.calls();
    assert_eq!((calls.store_calls(), calls.accounts, calls.target_writes()), (0, 0, 0), "{calls:?}");
    assert!(calls.publishes <= 1, "an hour has 60 minutes, and its interval is one: {calls:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_allows_it_is_followed_at_once_and_one_that_does_not_any_more_as_well() {
    let (story, _) = found("app/db").await;
    story.work_off().await;
    assert_eq!(apply(&story, allowing(&["other/*"])).await, Put::Created);
    story.work_off().await;
    assert_eq!(refused_by(&story), Some(Rule::Key), "it says what is missing now");

    assert_eq!(apply(&story, allowing(&["app/*"])).await, Put::Changed);
    assert_eq!(record(&story).state, State::Pending, "intent is written before it is queued");
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    assert_eq!(record(&story).state, State::Settled(Outcome::Written));
    assert_eq!(apply(&story, allowing(&["app/*"])).await, Put::Unchanged);
    assert!(story.world.jobs().take().is_empty(), "the same policy is no work");
    assert_eq!(
        apply(&story, StorePolicy { namespaces: Some(patterns(&["bank"])), ..policy("bank") }).await,
        Put::Created
    );
    assert!(story.world.jobs().take().is_empty(), "a policy of others is no work");

    let removed = story.flow().remove_policies(&[object_name("shop"), object_name("nobody")]).await.unwrap();
    assert_eq!(removed, [(object_name("shop"), true), (object_name("nobody"), false)]);
    story.world.forget_calls();
    story.work_off().await;
    story.flow().sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    assert_eq!(refused_by(&story), Some(Rule::OwnIdentity));
    assert_eq!(story.world.calls().store_calls(), 0);
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "what was written stays as it is");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_policy_that_is_cut_off_is_finished_by_the_next_sweep() {
    let (story, _) = found("app/db").await;
    story.work_off().await;
    // The queue is down, as if the process had ended behind the write of the policy.
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Enqueue));
    let given = || Manifests { policies: vec![allowing(&["app/*"])], ..Manifests::default() };
    assert!(!story.flow().index(given(), &applying()).await.unwrap().is_complete());
    story.world.mend_all();
    assert_eq!(record(&story).state, State::Pending);
    for _ in 0..3 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        story.work_off().await;
    }
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));

    // Only whoever may take in Clusters says what stores may do.
    let wider = Manifests { policies: vec![allowing(&["*"])], ..Manifests::default() };
    let report = story.flow().index(wider, &Apply::default()).await.unwrap();
    assert!(report.objects[0].1.as_ref().is_err_and(|error| error.kind == Kind::Denied), "{report:?}");

    // Nothing is changed that could not be marked.
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Record));
    let stricter = Manifests { policies: vec![allowing(&["other"])], ..Manifests::default() };
    let report = story.flow().index(stricter, &applying()).await.unwrap();
    assert!(report.objects[0].1.as_ref().is_err_and(|error| error.is_retryable()), "{report:?}");
    story.world.mend_all();
    assert_eq!(story.world.registry().policies().await.unwrap().known, [allowing(&["app/*"])]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_search_reads_what_may_be_read_and_nothing_else() {
    let (story, mut manifests) = found("app/a").await;
    let declared = &mut manifests.declarations[0];
    let store = manifests.stores[0].id.clone();
    *declared = declaration(ID).home(declared.home.clone()).uid("u").finds(".*").of_store(store).build();
    story.world.clusters().set_manifests(&cluster_name("blue"), manifests);
    story.world.rotate("bank/treasury", story.value(9));
    apply(&story, allowing(&["app/*"])).await;
    story.flow().index_clusters().await.unwrap();
    story.work_off().await;
    let data = || story.world.data(ID);
    assert_eq!(data(), BTreeMap::from([("app_a".to_owned(), story.value(1))]));
    // Nor by an event, whose key the listing does not show yet.
    story.flow().sync(&story.world.rotate("bank/treasury", story.value(8))).await.unwrap();
    story.flow().sync(&story.world.rotate("bank/new", story.value(7))).await.unwrap();
    assert_eq!(data().len(), 1);
    story.flow().sync(&story.world.rotate("app/b", story.value(2))).await.unwrap();
    assert_eq!(data().len(), 2);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_applied_store_is_everybodys_until_a_policy_gives_each_namespace_its_keys() {
    let story = Story::without_policies();
    story.with_namespace("shop");
    story.with_namespace("evil");
    let (app, bank) =
        (story.world.rotate("app/db", story.value(1)), story.world.rotate("bank/db", story.value(2)));
    let of = |id: &str, key: &str| declaration(id).reads(key).build();
    let all = vec![of(ID, "app/db"), of("blue/evil/db", "app/db"), of("blue/evil/bank", "bank/db")];
    story.flow().index(manifests(all), &applying()).await.unwrap();
    story.work_off().await;
    assert_eq!(story.world.value("blue/evil/bank", "value"), Some(story.value(2)), "as before");

    let stores = StoreSelector { found: false, applied: true, names: Some(patterns(&["aws"])) };
    apply(&story, StorePolicy { stores, ..allowing(&["app/*"]) }).await;
    let report = story.work_off().await;
    assert_eq!(report.failures().count(), 2, "{report:?}");
    for (id, change, number) in [(ID, app, 3), ("blue/evil/db", bank, 4)] {
        let key = change.key().to_owned();
        story.flow().sync(&story.world.rotate(&key, story.value(number))).await.unwrap();
        let want = if id == ID { 3 } else { 1 };
        assert_eq!(story.world.value(id, "value"), Some(story.value(want)), "{id}");
    }
    assert_eq!(story.world.value("blue/evil/bank", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn pawls_own_secrets_are_read_by_nobody() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("pawl/ledger-key", story.value(1));
    story.world.rotate("app/db", story.value(2));
    let settings = pawl_pipeline::Settings {
        own_secrets: ["pawl/ledger-key".to_owned()].into(),
        ..pawl_pipeline::Settings::default()
    };
    let flow = crate::story::flow(&story.world, settings);
    let one = declaration("blue/shop/one").reads("pawl/ledger-key").build();
    let all = declaration("blue/shop/all").finds(".*").build();
    flow.index(manifests(vec![one, all]), &applying()).await.unwrap();
    for job in story.world.jobs().take() {
        flow.deliver(&job).await.unwrap();
    }
    assert_eq!(story.world.data("blue/shop/one"), BTreeMap::new());
    assert_eq!(story.world.data("blue/shop/all"), BTreeMap::from([("app_db".to_owned(), story.value(2))]));
    flow.sync(&story.world.rotate("pawl/ledger-key", story.value(3))).await.unwrap();
    assert_eq!(story.world.data("blue/shop/all").len(), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn values_of_fake_stores_stay_out_of_the_registry() {
    let story = Story::without_policies();
    story.with_namespace("shop");
    let entry = FakeEntry { key: "app".into(), value: story.value(1), version: String::new() };
    let mut store: Store = secrets_manager("aws").into();
    store.backend = Backend::Fake(FakeStore { data: vec![entry], is_refused: false });
    let given = Manifests { stores: vec![store], ..manifests(vec![declaration(ID).reads("app").build()]) };
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert_eq!(report.problems[0].severity, Severity::Error, "whoever applies it hears of it");
    assert!(report.problems[0].message.contains("PAWL-FAKE-STORE"));
    story.work_off().await;
    assert_eq!(refused_by(&story), Some(Rule::FakeStore));
    assert_eq!(story.world.calls(), Calls { fetches: 0, ..story.world.calls() });
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_policies_would_refuse() {
    let story = Story::without_policies();
    story.world.add_cluster(cluster("blue"));
    story.with_namespace("shop");
    let store = secrets_manager("aws").build();
    let reading = |id: &str, key: &str| declaration(id).reads(key).of_store(store.id.clone()).build();
    let declarations = vec![reading("blue/shop/own", "shop/db"), reading("blue/shop/other", "bank/db")];
    let given = |policies| Manifests {
        declarations: declarations.clone(),
        stores: vec![store.clone()],
        policies,
        ..Manifests::default()
    };
    let told = async |given: Manifests, apply: &Apply| -> Vec<String> {
        let report = story.flow().preview(given, apply).await.unwrap();
        report.problems.iter().map(ToString::to_string).collect()
    };
    let strict = |keys: &[&str]| StorePolicy {
        stores: StoreSelector { found: false, applied: true, names: None },
        ..allowing(keys)
    };

    assert_eq!(told(given(vec![]), &applying()).await, [] as [&str; 0], "no policy speaks of applied stores");
    // The policy among the manifests counts, as far as it may be applied.
    let refused = told(given(vec![strict(&["shop/*"])]), &applying()).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    let text = &refused[0];
    assert!(text.contains("blue/shop/other") && text.contains("spec.data[0]"), "{text}");
    assert!(text.contains(Rule::Key.words()) && text.contains("bank/db"), "{text}");
    assert_eq!(told(given(vec![strict(&["shop/*"])]), &Apply::default()).await, [] as [&str; 0]);
    // One in the registry counts for whoever applies; and a store that nobody may use is told as such.
    apply(&story, StorePolicy { allow: Allow::default(), ..strict(&[]) }).await;
    let refused = told(given(vec![]), &Apply::default()).await;
    assert_eq!(refused.len(), 3, "two reads and the store: {refused:?}");
    assert!(refused.iter().all(|text| text.contains(Rule::OwnIdentity.words())), "{refused:?}");
    assert!(refused[2].contains("in cluster blue"), "{refused:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_of_the_registry_a_changed_policy_would_newly_refuse() {
    let story = Story::without_policies();
    story.world.add_cluster(cluster("blue"));
    story.with_namespace("shop");
    let store = secrets_manager("aws").build();
    let reading = |number: usize, key: &str| {
        declaration(&format!("blue/shop/{number:03}")).reads(key).of_store(store.id.clone()).build()
    };
    let mut declarations = vec![reading(0, "bank/db"), reading(1, "shop/db")];
    declarations.extend((2..120).map(|number| reading(number, "mail/db")));
    let standing = Manifests { declarations, stores: vec![store.clone()], ..Manifests::default() };
    story.flow().index(standing, &applying()).await.unwrap();
    let of_applied = |keys: &[&str]| StorePolicy {
        stores: StoreSelector { found: false, applied: true, names: None },
        ..allowing(keys)
    };
    apply(&story, of_applied(&["shop/*", "mail/*"])).await;

    let told = async |policy: StorePolicy, apply: &Apply| -> Vec<String> {
        let given = Manifests { policies: vec![policy], ..Manifests::default() };
        let report = story.flow().preview(given, apply).await.unwrap();
        report.problems.iter().map(ToString::to_string).collect()
    };
    let refused = told(of_applied(&["shop/*"]), &applying()).await;
    assert_eq!(refused.len(), 101, "a hundred are named: {refused:?}");
    assert!(refused[0].contains("blue/shop/002") && refused[0].contains("mail/db"), "{}", refused[0]);
    assert!(refused[100].contains("18 more"), "{}", refused[100]);
    assert!(!refused.iter().any(|text| text.contains("bank/db")), "it is refused today: {refused:?}");
    // Whoever may not apply the policy is told of the rules as they are.
    assert_eq!(told(of_applied(&["shop/*"]), &Apply::default()).await, [] as [&str; 0]);
    assert_eq!(told(of_applied(&["shop/*", "mail/*"]), &applying()).await, [] as [&str; 0]);
    story.end();
}
