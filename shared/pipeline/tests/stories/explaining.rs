//! Why a declaration is as it is: the one sentence, for each situation that a person may ask about.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{MINUTE, Story};
use pawl_domain::declaration::{CreationPolicy, RefreshPolicy, SyncWindow, SyncWindows, WindowKind};
use pawl_domain::policy::StoreSelector;
use pawl_domain::{Declaration, DeclarationId, Kind, StorePolicy};
use pawl_pipeline::explain::answer::answer;
use pawl_pipeline::explain::witness::Witness;
use pawl_ports::{Clock, Job, Ports};
use pawl_world::build::policy;
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

const ID: &str = "blue/shop/db";

/// What `pawl explain` would say, and what it knows for that.
async fn asked(story: &Story, asking: bool) -> (String, Witness) {
    let flow = story.flow();
    let id: DeclarationId = ID.parse().unwrap();
    let account = flow.account(&id).await.unwrap().unwrap();
    let witness = match asking {
        true => flow.witness(&account).await.unwrap(),
        false => flow.permitted(&account).await.unwrap(),
    };
    let said = answer(&account, &witness);
    story.canary.assert_absent_from("the explanation", &format!("{said} {account:?} {witness:?}"));
    story.end();
    (said, witness)
}

async fn assert_said(story: &Story, expected: &str) {
    let (said, _) = asked(story, true).await;
    assert!(said.contains(expected), "{said:?} is not {expected:?}");
}

/// Declared so, and written with value 1.
async fn written(of: impl Into<Declaration>) -> Story {
    let story = Story::new();
    story.world.declare(of);
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    story
}

