//! A target never goes from a newer version of a key to an older one, whoever writes when.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, flow, manifests};
use futures::FutureExt;
use pawl_domain::Outcome;
use pawl_pipeline::Settings;
use pawl_ports::{Job, Ports};
use pawl_world::{Point, declaration, every_order};

const POINTS: [Point; 4] = [Point::Read, Point::Fetch, Point::Write, Point::Record];

/// Pauses are one more thing that can end before or after others' steps; a single stale answer needs none.
fn patient() -> Settings {
    Settings { stale_attempts: 0, ..Settings::default() }
}

/// The numbers at the end of the values that a target has had, in order.
fn history(story: &Story, id: &str) -> Vec<usize> {
    let values = story.world.clusters().history(id);
    let number = |data: &std::collections::BTreeMap<String, String>| {
        data["value"].rsplit('-').next().unwrap().parse().unwrap()
    };
    values.iter().map(number).collect()
}

/// Two syncs of one target meet, in every order of their steps; a rotation happens between their events.
async fn two_syncs_meet(written_before: bool) -> usize {
    every_order(async |schedule| {
        let story = Story::new();
        story.declare("blue/shop/db", "app/db");
        if written_before {
            let change = story.world.rotate("app/db", story.value(1));
            story.flow().sync(&change).await.unwrap();
        }
        let first = story.world.rotate("app/db", story.value(2));
        let rotate_then_sync = async |actor: &str, change: Option<pawl_domain::Change>| {
            let world = story.world.seen_by(actor);
            let change = change.unwrap_or_else(|| story.world.rotate("app/db", story.value(3)));
            flow(&world, patient()).sync(&change).await.unwrap()
        };
        let (a, b) = (rotate_then_sync("a", Some(first)), rotate_then_sync("b", None));
        let reports = schedule.run(&story.world, &POINTS, [("a", a.boxed()), ("b", b.boxed())]).await;
        assert!(reports.iter().flatten().all(|report| report.failures().next().is_none()), "{reports:?}");

        let history = history(&story, "blue/shop/db");
        assert!(history.is_sorted(), "the target went back: {history:?}");
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(3)));

        // The ledger may have lost the race, but it never leads the next rotation astray.
        let change = story.world.rotate("app/db", story.value(4));
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1);
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(4)));
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn two_syncs_of_a_known_target_end_with_the_newest_value_in_every_order() {
    let orders = two_syncs_meet(true).await;
    assert!(orders > 50, "only {orders} orders were told");
}

#[tokio::test(start_paused = true)]
async fn two_syncs_of_a_new_target_end_with_the_newest_value_in_every_order() {
    let orders = two_syncs_meet(false).await;
    assert!(orders > 50, "only {orders} orders were told");
}

