//! When every target of a key stands on what its store gives out, and what is missing until then.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::Story;
use pawl_domain::declaration::RefreshPolicy;
use pawl_domain::{Change, DeclarationId, Kind, Moved};
use pawl_pipeline::explain::receipt::{Receipt, Stand};
use pawl_ports::{Job, Jobs, Ports, Told};
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

/// Why each that is missing is.
fn missing(receipt: &Receipt) -> Vec<(String, String)> {
    let why = |(id, stand): &(DeclarationId, Stand)| match stand {
        Stand::Missing(why) => Some((id.to_string(), why.clone())),
        Stand::There | Stand::ReadsOnce => None,
    };
    receipt.targets.iter().filter_map(why).collect()
}

fn owned(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(id, why)| ((*id).to_owned(), (*why).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_whole_when_every_cluster_has_the_new_version_and_names_who_has_not() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    story.declare("green/shop/other", "app/other");
    let flow = story.flow();
    let first = story.world.rotate("app/db", story.value(1));
    let never = flow.receipt(&first).await.unwrap();
    let unwritten = "it was not written yet";
    assert_eq!(missing(&never), owned(&[("blue/shop/db", unwritten), ("green/shop/db", unwritten)]));
    flow.sync(&first).await.unwrap();
    assert!(flow.receipt(&first).await.unwrap().is_complete());

    // One cluster is cut off when the password rotates.
    story.world.inject(Fault::down("green"));
    let second = story.world.rotate("app/db", story.value(2));
    let of_key = Change { version: None, moved: Moved::Existence, ..second.clone() };
    let stale = "it stands on v1, and the store gives out v2";
    let before = flow.receipt(&of_key).await.unwrap();
    assert_eq!(missing(&before), owned(&[("blue/shop/db", stale), ("green/shop/db", stale)]));
    flow.sync(&second).await.unwrap();
    story.world.forget_calls();
    let partial = flow.receipt(&of_key).await.unwrap();
    let [(id, _)] = &missing(&partial)[..] else { panic!("{partial:?}") };
    assert_eq!((id.as_str(), partial.is_complete()), ("green/shop/db", false));
    let calls = story.world.calls();
    assert_eq!((calls.values, calls.reads), (0, 0), "no value is read and no cluster asked");

    story.world.mend_all();
    story.work_off().await;
    let whole = flow.receipt(&second).await.unwrap();
    assert!(whole.is_complete(), "{whole:?}");
    assert_eq!(whole.targets.len(), 2, "who reads another key is not waited for");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn no_receipt_is_given_for_a_version_that_the_store_does_not_show_or_a_key_that_nobody_reads() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    let first = story.world.rotate("app/db", story.value(1));
    flow.sync(&first).await.unwrap();
    let named = Change { version: Some("v2".to_owned()), ..first.clone() };
    let early = flow.receipt(&named).await.unwrap();
    assert_eq!(missing(&early), owned(&[("blue/shop/db", "the store gives out v1 and not v2")]));
    let nobodys = Change { names: ["app/unused".to_owned()].into(), ..first.clone() };
    let receipt = flow.receipt(&nobodys).await.unwrap();
    assert!(
        receipt.targets.is_empty() && !receipt.is_complete(),
        "its name is more likely wrong than unused"
    );

    story.world.inject(Fault::fail(pawl_domain::Kind::Unreachable).at(Point::Versions));
    let silent = flow.receipt(&first).await.unwrap();
    let [(_, why)] = &missing(&silent)[..] else { panic!("{silent:?}") };
    assert!(why.starts_with("the store does not tell its version: "), "{why}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn who_reads_once_is_told_and_not_waited_for_and_searches_are() {
    let story = Story::new();
    story.world.declare(
        declaration("blue/shop/once")
            .reads("app/db")
            .refresh(RefreshPolicy::CreatedOnce, Duration::from_secs(3600)),
    );
    story.world.declare(declaration("blue/shop/all").finds("^app/"));
    let flow = story.flow();
    let first = story.world.rotate("app/db", story.value(1));
    flow.sync(&first).await.unwrap();
    flow.sweep(true).await.unwrap();
    let second = story.world.rotate("app/db", story.value(2));
    let receipt = flow.receipt(&second).await.unwrap();
    let stale = "it stands on v1, and the store gives out v2";
    assert_eq!(missing(&receipt), owned(&[("blue/shop/all", stale)]), "{receipt:?}");
    flow.sync(&second).await.unwrap();
    let receipt = flow.receipt(&second).await.unwrap();
    assert!(receipt.is_complete() && receipt.targets.len() == 2, "{receipt:?}");
    story.end();
}

/// The jobs that wait, done once; those that ask for a receipt and were too early come back.
async fn work(story: &Story) {
    for job in story.world.jobs().take() {
        let told = match job.asks_receipt() {
            Some(change) => story.flow().tell_receipt(change, job.at).await.unwrap_or(false),
            None => !story.flow().deliver(&job).await.unwrap().is_retryable(),
        };
        if !told {
            story.world.jobs().enqueue(&[job]).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_told_when_the_last_cluster_has_the_change() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    let flow = story.flow();
    let first = story.world.rotate("app/db", story.value(1));
    flow.sync(&first).await.unwrap();
    assert!(story.world.jobs().take().is_empty(), "nobody waits for receipts");

    story.world.receipts().want();
    let second = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::down("green"));
    flow.sync(&second).await.unwrap();
    work(&story).await;
    assert_eq!(story.world.receipts().take(), [], "one cluster is missing");
    story.world.mend_all();
    story.world.advance(Duration::from_secs(60));
    work(&story).await;
    work(&story).await;
    let [told] = &story.world.receipts().take()[..] else { panic!("one receipt") };
    assert!(told.is_delivered() && told.targets == 2, "{told:?}");
    assert_eq!((&told.change, told.id().ends_with("#v2")), (&second, true), "{told:?}");
    assert!(story.world.jobs().waiting().is_empty());

    // The same event comes twice: the receipt has the same id.
    flow.sync(&second).await.unwrap();
    work(&story).await;
    assert_eq!(story.world.receipts().take().first().map(Told::id), Some(told.id()));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn who_is_missing_after_ten_minutes_is_told_and_nobody_waits_for_who_reads_once() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    let once =
        declaration("blue/shop/once").reads("app/db").refresh(RefreshPolicy::CreatedOnce, Duration::ZERO);
    story.world.declare(once);
    story.world.receipts().want();
    story.world.inject(Fault::down("green"));
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    for _ in 0..9 {
        story.world.advance(Duration::from_secs(60));
        work(&story).await;
    }
    assert_eq!(story.world.receipts().take(), [], "it is too early");
    // Whoever is told may be away.
    story.world.advance(Duration::from_secs(60));
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Tell));
    work(&story).await;
    assert_eq!(story.world.receipts().take(), []);
    story.world.mend_all();
    story.world.inject(Fault::down("green"));
    work(&story).await;
    let [told] = &story.world.receipts().take()[..] else { panic!("one receipt") };
    let missing: Vec<String> = told.missing.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!((missing, told.targets, told.read_once), (vec!["green/shop/db".to_owned()], 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_reads_has_no_receipt() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.world.receipts().want();
    let change = story.world.rotate("app/other", story.value(1));
    story.flow().sync(&change).await.unwrap();
    assert!(story.world.jobs().take().is_empty());
    // It was read when it was asked for, and is no longer.
    let job = Job::receipt(&change, change.at);
    assert!(story.flow().tell_receipt(job.asks_receipt().unwrap(), job.at).await.unwrap());
    assert_eq!(story.world.receipts().take(), []);
}
