//! A secret rotates, and every Secret that declares it follows.

use crate::story::{Story, flow};
use pawl_domain::change::Extent;
use pawl_domain::record::State;
use pawl_domain::store::Home;
use pawl_domain::{Change, Kind, Location, Moved, Outcome};
use pawl_pipeline::Settings;
use pawl_ports::Ports;
use pawl_world::build::ACCOUNT;
use pawl_world::{Calls, Fault, Point, change, declaration, parameter_store};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_rotation_reaches_every_cluster_with_one_fetch() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    story.declare("green/shop/other", "app/other");
    let change = story.world.rotate("app/db", story.value(1));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 2, "{report:?}");
    for id in ["blue/shop/db", "green/shop/db"] {
        assert_eq!(story.world.value(id, "value"), Some(story.value(1)));
    }
    assert!(story.world.data("green/shop/other").is_empty());
    assert_eq!(story.world.calls().values, 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_another_account_concerns_nobody_here() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    let first = story.world.rotate("app/db", story.value(1));
    flow.sync(&first).await.unwrap();
    let of = |account: &str, version: Option<String>| Change {
        location: Location { account: Some(account.to_owned()), ..first.location.clone() },
        names: ["app/db".to_owned()].into(),
        version,
        ..first.clone()
    };
    story.world.forget_calls();
    let theirs = of("999999999999", Some("a version of theirs".to_owned()));
    let report = flow.sync(&theirs).await.unwrap();
    assert!(report.outcomes.is_empty(), "{report:?}");
    let calls = story.world.calls();
    assert_eq!((calls.accounts, calls.fetches, calls.target_writes()), (1, 0, 0));
    let state = story.world.record("blue/shop/db").unwrap().state;
    assert!(matches!(state, State::Settled(_)), "it stays as it was: {state:?}");

    let ours = story.world.rotate("app/db", story.value(2)).version;
    let report = flow.sync(&of(ACCOUNT, ours)).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "an event of the store's account, whichever bus brings it");
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));

    // Where nobody can say the account, the store's answer decides.
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Account));
    let ours = story.world.rotate("app/db", story.value(3)).version;
    flow.sync(&of(ACCOUNT, ours)).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(3)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_changed_brings_every_key_under_it() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    story.declare("green/shop/api", "app/api");
    story.declare("green/shop/other", "other/db");
    let flow = story.flow();
    for (number, key) in (1..).zip(["app/db", "app/api", "other/db"]) {
        flow.sync(&story.world.rotate(key, story.value(number))).await.unwrap();
    }
    // Three keys change, and one event tells of two of them.
    for (number, key) in (4..).zip(["app/db", "app/api", "other/db"]) {
        story.world.rotate(key, story.value(number));
    }
    let folder = Change { extent: Extent::Under, ..change("app/").build() };
    story.world.forget_calls();
    let report = flow.sync(&folder).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 3, "{report:?}");
    for (id, number) in
        [("blue/shop/db", 4), ("green/shop/db", 4), ("green/shop/api", 5), ("green/shop/other", 3)]
    {
        assert_eq!(story.world.value(id, "value"), Some(story.value(number)), "{id}");
    }
    assert_eq!(story.world.calls().values, 2, "each key once, for all who read it");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn the_second_rotation_takes_one_patch_each_and_no_get() {
    let story = Story::new();
    for cluster in ["blue", "green"] {
        for number in 0..50 {
            story.declare(&format!("{cluster}/shop/db-{number}"), "app/db");
        }
    }
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let change = story.world.rotate("app/db", story.value(2));
    story.world.forget_calls();
    let report = flow.sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 100);
    let calls = story.world.calls();
    assert_eq!((calls.values, calls.reads, calls.replaces, calls.target_writes()), (1, 0, 100, 100));
    assert_eq!(story.world.value("green/shop/db-7", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_version_was_written_costs_no_call() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    let change = story.world.rotate("app/db", story.value(1));
    flow.sync(&change).await.unwrap();
    story.world.forget_calls();
    let report = flow.sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Unchanged), 1);
    let Calls { fetches, reads, replaces, updates, .. } = story.world.calls();
    assert_eq!((fetches, reads, replaces, updates), (0, 0, 0, 0));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_version_that_changes_nothing_rendered_is_not_written() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db").property("user").into_key("user"));
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", r#"{"user":"app","password":"1"}"#)).await.unwrap();
    let change = story.world.rotate("app/db", r#"{"user":"app","password":"2"}"#);
    story.world.forget_calls();
    let report = flow.sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Unchanged), 1);
    assert_eq!(story.world.calls().cluster_calls(), 0);
    let record = story.world.record("blue/shop/db").unwrap();
    assert_eq!(record.versions[0].one().map(|version| version.id.as_str()), Some("v2"));
}

