//! A target never goes from a newer version of a key to an older one, whoever writes when.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, flow, killed_before_its_record, manifests, patient};
use futures::FutureExt;
use pawl_domain::{Kind, Outcome};
use pawl_pipeline::{Report, Settings};
use pawl_ports::{Job, Ledger, Ports};
use pawl_world::{Fault, Point, World, declaration, every_order};

/// Where whatever is no flow stands before it does something. No sync asks for marks.
const MOMENT: Point = Point::Mark;

/// The numbers at the end of the values that a target has had, in order.
fn history(story: &Story, id: &str) -> Vec<usize> {
    let values = story.world.clusters().history(id);
    let number = |data: &std::collections::BTreeMap<String, String>| {
        data["value"].rsplit('-').next().unwrap().parse().unwrap()
    };
    values.iter().map(number).collect()
}

/// Rotates at a moment that the order chooses, and syncs that.
async fn rotate_then_sync(story: &Story, number: usize, actor: &str) -> Report {
    let world = story.world.seen_by(actor);
    a_moment(&world).await;
    let change = story.world.rotate("app/db", story.value(number));
    flow(&world, patient()).sync(&change).await.unwrap()
}

/// Stands at [`MOMENT`] before it goes on.
async fn a_moment(world: &World) {
    world.ledger().mark("moment").await.unwrap();
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
        let older = async { flow(&story.world.seen_by("a"), patient()).sync(&first).await.unwrap() };
        let newer = rotate_then_sync(&story, 3, "b");
        let points = [MOMENT, Point::Fetch, Point::Write, Point::Record];
        let reports = schedule.run(&story.world, &points, [("a", older.boxed()), ("b", newer.boxed())]).await;
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

/// A slow sync stands before it creates a target. Meanwhile a newer version is created by another, which may die before it
/// records that, and somebody deletes it.
async fn a_target_comes_and_goes(is_recorded: bool) {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let first = story.world.rotate("app/db", story.value(1));
    let (slow, fast) = (story.world.seen_by("slow"), story.world.seen_by("fast"));
    let (slow, fast) = (flow(&slow, patient()), flow(&fast, patient()));
    // Where it has its value, and is about to note that it creates.
    let gate = story.world.gate(Point::Record);
    let overtaking = async {
        let standing = gate.arrived().await;
        let second = story.world.rotate("app/db", story.value(2));
        if is_recorded {
            drop(gate);
            fast.sync(&second).await.unwrap();
        } else {
            killed_before_its_record(&gate, fast.sync(&second)).await;
            drop(gate);
        }
        assert_eq!(history(&story, "blue/shop/db"), [2]);
        story.world.clusters().delete("blue/shop/db");
        standing.release();
    };
    let (report, ()) = futures::join!(slow.sync(&first), overtaking);
    assert_eq!(report.unwrap().count(Outcome::Written), 1);
    assert_eq!(history(&story, "blue/shop/db"), [2, 2]);
}

/// Nothing but its absence is a condition of creating a target, and it is absent once more when somebody has deleted it.
#[tokio::test(start_paused = true)]
async fn a_target_that_came_and_went_meanwhile_is_not_made_in_an_older_version() {
    a_target_comes_and_goes(true).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_came_unrecorded_and_went_is_not_made_in_an_older_version() {
    a_target_comes_and_goes(false).await;
}

/// A request to create that reaches the cluster late may make an older version for a moment, where somebody deleted the newer
/// one. It never stays.
#[tokio::test(start_paused = true)]
async fn a_target_that_came_and_went_ends_with_the_newest_value_in_every_order() {
    let orders = every_order(async |schedule| {
        let story = Story::new();
        story.declare("blue/shop/db", "app/db");
        let first = story.world.rotate("app/db", story.value(1));
        let older = async {
            flow(&story.world.seen_by("older"), patient()).sync(&first).await.unwrap();
        };
        // The older one has its value before it first stands.
        let newer = async {
            let second = story.world.rotate("app/db", story.value(2));
            flow(&story.world.seen_by("newer"), patient()).sync(&second).await.unwrap();
        };
        let hand = async {
            a_moment(&story.world.seen_by("hand")).await;
            story.world.clusters().delete("blue/shop/db");
        };
        let tasks = [("older", older.boxed()), ("newer", newer.boxed()), ("hand", hand.boxed())];
        let points = [MOMENT, Point::Write, Point::Record];
        schedule.run(&story.world, &points, tasks).await;
        let history = history(&story, "blue/shop/db");
        assert_eq!(history.last(), Some(&2), "{history:?}");
    })
    .await;
    assert!(orders > 100, "only {orders} orders were told");
}

/// What cannot be noted as begun is not created.
#[tokio::test(start_paused = true)]
async fn nothing_is_created_while_the_ledger_cannot_be_written() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Record));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!((report.count(Outcome::Written), report.failures().count()), (0, 0), "it is queued");
    assert_eq!(story.world.value("blue/shop/db", "value"), None);
    story.world.mend_all();
    assert_eq!(story.flow().sync(&change).await.unwrap().count(Outcome::Written), 1);
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
