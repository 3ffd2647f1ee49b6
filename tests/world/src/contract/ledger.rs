//! The contract of [`Ledger`].

use super::{ids_in_order, longest_id, shuffled};
use crate::build::{at, id, object_name, secrets_manager_location};
use futures::future::join_all;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::declaration::Manifest;
use pawl_domain::record::{
    Cause, Declared, FormerTarget, Generated, History, Made, MovedKey, Owed, State, TargetState, Told,
    Written,
};
use pawl_domain::{
    Change, Complaint, DeclarationId, Failure, Kind, Moved, Outcome, Record, Step, Version, Versions,
};
use pawl_ports::{Entry, Ledger, Revision};
use std::collections::BTreeMap;

/// Runs every case; `make` makes an empty ledger for each.
pub async fn suite<L: Ledger>(make: impl AsyncFn() -> L) {
    puts_are_conditional(&make().await).await;
    one_of_many_wins(&make().await).await;
    changes_begin_again_where_another_record_stands(&make().await).await;
    records_come_back_whole(&make().await).await;
    entries_are_in_order(&make().await).await;
    removals(&make().await).await;
    unsettled_is_sparse_and_paged(&make().await).await;
    the_last_mark_that_was_set_stands(&make().await).await;
}

async fn puts_are_conditional<L: Ledger>(ledger: &L) {
    let name = id("blue/shop/db");
    let (first, second, third) = (settled(1), settled(2), settled(3));
    let early = ledger.put(&name, &first, Some(Revision(1))).await;
    assert_conflict(early, "an update of a record that does not exist");
    assert_eq!(entry(ledger, &name).await, None, "a conflict writes nothing");

    let one = ledger.put(&name, &first, None).await.unwrap();
    let stands = Entry { id: name.clone(), record: first.clone(), revision: one };
    assert_eq!(entry(ledger, &name).await, Some(stands.clone()), "the first record stands with its revision");
    assert_conflict(ledger.put(&name, &second, None).await, "a creation over a record that exists");
    assert_conflict(
        ledger.put(&name, &second, Some(Revision(one.0 + 1))).await,
        "an update of a later revision",
    );
    assert_eq!(entry(ledger, &name).await, Some(stands), "a conflict changes nothing");

    let two = ledger.put(&name, &second, Some(one)).await.unwrap();
    assert_ne!(one, two, "each write has its own revision");
    assert_conflict(
        ledger.put(&name, &third, Some(one)).await,
        "an update of a revision that was overwritten",
    );
    let three = ledger.put(&name, &second, Some(two)).await.unwrap();
    assert_ne!(two, three, "a write of the same record is a write");
    assert_conflict(
        ledger.put(&name, &third, Some(two)).await,
        "an update of a revision before an equal write",
    );
    let stands = Entry { id: name.clone(), record: second, revision: three };
    assert_eq!(entry(ledger, &name).await, Some(stands), "the last write that succeeded stands");
    let other = ledger.put(&id("blue/shop/db-2"), &third, Some(three)).await;
    assert_conflict(other, "an update with another declaration's revision");
}

async fn one_of_many_wins<L: Ledger>(ledger: &L) {
    let name = id("blue/shop/db");
    let mut expected = None;
    for round in 0..10 {
        let records: Vec<Record> = (0..8).map(|turn| settled(round * 8 + turn)).collect();
        let results = join_all(records.iter().map(|record| ledger.put(&name, record, expected))).await;
        let mut won = Vec::new();
        for (record, result) in records.iter().zip(results) {
            match result {
                Ok(revision) => won.push(Entry { id: name.clone(), record: record.clone(), revision }),
                Err(error) => assert!(error.is_retryable(), "round {round}: {error}"),
            }
        }
        assert_eq!(won.len(), 1, "round {round}: exactly one of eight writers of one revision wins");
        expected = Some(won[0].revision);
        assert_eq!(entry(ledger, &name).await, won.pop(), "round {round}: the winner's record stands");
    }
}

