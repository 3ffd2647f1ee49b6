//! The fake stores answer as Secrets Manager and Parameter Store do.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::{Access, Kind, Moved, Step, Store, VersionSelector};
use pawl_ports::{Error, Part, Ports, Sources, Wanted};
use pawl_world::build::{at, cluster_name, namespace, secrets_manager_location};
use pawl_world::{Calls, Fault, Point, World, parameter_store, secrets_manager};
use std::time::Duration;

fn access(store: Store) -> Access {
    store.access(&cluster_name("blue"), &namespace("shop"))
}

fn wanted(key: &str, version: &str) -> Wanted {
    let selector = match version {
        "" => VersionSelector::Current,
        id if id.starts_with('v') || id.parse::<u8>().is_ok() => VersionSelector::Id(id.to_owned()),
        label => VersionSelector::Label(label.to_owned()),
    };
    Wanted { key: key.to_owned(), selector, part: Part::Value }
}

/// The value and version of one key.
async fn fetch(world: &World, access: &Access, key: &str, version: &str) -> Result<(String, String), Error> {
    let fetched = world.sources().fetch(access, &[wanted(key, version)]).await.remove(0)?;
    Ok((fetched.value.expose_str().unwrap().to_owned(), fetched.version.id))
}

#[tokio::test]
async fn labels_follow_the_versions_of_a_secret() {
    let (world, aws) = (World::new(), access(secrets_manager("aws").build()));
    let change = world.rotate("app/db", "one");
    assert_eq!(
        (change.version.as_deref(), &change.moved, change.key()),
        (Some("v1"), &Moved::Current, "app/db")
    );
    world.rotate("app/db", "two");
    world.advance(Duration::from_secs(5));
    let third = world.rotate("app/db", "three");
    assert_eq!((third.version.as_deref(), third.at), (Some("v3"), at(5)));
    let labelled = world.sources().label(&secrets_manager_location(), "app/db", "v1", "pinned");
    assert_eq!(
        (labelled.version.as_deref(), labelled.moved),
        (Some("v1"), Moved::Label("pinned".to_owned()))
    );
    let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db";
    for (key, version, want) in [
        ("app/db", "", ("three", "v3")),
        (arn, "", ("three", "v3")),
        (&format!("{arn}-AbCdEf"), "AWSCURRENT", ("three", "v3")),
        ("app/db", "AWSPREVIOUS", ("two", "v2")),
        ("app/db", "pinned", ("one", "v1")),
        ("app/db", "v2", ("two", "v2")),
    ] {
        let got = fetch(&world, &aws, key, version).await.unwrap();
        assert_eq!((got.0.as_str(), got.1.as_str()), want, "{key} {version}");
    }
    for (key, version) in [("app/d", ""), ("app/db", "unknown"), ("app/db", "v9")] {
        assert_eq!(
            fetch(&world, &aws, key, version).await.unwrap_err().kind,
            Kind::NotFound,
            "{key} {version}"
        );
    }
    let elsewhere = access(secrets_manager("aws").region("us-east-1").build());
    assert_eq!(fetch(&world, &elsewhere, "app/db", "").await.unwrap_err().kind, Kind::NotFound);

    let gone = world.delete_secret("app/db");
    assert_eq!((gone.version, gone.moved), (None, Moved::Existence));
    assert_eq!(fetch(&world, &aws, "app/db", "").await.unwrap_err().kind, Kind::NotFound);
    world.rotate("app/db", "four");
    assert_eq!(fetch(&world, &aws, "app/db", "").await.unwrap(), ("four".to_owned(), "v4".to_owned()));
}