#[tokio::test(start_paused = true)]
async fn more_targets_than_fit_go_to_the_job_queue() {
    let story = Story::new();
    for number in 0..30 {
        story.declare(&format!("blue/shop/db-{number:02}"), "app/db");
    }
    let flow = flow(&story.world, Settings { inline_targets: 1, ..Settings::default() });
    let report = flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert_eq!((report.count(Outcome::Written), report.count(Outcome::Queued)), (10, 20));
    assert!(story.world.data("blue/shop/db-29").is_empty());
    let jobs = story.world.jobs().take();
    assert_eq!(jobs.iter().map(|job| job.declarations.len()).sum::<usize>(), 20);
    for job in &jobs {
        assert_eq!(flow.deliver(job).await.unwrap().count(Outcome::Written), 20);
    }
    assert_eq!(story.world.value("blue/shop/db-29", "value"), Some(story.value(1)));
    assert_eq!(story.world.calls().values, 2, "one fetch for each call");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_comes_twice_is_done_once() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.world.rotate("app/db", story.value(1));
    let flow = story.flow();
    let job = pawl_ports::Job {
        declarations: vec!["blue/shop/db".parse().unwrap()],
        change: None,
        at: pawl_world::build::at(0),
    };
    story.world.advance(std::time::Duration::from_secs(1));
    flow.deliver(&job).await.unwrap();
    story.world.forget_calls();
    flow.deliver(&job).await.unwrap();
    assert_eq!((story.world.calls().fetches, story.world.calls().cluster_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_lags_behind_the_change_is_not_written() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let change = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::stale(1).times(3));
    flow.sync(&change).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));

    let change = story.world.rotate("app/db", story.value(3));
    story.world.inject(Fault::stale(1));
    let report = flow.sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 1, "{report:?}");
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_overtaken_brings_the_newest_value() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let first = story.world.rotate("app/db", story.value(1));
    let second = story.world.rotate("app/db", story.value(2));
    let flow = story.flow();
    flow.sync(&second).await.unwrap();
    flow.sync(&first).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_parameter_follows_without_a_version_in_its_event() {
    let story = Story::new();
    story.world.add_store(parameter_store("parameters"));
    story.world.declare(declaration("blue/shop/db").reads("/app/db").of("parameters").into_key("value"));
    let flow = story.flow();
    for number in 1..=2 {
        let mut change = story.world.rotate_parameter("/app/db", story.value(number));
        change.version = None;
        flow.sync(&change).await.unwrap();
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(number)));
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_selector_in_a_parameters_key_is_followed_as_one_beside_it() {
    let story = Story::new();
    story.world.add_store(parameter_store("parameters"));
    for (name, key) in [("label", "/live/p:prod"), ("number", "/live/p:1"), ("current", "/live/p")] {
        let id = format!("blue/shop/{name}");
        story.world.declare(declaration(&id).reads(key).of("parameters").into_key("value"));
    }
    let flow = story.flow();
    // As the service tells: its events carry the bare name, and neither version nor label.
    let told = |change: Change| Change {
        version: None,
        moved: match change.moved {
            Moved::Label(_) => Moved::SomeLabel,
            other => other,
        },
        ..change
    };
    story.world.rotate_parameter("/live/p", story.value(1));
    story.world.label_parameter("/live/p", "1", "prod");
    let created = told(story.world.rotate_parameter("/live/p", story.value(2)));
    flow.sync(&Change { moved: Moved::Existence, ..created }).await.unwrap();
    let held = |number: &[usize; 3]| {
        for (name, number) in ["label", "number", "current"].iter().zip(number) {
            let id = format!("blue/shop/{name}");
            assert_eq!(story.world.value(&id, "value"), Some(story.value(*number)), "{name}");
        }
    };
    held(&[1, 1, 2]);
    story.world.advance(Duration::from_secs(60));
    flow.sync(&told(story.world.label_parameter("/live/p", "2", "prod"))).await.unwrap();
    held(&[2, 1, 2]);
    story.world.advance(Duration::from_secs(60));
    flow.sync(&told(story.world.rotate_parameter("/live/p", story.value(3)))).await.unwrap();
    held(&[2, 1, 3]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn tags_that_change_reach_what_reads_them() {
    let story = Story::new();
    story.world.rotate("app/db", story.value(1));
    story.world.tag_secret("app/db", "team", "shop");
    story
        .world
        .declare(declaration("blue/shop/tags").reads("app/db").metadata().property("team").into_key("team"));
    let flow = story.flow();
    for team in ["bank", "till"] {
        let change = story.world.tag_secret("app/db", "team", team);
        flow.sync(&change).await.unwrap();
        assert_eq!(story.world.value("blue/shop/tags", "team").as_deref(), Some(team));
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn one_bad_declaration_never_hides_the_others() {
    let story = Story::new();
    story.declare("blue/shop/good", "app/db");
    story.world.declare(declaration("blue/shop/bad").reads("app/db").property("nowhere").into_key("value"));
    story.world.declare(declaration("blue/shop/lost").reads("app/db").reads("app/gone").into_key("other"));
    story.world.declare(declaration("green/shop/cut-off").reads("app/db"));
    story.world.inject(Fault::down("green"));
    let change = story.world.rotate("app/db", story.value(1));
    let report = story.flow().sync(&change).await.unwrap();
    let kinds: Vec<_> = report.failures().map(|(id, error)| (id.to_string(), error.kind)).collect();
    assert_eq!(
        kinds,
        [("blue/shop/bad".to_owned(), Kind::Invalid), ("blue/shop/lost".to_owned(), Kind::NotFound)]
    );
    assert_eq!(report.count(Outcome::Queued), 1);
    assert_eq!(story.world.value("blue/shop/good", "value"), Some(story.value(1)));
    let message = report.failures().next().map(|(_, error)| error.to_string()).unwrap();
    assert_eq!(
        message,
        "error processing spec.data[0] (key: app/db), err: key nowhere does not exist in secret app/db; correct the \
             property, or the secret app/db"
    );

    story.world.mend_all();
    for job in story.world.jobs().take() {
        story.flow().deliver(&job).await.unwrap();
    }
    assert_eq!(story.world.value("green/shop/cut-off", "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_target_of_an_external_secret_in_the_cluster_gets_its_status() {
    let story = Story::new();
    let home = Home::Cluster("blue".parse().unwrap());
    let mut store: pawl_domain::Store = pawl_world::secrets_manager("aws").into();
    store.id.home = home.clone();
    let id = store.id.clone();
    story.world.add_store(store);
    story.world.declare(
        declaration("blue/shop/db").home(home).uid("uid-1").reads("app/db").of_store(id).into_key("value"),
    );
    story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let published = story.world.clusters().published(&"blue".parse().unwrap());
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].1.result, Ok(Outcome::Written));
    assert_eq!((published[0].1.target.as_str(), published[0].1.uid.as_deref()), ("db", Some("uid-1")));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_an_unread_key_costs_one_lookup() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let report = story.flow().sync(&change("app/nobody").build()).await.unwrap();
    assert!(report.outcomes.is_empty());
    assert_eq!(story.world.calls().lookups, 1);
    assert_eq!((story.world.calls().fetches, story.world.calls().cluster_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_comes_again_when_the_registry_cannot_be_asked() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup).times(1));
    let change = story.world.rotate("app/db", story.value(1));
    assert!(story.flow().sync(&change).await.unwrap_err().is_retryable());
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
}
