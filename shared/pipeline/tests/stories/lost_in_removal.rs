//! What is removed leaves nothing behind, whatever meets it, and what is declared anew comes back.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, flow, killed_before_its_record, manifests, patient, pruning};
use futures::FutureExt;
use pawl_domain::record::State;
use pawl_domain::{DeclarationId, Kind, Manifests, Outcome};
use pawl_ports::{DocumentKind, Ledger, Ports, Registry};
use pawl_world::{Fault, Point, declaration, every_order};
use std::time::Duration;

const ID: &str = "blue/shop/db";

fn ids() -> [DeclarationId; 1] {
    [ID.parse().unwrap()]
}

async fn written() -> Story {
    let story = Story::new();
    story.declare(ID, "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story
}

async fn assert_gone(story: &Story) {
    let state = story.world.record(ID).map(|record| record.state);
    assert!(story.world.data(ID).is_empty(), "nobody declares it, and it stands there: {state:?}");
    assert!(story.world.registry().declarations(&ids()).await.unwrap().is_empty(), "{state:?}");
    assert!(story.world.ledger().entries(&ids()).await.unwrap().is_empty(), "{state:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_while_it_is_delivered_leaves_no_secret() {
    let points = [Point::Write, Point::Record, Point::Catalogue];
    let orders = every_order(async |schedule| {
        let story = written().await;
        let change = story.world.rotate("app/db", story.value(2));
        let (a, b) = (story.world.seen_by("a"), story.world.seen_by("b"));
        let (flow_a, flow_b) = (flow(&a, patient()), flow(&b, patient()));
        let ids = ids();
        let sync = async { flow_a.sync(&change).await.map(drop) };
        let remove = async { flow_b.remove(&ids).await.map(drop) };
        schedule.run(&story.world, &points, [("a", sync.boxed()), ("b", remove.boxed())]).await;
        story.sweep_for(1).await;
        assert_gone(&story).await;
    })
    .await;
    assert!(orders > 10, "only {orders} orders were told");
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_for_good_leaves_no_secret_although_the_delivery_is_killed() {
    for is_new in [true, false] {
        every_order(async |schedule| {
            let story = if is_new { Story::new() } else { written().await };
            if is_new {
                story.declare(ID, "app/db");
            }
            let change = story.world.rotate("app/db", story.value(2));
            let (a, b) = (story.world.seen_by("a"), story.world.seen_by("b"));
            let (flow_a, flow_b) = (flow(&a, patient()), flow(&b, patient()));
            let ids = ids();
            let sync = async { flow_a.sync(&change).await.map(drop) };
            let remove = async { flow_b.remove(&ids).await.map(drop) };
            let tasks = [("a", sync.boxed()), ("b", remove.boxed())];
            schedule.with_mortal("a").run(&story.world, &[Point::Write, Point::Record], tasks).await;
            story.sweep_for(1).await;
            assert_gone(&story).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_killed_anywhere_is_finished_by_sweeps_once_it_was_noted() {
    every_order(async |schedule| {
        let story = written().await;
        let world = story.world.seen_by("a");
        let flow_a = flow(&world, patient());
        let ids = ids();
        let points = [Point::Entries, Point::Record, Point::Write, Point::Catalogue];
        let task = flow_a.remove(&ids);
        let ended = schedule.with_mortal("a").run(&story.world, &points, [("a", task.boxed())]).await;
        let noted = story.world.record(ID).is_some_and(|record| record.owed.removed.is_some());
        assert!(noted || ended[0].is_none(), "whoever asked for it was told that it is done");
        story.sweep_for(1).await;
        match noted {
            true => assert_gone(&story).await,
            false => assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "nothing was begun"),
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_cannot_reach_its_cluster_is_seen_and_finished_by_sweeps() {
    let story = written().await;
    story.world.inject(Fault::down("blue"));
    let removed = story.flow().remove(&ids()).await.unwrap();
    assert_eq!(removed[0].1.as_ref().unwrap_err().kind, Kind::Unreachable);
    assert!(matches!(story.world.record(ID).unwrap().state, State::Failed(_)), "pawl get shows it");
    // Nothing new is written for it.
    let change = story.world.rotate("app/db", story.value(2));
    story.world.mend_all();
    assert!(story.flow().sync(&change).await.unwrap().outcomes.is_empty());
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.sweep_for(1).await;
    assert_gone(&story).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_anew_while_its_removal_is_not_finished_comes_back() {
    for down in [false, true] {
        let story = Story::new();
        story.with_namespace("shop");
        story.world.rotate("app/db", story.value(1));
        let given = || manifests(vec![declaration(ID).reads("app/db").build()]);
        story.flow().index(given(), &applying()).await.unwrap();
        story.work_off().await;
        if down {
            story.world.inject(Fault::down("blue"));
        }
        story.flow().index(manifests(Vec::new()), &pruning()).await.unwrap();
        story.world.mend_all();
        story.flow().index(given(), &pruning()).await.unwrap();
        story.work_off().await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
        story.sweep_for(2).await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "no sweep takes it away again");
        let change = story.world.rotate("app/db", story.value(2));
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1);
        story.end();
    }
}

/// Whether it owned its Secret cannot be told any more, so that stays.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_removed_and_its_secret_stays() {
    for with_its_cluster in [false, true] {
        let story = written().await;
        story.world.registry().damage(DocumentKind::Declaration, ID);
        if with_its_cluster {
            story.world.registry().damage(DocumentKind::Cluster, "blue");
            let retired = story.flow().retire_cluster(&"blue".parse().unwrap(), false).await.unwrap();
            assert!(retired.known && retired.is_complete());
            assert_eq!(retired.declarations.len(), 1);
        } else {
            let removed = story.flow().remove(&ids()).await.unwrap();
            assert!(matches!(removed.as_slice(), [(_, Ok(()))]));
        }
        assert_eq!(story.world.registry().unreadable().await.unwrap(), []);
        assert_eq!(story.world.ledger().entries(&ids()).await.unwrap(), []);
        assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
        story.end();
    }
}

/// A declaration with a target of this name.
fn named(target: &str) -> Manifests {
    manifests(vec![declaration(ID).reads("app/db").target(target).build()])
}

/// The target `first` is declared and written.
async fn first_stands() -> Story {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/db", story.value(1));
    story.flow().index(named("first"), &applying()).await.unwrap();
    story.work_off().await;
    story
}

fn assert_only_the_third_stands(story: &Story) {
    for former in ["blue/shop/first", "blue/shop/second"] {
        assert!(story.world.data(former).is_empty(), "{former} stands for ever");
    }
    assert_eq!(story.world.value("blue/shop/third", "value"), Some(story.value(1)));
}

/// A process may end after it wrote a target of a new name, before that is recorded.
#[tokio::test(start_paused = true)]
async fn a_former_target_whose_write_was_never_recorded_is_deleted_all_the_same() {
    let story = first_stands().await;
    story.flow().index(named("second"), &applying()).await.unwrap();
    let job = story.world.jobs().take().remove(0);
    killed_before_its_record(&story.world.gate(Point::Record), story.flow().deliver(&job)).await;
    assert_eq!(story.world.value("blue/shop/second", "value"), Some(story.value(1)));

    story.flow().index(named("third"), &applying()).await.unwrap();
    story.work_off().await;
    assert_only_the_third_stands(&story);
    story.end();
}

/// A request to create may reach the cluster after the target got another name, and whoever wrote that deleted the former.
#[tokio::test(start_paused = true)]
async fn a_former_target_that_is_created_late_is_deleted_all_the_same() {
    let story = first_stands().await;
    story.flow().index(named("second"), &applying()).await.unwrap();
    let job = story.world.jobs().take().remove(0);
    let flow = story.flow();
    let gate = story.world.gate(Point::Write);
    let overtaking = async {
        let late = gate.arrived().await;
        drop(gate);
        story.flow().index(named("third"), &applying()).await.unwrap();
        story.work_off().await;
        assert_eq!(story.world.value("blue/shop/third", "value"), Some(story.value(1)));
        late.release();
    };
    let (report, ()) = futures::join!(flow.deliver(&job), overtaking);
    report.unwrap();
    story.work_off().await;
    assert_only_the_third_stands(&story);
    story.end();
}

/// A live credential must not stand under a name that nobody declares any more.
#[tokio::test(start_paused = true)]
async fn a_former_target_that_could_not_be_deleted_is_deleted_later() {
    let story = first_stands().await;
    for (number, target) in ["second", "third"].into_iter().enumerate() {
        story.flow().index(named(target), &applying()).await.unwrap();
        let job = story.world.jobs().take().remove(0);
        // The new target is written; then the cluster cannot be reached.
        story.world.inject(Fault::slow(Duration::from_secs(1)).at(Point::Write).times(1));
        let flow = story.flow();
        let fault = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Write));
        };
        let (report, ()) = futures::join!(flow.deliver(&job), fault);
        assert!(report.unwrap().is_retryable(), "{target} stands, and there is something left to do");
        story.world.mend_all();
        assert_eq!(story.world.value(&format!("blue/shop/{target}"), "value"), Some(story.value(1)));
        assert_eq!(story.world.record(ID).unwrap().owed.targets.len(), number + 1);
    }
    story.world.advance(10 * crate::story::MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_only_the_third_stands(&story);
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Unchanged));
    story.end();
}