async fn changes_begin_again_where_another_record_stands<L: Ledger>(ledger: &L) {
    let name = id("blue/shop/db");
    let put = ledger.update(&name, "it is lost", |last| last.is_none().then(|| settled(1))).await.unwrap();
    let first = put.expect("there was no record");
    assert_eq!(entry(ledger, &name).await, Some(first.clone()), "what was written is returned");
    let left = ledger.update(&name, "it is lost", |_| None).await.unwrap();
    assert_eq!((left, entry(ledger, &name).await), (None, Some(first.clone())), "nothing was to be written");

    let theirs = ledger.put(&name, &settled(2), Some(first.revision)).await.unwrap();
    let unchanged = ledger.put_unless_changed(&name, &settled(3), Some(first.revision)).await.unwrap();
    assert_eq!(unchanged, None, "another revision stands there");
    let mut seen = Vec::new();
    let add = |last: Option<Record>| {
        seen.push(last.clone());
        last.map(|last| last.reopened(at(3)))
    };
    let put = ledger.update_from(&name, Some(first), "it is lost", add).await.unwrap();
    assert_eq!(seen, [Some(settled(1)), Some(settled(2))], "the change is made again of what stands");
    let put = put.expect("it was written");
    assert_eq!(put.record, settled(2).reopened(at(3)));
    assert_ne!(put.revision, theirs);
    assert_eq!(entry(ledger, &name).await, Some(put));

    let merge = |ours: Record, theirs: Option<Record>| Some(Record { at: theirs?.at, ..ours });
    let put = ledger.put_merged(&name, settled(4), Some(theirs), "it is lost", merge).await.unwrap();
    assert_eq!(put.map(|entry| entry.record), Some(Record { at: at(3), ..settled(4) }), "of both records");
    ledger.remove(&name, None).await.unwrap();
    let put = ledger.put_merged(&name, settled(5), Some(theirs), "it is lost", merge).await.unwrap();
    assert_eq!((put, entry(ledger, &name).await), (None, None), "there is none to merge with");
}

async fn records_come_back_whole<L: Ledger>(ledger: &L) {
    let base = settled(0);
    let version = |id: &str, since| Versions::One(Version { id: id.to_owned(), since });
    let precise = "2026-11-22T05:06:07.123456789Z".parse().unwrap();
    let target = |version: Option<&str>| TargetState {
        name: object_name("db.v2"),
        manifest: version.map(|_| Manifest { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() }),
        resource_version: version.map(str::to_owned),
        declared: version.map(|_| "c".repeat(64)),
    };
    let failure = |kind| Failure {
        step: Step::Authenticate,
        kind,
        message: "odd: \u{1f511} \"quoted\" \\ \u{0} \n end".to_owned(),
        complaint: Complaint::OwnedByAnother,
        attempts: u32::MAX,
    };
    let mut records = vec![
        Record {
            versions: vec![
                Versions::Missing,
                version("", None),
                version("v\u{e9}", Some(precise)),
                Versions::Many(BTreeMap::from([(
                    "a/b".to_owned(),
                    Version { id: "v1".to_owned(), since: Some(precise) },
                )])),
                Versions::Uncounted,
            ],
            ..base.clone()
        },
        Record {
            versions: vec![],
            digest: None,
            inputs: None,
            target: None,
            refreshed: None,
            ..base.clone()
        },
        Record { at: precise, refreshed: Some(precise), target: Some(target(None)), ..base.clone() },
        Record { target: Some(target(Some("18446744073709551615"))), state: State::Pending, ..base.clone() },
        Record { versions: vec![version("7", None); 500], ..base.clone() },
        Record { unsettled_since: Some(precise), not_before: Some(precise), ..base.clone() },
        Record { owed: owed(precise), ..base.clone() },
        Record { told: Some(Told::of(false, &["provider"])), ..base.clone() },
        Record { history: history(precise), ..base.clone() },
    ];
    for outcome in [
        Outcome::Written,
        Outcome::Unchanged,
        Outcome::Deleted,
        Outcome::Retained,
        Outcome::TargetMissing,
        Outcome::NotWanted,
        Outcome::Queued,
    ] {
        records.push(Record { state: State::Settled(outcome), ..base.clone() });
    }
    for kind in [Kind::Conflict, Kind::Denied, Kind::Invalid, Kind::NotFound, Kind::Stale, Kind::Throttled] {
        records.push(Record { state: State::Failed(failure(kind)), ..base.clone() });
    }
    let name = longest_id('z');
    let mut expected = None;
    for record in records {
        let revision = ledger.put(&name, &record, expected).await.unwrap();
        expected = Some(revision);
        let want = Entry { id: name.clone(), record, revision };
        assert_eq!(entry(ledger, &name).await, Some(want), "a record comes back as it was put");
    }
}

async fn entries_are_in_order<L: Ledger>(ledger: &L) {
    assert_eq!(ledger.entries(&[]).await.unwrap(), [], "no ids have no entries");
    let mut ids = ids_in_order();
    ids.extend((0..150).map(|index| id(&format!("many/shop/d{index:03}"))));
    ids.sort();
    join_all(ids.iter().enumerate().map(|(index, id)| async move {
        ledger.put(id, &settled(i64::try_from(index).unwrap_or(0)), None).await.unwrap();
    }))
    .await;
    let mut asked = shuffled(&ids);
    asked.push(id("unknown/a/a"));
    asked.push(ids[0].clone());
    let found = ledger.entries(&asked).await.unwrap();
    let order: Vec<_> = found.iter().map(|entry| entry.id.clone()).collect();
    assert_eq!(order, ids, "entries come in ascending order, each once, unknown ones left out");
    for (index, entry) in found.iter().enumerate() {
        let want = settled(i64::try_from(index).unwrap_or(0));
        assert_eq!(entry.record, want, "the record of {} is its own", entry.id);
    }
}