/// Nothing but its absence is a condition of creating a target, and it is absent once more when somebody has deleted it.
#[tokio::test(start_paused = true)]
async fn a_target_that_came_and_went_meanwhile_is_not_made_in_an_older_version() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let first = story.world.rotate("app/db", story.value(1));
    let world = story.world.seen_by("slow");
    let slow = flow(&world, patient());
    // What it plans by, what is asked after its look; then it has its value, and stands before it writes.
    let gate = story.world.gate(Point::Entries);
    let overtaking = async {
        gate.arrived().await.release();
        gate.arrived().await.release();
        let standing = gate.arrived().await;
        drop(gate);
        let second = story.world.rotate("app/db", story.value(2));
        story.flow().sync(&second).await.unwrap();
        story.world.clusters().delete("blue/shop/db");
        standing.release();
    };
    let (report, ()) = futures::join!(slow.sync(&first), overtaking);
    assert_eq!(report.unwrap().count(Outcome::Written), 1);
    assert_eq!(history(&story, "blue/shop/db"), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_is_killed_anywhere_is_made_good_by_the_next_try() {
    every_order(async |schedule| {
        let story = Story::new();
        story.declare("blue/shop/db", "app/db");
        let change = story.world.rotate("app/db", story.value(1));
        let world = story.world.seen_by("a");
        let flow_a = flow(&world, patient());
        let task = flow_a.sync(&change);
        let ended =
            schedule.with_mortal("a").run(&story.world, &Point::OF_A_SYNC, [("a", task.boxed())]).await;
        if ended[0].is_none() {
            // Whoever handed the change in was not told that it is done, so it comes again.
            story.flow().sync(&change).await.unwrap();
        }
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
        assert!(history(&story, "blue/shop/db").is_sorted());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_killed_anywhere_is_made_good_by_the_next_try() {
    every_order(async |schedule| {
        let story = Story::new();
        for name in ["blue/shop/a", "green/shop/b"] {
            story.declare(name, "app/db");
        }
        let change = story.world.rotate("app/db", story.value(1));
        let declarations = vec!["blue/shop/a".parse().unwrap(), "green/shop/b".parse().unwrap()];
        let job = Job { declarations, change: Some(change), at: pawl_world::build::at(0) };
        let world = story.world.seen_by("a");
        let flow_a = flow(&world, Settings { concurrency: 1, ..patient() });
        let task = flow_a.deliver(&job);
        let ended = schedule
            .with_mortal("a")
            .run(&story.world, &[Point::Read, Point::Write, Point::Record], [("a", task.boxed())])
            .await;
        if ended[0].is_none() {
            story.flow().deliver(&job).await.unwrap();
        }
        for name in ["blue/shop/a", "green/shop/b"] {
            assert_eq!(story.world.value(name, "value"), Some(story.value(1)));
        }
    })
    .await;
}

/// A declaration is edited and delivered while a delivery of what it was before is under way, in every order of their steps.
async fn an_edit_meets_a_delivery(written_before: bool) -> usize {
    every_order(async |schedule| {
        let story = Story::new();
        story.with_namespace("shop");
        let id = "blue/shop/db";
        let reading = |key: &str| manifests(vec![declaration(id).reads(key).build()]);
        for (number, key) in ["app/old", "app/new"].into_iter().enumerate() {
            story.world.rotate(key, story.value(number));
        }
        story.flow().index(reading("app/old"), &applying()).await.unwrap();
        if written_before {
            story.work_off().await;
            story.world.rotate("app/old", story.value(0));
        }
        story.world.jobs().take();
        let (at, declarations) = (pawl_world::build::at(0), vec![id.parse().unwrap()]);
        let job = Job { declarations, change: None, at };
        let (a, b) = (story.world.seen_by("a"), story.world.seen_by("b"));
        let deliver = async {
            flow(&a, patient()).deliver(&job).await.unwrap();
        };
        let edit = async {
            flow(&b, patient()).index(reading("app/new"), &applying()).await.unwrap();
            flow(&b, patient()).deliver(&job).await.unwrap();
        };
        // A new target has one look at the ledger more, which would make tens of thousands of orders of them.
        let points = if written_before {
            [Point::Entries, Point::Read, Point::Write]
        } else {
            [Point::Read, Point::Write, Point::Record]
        };
        schedule.run(&story.world, &points, [("a", deliver.boxed()), ("b", edit.boxed())]).await;

        let history = history(&story, id);
        assert!(history.is_sorted(), "the target went back to what was declared before: {history:?}");
        story.work_off().await;
        story.work_off().await;
        assert_eq!(story.world.value(id, "value"), Some(story.value(1)));
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_known_target_never_goes_back_to_what_was_declared_before() {
    let orders = an_edit_meets_a_delivery(true).await;
    assert!(orders > 5, "only {orders} orders were told");
}

#[tokio::test(start_paused = true)]
async fn a_new_target_never_goes_back_to_what_was_declared_before() {
    let orders = an_edit_meets_a_delivery(false).await;
    assert!(orders > 10, "only {orders} orders were told");
}