#[tokio::test]
async fn parameters_have_numbers() {
    let (world, ssm) = (World::new(), access(parameter_store("ssm").build()));
    world.rotate_parameter("/app/db", "one");
    world.rotate_parameter("/app/db", "two");
    assert_eq!(fetch(&world, &ssm, "/app/db", "").await.unwrap(), ("two".to_owned(), "2".to_owned()));
    assert_eq!(fetch(&world, &ssm, "/app/db", "1").await.unwrap(), ("one".to_owned(), "1".to_owned()));
    let arn = "arn:aws:ssm:eu-central-1:111122223333:parameter/app/db";
    assert_eq!(fetch(&world, &ssm, arn, "").await.unwrap().1, "2");
    let other = access(secrets_manager("aws").build());
    assert_eq!(fetch(&world, &other, "/app/db", "").await.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_store_that_lags_answers_with_what_was() {
    let (world, aws) = (World::new(), access(secrets_manager("aws").build()));
    for value in ["one", "two", "three"] {
        world.rotate("app/db", value);
    }
    world.inject(Fault::stale(1).at(Point::Fetch).on("app/db").times(2));
    assert_eq!(fetch(&world, &aws, "app/db", "").await.unwrap(), ("two".to_owned(), "v2".to_owned()));
    assert_eq!(fetch(&world, &aws, "app/db", "AWSPREVIOUS").await.unwrap().1, "v1");
    assert_eq!(fetch(&world, &aws, "app/db", "").await.unwrap().1, "v3", "it has caught up");
    world.inject(Fault::stale(3).times(1));
    let before = fetch(&world, &aws, "app/db", "").await.unwrap_err();
    assert_eq!(before.kind, Kind::NotFound, "before the first version there was no key");
}

#[tokio::test]
async fn keys_fail_one_by_one() {
    let (world, aws) = (World::new(), access(secrets_manager("aws").build()));
    for key in ["a", "b", "c"] {
        world.rotate(key, key);
    }
    world.inject(Fault::fail(Kind::Throttled).at(Point::Fetch).on("b").times(1));
    world.inject(Fault::unauthenticated().at(Point::Versions).on("c"));
    let keys = ["a", "b", "c"].map(|key| wanted(key, ""));
    let kinds = |answers: Vec<Result<(), Error>>| {
        answers
            .into_iter()
            .map(|answer| answer.err().map(|error| (error.step, error.kind)))
            .collect::<Vec<_>>()
    };
    let fetched = world.sources().fetch(&aws, &keys).await;
    let fetched = kinds(fetched.into_iter().map(|answer| answer.map(|_| ())).collect());
    assert_eq!(fetched, [None, Some((Step::Fetch, Kind::Throttled)), None]);
    let versions = world.sources().versions(&aws, &keys).await;
    let versions = kinds(versions.into_iter().map(|answer| answer.map(|_| ())).collect());
    assert_eq!(versions, [None, None, Some((Step::Authenticate, Kind::Denied))]);
    let want = Calls { fetches: 1, values: 3, version_calls: 1, versions: 3, ..Calls::default() };
    assert_eq!(world.calls(), want);
    assert_eq!(world.calls().store_calls(), 2);
}

#[tokio::test]
async fn listings_tell_what_changed_since() {
    let (world, aws) = (World::new(), access(secrets_manager("aws").build()));
    world.rotate("old", "1");
    world.rotate("gone", "1");
    world.rotate_parameter("other", "1");
    world.advance(Duration::from_secs(10));
    world.rotate("new", "1");
    world.delete_secret("gone");
    let listed = async |since| {
        let listing = world.sources().changed_since(&aws, since).await.unwrap();
        let name = |each: &pawl_ports::Listed| each.names.last().unwrap().clone();
        listing.keys.iter().map(|each| (name(each), each.version.clone())).collect::<Vec<_>>()
    };
    let all = [("old", Some("v1")), ("gone", None), ("new", Some("v1"))];
    let all = all.map(|(name, version)| (name.to_owned(), version.map(str::to_owned)));
    assert_eq!(listed(None).await, all);
    assert_eq!(listed(Some(at(0))).await, all);
    assert_eq!(listed(Some(at(11))).await, all, "one page holds them all");
    for number in 0..100 {
        world.rotate(&format!("more/{number}"), "1");
    }
    let changed = listed(Some(at(10))).await;
    assert!(changed.len() == 102 && !changed.contains(&all[0]), "a longer list ends where changes end");
    assert_eq!(listed(Some(at(11))).await, []);
    assert_eq!(listed(None).await.len(), 103);
    world.inject(Fault::fail(Kind::Denied).at(Point::Listing));
    assert_eq!(world.sources().changed_since(&aws, None).await.unwrap_err().kind, Kind::Denied);
}
