//! How the fleet fares, and what a security team asks of it.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{MINUTE, Story};
use jiff::SignedDuration;
use pawl_domain::Kind;
use pawl_domain::record::Cause;
use pawl_pipeline::sweep::review::Review;
use pawl_ports::{Clock, Job, Ports};
use pawl_world::{Fault, Point, declaration, parameter_store, secrets_manager};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_fleet_is_told_by_state_age_and_cause() {
    let story = Story::new();
    story.declare("blue/shop/a", "app/a");
    story.declare("green/shop/b", "app/b");
    story.declare("green/shop/c", "app/missing");
    let a = story.world.rotate("app/a", story.value(1));
    story.world.rotate("app/b", story.value(2));
    story.flow().sync(&a).await.unwrap();
    let before = story.flow().fleet(|_| true).await.unwrap();
    let total = &before.total;
    assert_eq!((total.declarations, total.settled, total.waiting, total.failing), (3, 1, 2, 0));
    story.flow().sweep(true).await.unwrap();
    let job = Job::chunks(&["green/shop/c".parse().unwrap()], None, story.world.clock().now()).remove(0);
    story.flow().deliver(&job).await.unwrap();

    let a = story.world.rotate("app/a", story.value(3));
    story.world.advance(Duration::from_secs(4));
    story.flow().sync(&a).await.unwrap();
    story.world.rotate("app/b", story.value(4));
    story.world.advance(61 * MINUTE);
    story.flow().sweep(false).await.unwrap();
    story.world.advance(MINUTE);
    let fleet = story.flow().fleet(|_| true).await.unwrap();
    let total = &fleet.total;
    assert_eq!((total.declarations, total.settled, total.failing, fleet.clusters.len()), (3, 2, 1, 2));
    let of_clusters =
        fleet.clusters.iter().map(|(name, tally)| (name.as_str(), tally.settled, tally.failing));
    assert_eq!(of_clusters.collect::<Vec<_>>(), [("blue", 1, 0), ("green", 1, 1)]);
    let failures: Vec<_> = fleet.failures.iter().collect();
    let [(code, failing)] = failures[..] else { panic!("{failures:?}") };
    assert_eq!((code.as_str(), failing.declarations), ("PAWL-FETCH-NOT-FOUND", 1));
    assert_eq!(failing.examples[0].0.to_string(), "green/shop/c");
    assert_eq!(fleet.writes.get(&Cause::Sweep), Some(&1), "{fleet:?}");
    assert_eq!((fleet.delays.count(), fleet.delays.most()), (1, Some(4)));
    // A sweep looked at both since, though it found nothing of one.
    assert_eq!((fleet.ages.count(), fleet.ages.most()), (2, Some(60)));
    assert!(
        [&fleet.total].into_iter().chain(fleet.clusters.values()).all(|tally| tally.oldest_known == Some(60))
    );
    let blue = story.flow().fleet(|each| each.id.cluster.as_str() == "blue").await.unwrap();
    assert_eq!((blue.total.declarations, blue.clusters.len()), (1, 1));
    story.world.advance(Duration::from_secs(25 * 3600));
    assert!(story.flow().fleet(|_| true).await.unwrap().writes.is_empty(), "of the last day only");
    story.end();
}

async fn review(story: &Story) -> Review {
    story.world.forget_calls();
    let review = story.flow().review(SignedDuration::from_hours(90 * 24)).await.unwrap();
    let calls = story.world.calls();
    assert_eq!((calls.values, calls.target_writes(), calls.ledger_writes), (0, 0, 0));
    story.canary.assert_absent_from("the review", &format!("{review:?}"));
    story.end();
    review
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reads_is_old_or_has_no_owner_is_named() {
    let story = Story::new();
    story.world.add_store(parameter_store("unused").condition(pawl_domain::store::Condition::default()));
    story.declare("blue/shop/db", "app/db");
    story.world.declare(declaration("green/shop/all").finds("^found/"));
    for (number, key) in ["app/db", "found/one", "left/over"].into_iter().enumerate() {
        story.world.rotate(key, story.value(number));
    }
    story.flow().sweep(true).await.unwrap();
    story.world.advance(Duration::from_secs(100 * 24 * 3600));
    story.world.rotate("found/two", story.value(9));
    let orphan = story.world.clusters().secret("blue/shop/db").unwrap();
    story.world.clusters().edit("blue/shop/orphan", |secret| *secret = orphan);

    let found = review(&story).await;
    let keys = |keys: &[pawl_pipeline::sweep::review::ListedKey]| {
        keys.iter().map(|key| key.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&found.unread), ["left/over"], "{found:?}");
    assert_eq!(keys(&found.old), ["app/db", "found/one"], "{found:?}");
    let orphans: Vec<_> = found.orphans.iter().map(|(_, _, name)| name.as_str()).collect();
    assert_eq!(orphans, ["orphan"]);
    let [(store, why)] = &found.wide[..] else { panic!("{found:?}") };
    assert_eq!(store.to_string(), "ClusterSecretStore aws");
    assert_eq!(why, "every namespace of every cluster may read it, and no StorePolicy limits which keys");
    assert_eq!(
        found.unused.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["ClusterSecretStore unused"]
    );
    assert!(found.unseen.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_listed_is_told_and_hides_nothing_else() {
    let story = Story::new();
    story.world.add_store(secrets_manager("other").region("us-east-1"));
    story.declare("blue/shop/db", "app/db");
    story.world.declare(declaration("blue/shop/other").reads("app/db").of("other"));
    story.world.rotate("left/over", story.value(1));
    story.world.inject(Fault::down("green"));
    let found = review(&story).await;
    assert_eq!(found.unread.len(), 1);
    let [(who, _)] = &found.unseen[..] else { panic!("{found:?}") };
    assert_eq!(who, "cluster green");
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Listing));
    let found = review(&story).await;
    assert_eq!((found.unread.len(), found.unseen.len()), (0, 3), "{found:?}");
}