async fn removals<L: Ledger>(ledger: &L) {
    let (name, other) = (id("blue/shop/db"), id("blue/shop/db-2"));
    ledger
        .remove(&name, None)
        .await
        .unwrap_or_else(|error| panic!("remove of what never stood is no error: {error}"));
    let first = ledger.put(&name, &failed(1), None).await.unwrap();
    let kept = ledger.put(&other, &settled(1), None).await.unwrap();
    let second = ledger.put(&name, &failed(2), Some(first)).await.unwrap();
    let early = ledger.remove(&name, Some(first)).await.map(|()| first);
    assert_conflict(early, "a removal of a revision that was overwritten");
    let stands = entry(ledger, &name).await.map(|entry| entry.revision);
    assert_eq!(stands, Some(second), "a removal that conflicts removes nothing");
    let listed = ledger.unsettled(None, 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&name), "nor does it settle anything");
    ledger.remove(&name, Some(second)).await.unwrap();
    assert_eq!(entry(ledger, &name).await, None, "a removed record stands no more");
    ledger.remove(&name, Some(second)).await.unwrap_or_else(|error| panic!("it is gone already: {error}"));
    assert_eq!(ledger.unsettled(None, 10).await.unwrap(), [], "a removed record is not unsettled");
    assert_conflict(ledger.put(&name, &settled(3), Some(second)).await, "an update of a removed record");
    let stays = entry(ledger, &other).await.map(|entry| entry.revision);
    assert_eq!(stays, Some(kept), "the other records stay");
    ledger
        .put(&name, &settled(4), None)
        .await
        .unwrap_or_else(|error| panic!("a creation after a removal: {error}"));
    ledger.remove(&name, None).await.unwrap();
    assert_eq!(entry(ledger, &name).await, None, "a record is removed whatever its revision");
}

async fn unsettled_is_sparse_and_paged<L: Ledger>(ledger: &L) {
    assert_eq!(ledger.unsettled(None, 10).await.unwrap(), [], "an empty ledger has nothing unsettled");
    let mut ids = ids_in_order();
    ids.extend((0..100).map(|index| id(&format!("many/shop/d{index:03}"))));
    ids.sort();
    let open = |index: usize| index % 10 == 3 || index < 12;
    join_all(shuffled(&ids.iter().cloned().enumerate().collect::<Vec<_>>()).into_iter().map(
        |(index, id)| async move {
            let record = match index % 2 {
                _ if !open(index) => settled(0),
                _ if index % 3 == 0 => Record { state: State::Settled(Outcome::TargetMissing), ..settled(0) },
                0 => Record { state: State::Pending, ..settled(0) },
                _ => failed(1),
            };
            ledger.put(&id, &record, None).await.unwrap();
        },
    ))
    .await;
    let mut want: Vec<DeclarationId> = Vec::new();
    want.extend(ids.iter().enumerate().filter(|(index, _)| open(*index)).map(|(_, id)| id.clone()));
    for limit in [1, 4, want.len(), want.len() + 1] {
        assert_eq!(
            walk(ledger, limit).await,
            want,
            "pages of {limit} show what is pending, failed or waits for its target, in order"
        );
    }
    let between = ledger.unsettled(Some(&id("a/a/aa")), 1).await.unwrap();
    assert_eq!(between, [id("a/a/b")], "a page begins above an id that is not listed itself");

    let settles = want.remove(0);
    let revision = entry(ledger, &settles).await.map(|entry| entry.revision);
    let revision = ledger.put(&settles, &settled(5), revision).await.unwrap();
    assert_eq!(walk(ledger, 50).await, want, "what settles is listed no more");
    ledger.put(&settles, &failed(2), Some(revision)).await.unwrap();
    want.insert(0, settles);
    assert_eq!(walk(ledger, 50).await, want, "what fails again is listed again");
}