#[tokio::test(start_paused = true)]
async fn what_is_well_says_so_with_what_stands_and_reads_no_value() {
    let story = written(declaration(ID).reads("app/db")).await;
    story.world.forget_calls();
    let (said, witness) = asked(&story, true).await;
    assert_eq!(said, "nothing is to be updated: it stands on what its stores give out");
    let standing = witness.target.unwrap().unwrap().unwrap();
    assert_eq!((standing.is_as_left, standing.is_as_written), (Some(true), true));
    assert_eq!(standing.keys, ["value"]);
    let calls = story.world.forget_calls();
    assert_eq!((calls.values, calls.target_writes(), calls.reads), (0, 0, 1));

    let (said, witness) = asked(&story, false).await;
    assert!(
        said.starts_with("nothing is to be updated, as far as the ledger knows: it was right at "),
        "{said}"
    );
    assert!(witness.target.is_none() && witness.reads[0].keys.is_empty() && witness.reads[0].permit.is_ok());
    let calls = story.world.calls();
    assert_eq!((calls.store_calls(), calls.cluster_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_event_is_told_with_both_versions_and_the_next_try() {
    let story = written(declaration(ID).reads("app/db")).await;
    story.world.rotate("app/db", story.value(2));
    assert_said(
        &story,
        "app/db stands on version v1, and the store gives out version v2: no event has told of it yet; the first sweep from ",
    )
    .await;
    story.world.delete_secret("app/db");
    assert_said(&story, "app/db stands on version v1, and the store gives out nothing").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_not_allowed_comes_before_all_else() {
    let story = Story::new();
    story.world.declare(declaration(ID).reads("app/db").of("nowhere"));
    assert_said(&story, "ClusterSecretStore nowhere is not registered").await;

    let story = Story::new();
    story.world.declare(declaration("red/shop/db").reads("app/db"));
    let flow = story.flow();
    let account = flow.account(&"red/shop/db".parse().unwrap()).await.unwrap().unwrap();
    let witness = flow.permitted(&account).await.unwrap();
    assert_eq!(answer(&account, &witness), "cluster red is not registered: apply a Cluster of this name");

    let story = written(declaration(ID).reads("app/db")).await;
    let stores = StoreSelector { applied: true, ..StoreSelector::default() };
    story.world.registry().add_policy(StorePolicy { stores, ..policy("nothing") });
    assert_said(&story, "the operator does not allow a read of it: ").await;
}

#[tokio::test(start_paused = true)]
async fn what_was_never_tried_was_edited_or_failed_says_when_it_is_tried() {
    let story = Story::new();
    story.declare(ID, "app/db");
    story.world.rotate("app/db", story.value(1));
    assert_said(&story, "it was never tried; the next sweep tries it").await;

    story.world.inject(Fault::down("blue"));
    story.flow().sweep(true).await.unwrap();
    assert_said(&story, "it failed once in a row (PAWL-READ-UNREACHABLE): ").await;
    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_said(&story, "nothing is to be updated").await;

    story.world.declare(declaration(ID).reads("app/db").label("edited", "yes"));
    assert_said(&story, "it was edited, and that is not delivered yet; the next sweep tries it").await;
}

#[tokio::test(start_paused = true)]
async fn a_window_or_a_policy_of_reading_once_is_named() {
    let window = SyncWindow { schedule: "0 12 * * *".into(), duration: Duration::from_secs(2 * 3600) };
    let mut guarded: Declaration = declaration(ID).reads("app/db").into();
    guarded.refresh.windows = Some(SyncWindows { kind: WindowKind::Deny, windows: vec![window] });
    let story = written(guarded).await;
    story.world.clock().set("2027-01-05T12:30:00Z".parse().unwrap());
    let change = story.world.rotate("app/db", story.value(2));
    assert_said(&story, "its syncWindows hold it back; the first sweep from 2027-01-05T14:00:01Z on").await;
    story.flow().sync(&change).await.unwrap();
    assert_said(&story, "its syncWindows hold it back; the first sweep from 2027-01-05T14:00:01Z on").await;

    let once = declaration(ID).reads("app/db").refresh(RefreshPolicy::CreatedOnce, Duration::from_secs(3600));
    let story = Story::new();
    story.world.declare(once);
    story.world.rotate("app/db", story.value(1));
    let first = Job { declarations: vec![ID.parse().unwrap()], change: None, at: story.world.clock().now() };
    story.flow().deliver(&first).await.unwrap();
    story.world.rotate("app/db", story.value(2));
    assert_said(&story, "says to read once").await;
}

#[tokio::test(start_paused = true)]
async fn what_others_did_to_the_target_is_told() {
    let story = written(declaration(ID).reads("app/db")).await;
    story.world.clusters().edit(ID, |secret| secret.set("value", "another"));
    assert_said(&story, "somebody changed the target since Pawl wrote it").await;
    story.world.clusters().delete(ID);
    assert_said(&story, "somebody deleted the target").await;

    let merging = declaration(ID).reads("app/db").creation(CreationPolicy::Merge);
    assert_said(&written(merging).await, "creationPolicy Merge, and nobody has made the Secret yet").await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_named() {
    let story = written(declaration(ID).reads("app/db")).await;
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Versions));
    assert_said(&story, "the store does not tell the version of app/db now: ").await;
    story.world.mend_all();
    story.world.inject(Fault::down("blue"));
    assert_said(&story, "cluster blue does not tell what stands there: ").await;
}

#[tokio::test(start_paused = true)]
async fn each_key_that_a_search_found_is_compared() {
    let story = Story::new();
    story.world.declare(declaration(ID).finds("^app/"));
    story.world.rotate("app/db", story.value(1));
    story.world.rotate("app/other", story.value(2));
    story.flow().sweep(true).await.unwrap();
    story.world.rotate("app/other", story.value(3));
    let (said, witness) = asked(&story, true).await;
    assert!(said.starts_with("app/other stands on version v1, and the store gives out version v2"), "{said}");
    let stale: Vec<_> = witness.reads[0].keys.iter().map(|key| (key.key.as_str(), key.is_stale())).collect();
    assert_eq!(stale, [("app/db", false), ("app/other", true)]);
}