/// A mark that was set by a clock that was ahead is lowered by the next one that is right.
async fn the_last_mark_that_was_set_stands<L: Ledger>(ledger: &L) {
    let name = "sweep/SecretStore \u{1f511}/#1";
    assert_eq!(ledger.mark(name).await.unwrap(), None, "nothing is marked at first");
    for second in [10, 5, 10, 10_000_000_000, 11] {
        ledger.set_mark(name, at(second)).await.unwrap();
        assert_eq!(ledger.mark(name).await.unwrap(), Some(at(second)), "the last mark stands");
    }
    let later = at(11) + jiff::SignedDuration::from_nanos(1);
    ledger.set_mark(name, later).await.unwrap();
    assert_eq!(ledger.mark(name).await.unwrap(), Some(later), "a mark is later by a nanosecond");
    assert_eq!(ledger.mark("sweep/").await.unwrap(), None, "each name has its own mark");
    let before = "1965-01-01T00:00:00.5Z".parse().unwrap();
    ledger.set_mark("old", before).await.unwrap();
    assert_eq!(ledger.mark("old").await.unwrap(), Some(before), "a mark before 1970 stands");
    let marks: Vec<_> = (0..20).map(|turn| at(turn * 7 % 20)).collect();
    join_all(marks.iter().map(|mark| ledger.set_mark("many", *mark))).await;
    let stands = ledger.mark("many").await.unwrap();
    assert!(stands.is_some_and(|mark| marks.contains(&mark)), "of marks that meet one stands: {stands:?}");
}

/// Something of everything that may still be to be done.
fn owed(at: Timestamp) -> Owed {
    let change = Change {
        id: "6a7e8feb".to_owned(),
        location: secrets_manager_location(),
        names: ["app/db".to_owned()].into(),
        extent: Extent::Key,
        version: Some("v2".to_owned()),
        moved: Moved::Label("\u{1f511}".to_owned()),
        at,
    };
    let of_kind = |manifest| FormerTarget { name: object_name("db.v1"), manifest };
    let kind = Manifest { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() };
    Owed {
        declared: Some(Declared { digest: "0a".to_owned(), at }),
        changes: vec![change],
        targets: vec![of_kind(None), of_kind(Some(kind))],
        target: true,
        removed: Some(at),
        older_since: Some(at),
    }
}

fn history(at: Timestamp) -> History {
    let moved = |version: Option<&str>| MovedKey {
        key: "\u{1f511}/\"db\"".to_owned(),
        version: version.map(str::to_owned),
    };
    let keys = vec![moved(Some("v2")), moved(None)];
    History::of(vec![Written {
        at,
        cause: Cause::Event,
        seconds: Some(u32::MAX),
        deleted: true,
        keys,
        more: 1,
    }])
}

fn settled(turn: i64) -> Record {
    Record {
        declaration: "0".repeat(64),
        versions: vec![Versions::One(Version { id: format!("v{turn}"), since: Some(at(turn)) })],
        digest: Some("d".repeat(64)),
        inputs: Some("e".repeat(64)),
        target: None,
        at: at(turn),
        refreshed: Some(at(turn)),
        state: State::Settled(Outcome::Written),
        unsettled_since: None,
        not_before: None,
        drifted: false,
        owed: Owed::default(),
        told: None,
        begun: None,
        history: History::default(),
        generated: Generated {
            digest: "of the data".to_owned(),
            made: vec![
                Made { by: "a".repeat(64), at: at(turn), expires: Some(at(turn + 1)) },
                Made { by: "b".repeat(64), at: at(turn), expires: None },
            ],
            basis: "c".repeat(64),
            data: vec!["password".to_owned()],
            labels: vec!["team".to_owned()],
            annotations: Vec::new(),
        },
    }
}

fn failed(attempts: u32) -> Record {
    let message = "store is throttled; try again later".to_owned();
    let (step, kind, complaint) = (Step::Fetch, Kind::Throttled, Complaint::Provider);
    let failure = Failure { step, kind, message, complaint, attempts };
    Record { state: State::Failed(failure), refreshed: None, ..settled(0) }
}

async fn entry<L: Ledger>(ledger: &L, id: &DeclarationId) -> Option<Entry> {
    ledger.entries(std::slice::from_ref(id)).await.unwrap().pop()
}

async fn walk<L: Ledger>(ledger: &L, limit: usize) -> Vec<DeclarationId> {
    let mut seen: Vec<DeclarationId> = Vec::new();
    loop {
        let page = ledger.unsettled(seen.last(), limit).await.unwrap();
        assert!(page.len() <= limit, "a page of {limit} has {} ids", page.len());
        if page.is_empty() {
            return seen;
        }
        seen.extend(page);
        assert!(seen.is_sorted_by(|a, b| a < b), "pages ascend and repeat nothing: {seen:?}");
    }
}

fn assert_conflict(result: Result<Revision, pawl_ports::Error>, case: &str) {
    match result {
        Err(error) => assert_eq!(error.kind, Kind::Conflict, "{case} is a conflict, not: {error}"),
        Ok(revision) => panic!("{case} must be a conflict, not revision {revision:?}"),
    }
}
