//! The contract of [`Pushes`].

use crate::build::{at, object_name, push, store_id};
use pawl_domain::push::{PushRecord, PushedEntry, Standing};
use pawl_domain::{DeclarationId, Failure, Kind, PushSecret, Step};
use pawl_ports::{Error, PushScope, Pushes, Put, Revision};

/// Runs every case, each on an implementation of its own.
pub async fn suite<P: Pushes>(make: impl AsyncFn() -> P) {
    what_was_put_is_there(&make().await).await;
    pages_are_in_the_order_of_ids(&make().await).await;
    scopes_tell_neighbours_apart(&make().await).await;
    records_are_written_on_condition(&make().await).await;
    a_record_goes_with_its_push_secret(&make().await).await;
    only_what_is_on_its_way_out_is_let_go(&make().await).await;
}

/// What a document that cannot be read must not do; `damage` makes the one of this PushSecret, or its record, such.
pub async fn damaged<P: Pushes>(pushes: &P, damage: impl AsyncFn(&P, &DeclarationId, bool)) {
    let (bad, good) = (push("blue/shop/bad").build(), push("blue/shop/good").build());
    for each in [&bad, &good] {
        pushes.put_push(each).await.expect("it is put");
    }
    pushes.put_push_record(&bad.id, &PushRecord::new(at(1)), None).await.expect("it is written");
    damage(pushes, &bad.id, false).await;
    let all = pushes.all_pushes(&PushScope::All).await.expect("one that cannot be read fails no other");
    assert_eq!(all, [good], "it is left out");
    assert_eq!(pushes.push(&bad.id).await.expect("it is no failure"), None, "it counts as none");
    assert_ne!(pushes.put_push(&bad).await.expect("it is replaced"), Put::Unchanged, "it is replaced");
    assert_eq!(pushes.push(&bad.id).await.expect("it is read"), Some(bad.clone()), "it was replaced");
    damage(pushes, &bad.id, true).await;
    assert_eq!(pushes.push_record(&bad.id).await.expect("it is no failure"), None, "it counts as none");
    let revision =
        pushes.put_push_record(&bad.id, &PushRecord::new(at(2)), None).await.expect("it is replaced");
    assert_eq!(record(pushes, &bad).await, Some((PushRecord::new(at(2)), revision)), "it was replaced");
}

async fn what_was_put_is_there(pushes: &impl Pushes) {
    let one = push("blue/shop/one").writes("a", "app/a").build();
    assert_eq!(pushes.push(&one.id).await.expect("it is no failure"), None, "nobody has put it");
    assert_eq!(pushes.put_push(&one).await.expect("it is put"), Put::Created);
    assert_eq!(pushes.put_push(&one).await.expect("it is put"), Put::Unchanged);
    assert_eq!(pushes.push(&one.id).await.expect("it is read"), Some(one.clone()), "as it was put");
    let other = PushSecret { deleting: true, ..one.clone() };
    assert_eq!(pushes.put_push(&other).await.expect("it is put"), Put::Changed);
    assert_eq!(pushes.push(&one.id).await.expect("it is read"), Some(other), "in place of the other");
    assert!(pushes.remove_push(&one.id).await.expect("it is removed"));
    assert!(!pushes.remove_push(&one.id).await.expect("that there is none is no failure"));
    assert_eq!(pushes.push(&one.id).await.expect("it is no failure"), None, "it is gone");
}

async fn pages_are_in_the_order_of_ids(pushes: &impl Pushes) {
    let ids = super::ids_in_order();
    for id in super::shuffled(&ids) {
        pushes.put_push(&push(&id.to_string()).build()).await.expect("it is put");
    }
    for limit in [1, 3, ids.len(), ids.len() + 1] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = pushes.pushes(&PushScope::All, after.as_ref(), limit).await.expect("a page");
            assert!(page.pushes.len() <= limit, "a page has its limit");
            found.extend(page.pushes.into_iter().map(|push| push.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, ids, "pages of {limit} are all, each once, in order");
    }
}

async fn scopes_tell_neighbours_apart(pushes: &impl Pushes) {
    let ids = super::ids_in_order();
    for id in &ids {
        pushes.put_push(&push(&id.to_string()).build()).await.expect("it is put");
    }
    for id in &ids {
        for scope in [
            PushScope::Cluster(id.cluster.clone()),
            PushScope::Namespace(id.cluster.clone(), id.namespace.clone()),
        ] {
            let found = pushes.all_pushes(&scope).await.expect("it is listed");
            let found: Vec<DeclarationId> = found.into_iter().map(|push| push.id).collect();
            let want: Vec<DeclarationId> = ids.iter().filter(|id| scope.has(id)).cloned().collect();
            assert_eq!(found, want, "{scope:?} has its own and no others");
        }
    }
}

async fn records_are_written_on_condition(pushes: &impl Pushes) {
    let one = push("blue/shop/one").writes("a", "app/a").build();
    pushes.put_push(&one).await.expect("it is put");
    assert_eq!(record(pushes, &one).await, None, "nothing was done yet");
    let mut first = PushRecord::new(at(1));
    let revision = pushes.put_push_record(&one.id, &first, None).await.expect("there is none");
    assert_eq!(record(pushes, &one).await, Some((first.clone(), revision)), "as it was written");
    // Another one than stands there: the same may be taken for an answer that was lost.
    let other = PushRecord::new(at(9));
    conflict(pushes.put_push_record(&one.id, &other, None).await, "there is one");
    first.declared = "digest".to_owned();
    first.begun = vec![at(1), at(1)];
    first.refreshed = Some(at(2));
    let entry = PushedEntry::intended(store_id("aws"), one.data[0].clone());
    let failure = Failure {
        step: Step::Push,
        kind: Kind::Denied,
        message: "no".to_owned(),
        complaint: pawl_domain::Complaint::of(Step::Push),
        attempts: 3,
    };
    first.state = Standing::Failed(failure.clone());
    first.put(PushedEntry { failure: Some(failure), version: Some("v1".to_owned()), ..entry });
    let second = pushes.put_push_record(&one.id, &first, Some(revision)).await.expect("it is expected");
    assert_ne!(revision, second, "each write has a revision of its own");
    assert_eq!(record(pushes, &one).await, Some((first.clone(), second)), "as it was written");
    conflict(pushes.put_push_record(&one.id, &other, Some(revision)).await, "another one stands");
    conflict(pushes.put_push_record(&one.id, &other, Some(Revision(99))).await, "another one stands");
    assert_eq!(record(pushes, &one).await, Some((first, second)), "a conflict writes nothing");
}

async fn a_record_goes_with_its_push_secret(pushes: &impl Pushes) {
    let (one, other) = (push("blue/shop/one").build(), push("blue/shop/other").build());
    for each in [&one, &other] {
        pushes.put_push(each).await.expect("it is put");
        pushes.put_push_record(&each.id, &PushRecord::new(at(1)), None).await.expect("it is written");
    }
    pushes.remove_push(&one.id).await.expect("it is removed");
    assert_eq!(record(pushes, &one).await, None, "it went with its PushSecret");
    assert!(record(pushes, &other).await.is_some(), "that of another stays");
    assert_eq!(object_name("other"), other.id.name);
}

async fn only_what_is_on_its_way_out_is_let_go(pushes: &impl Pushes) {
    let one = push("blue/shop/one").writes("a", "app/a").build();
    pushes.put_push(&one).await.expect("it is put");
    pushes.put_push_record(&one.id, &PushRecord::new(at(1)), None).await.expect("it is written");
    assert!(!pushes.let_go_push(&one.id).await.expect("it is no failure"), "it is not on its way out");
    assert_eq!(pushes.push(&one.id).await.expect("it is read"), Some(one.clone()), "it stays");
    assert!(record(pushes, &one).await.is_some(), "with its record");
    pushes.put_push(&PushSecret { deleting: true, ..one.clone() }).await.expect("it is put");
    assert!(pushes.let_go_push(&one.id).await.expect("it is let go"));
    assert_eq!(pushes.push(&one.id).await.expect("it is no failure"), None, "it is gone");
    assert_eq!(record(pushes, &one).await, None, "with its record");
    pushes.put_push_record(&one.id, &PushRecord::new(at(2)), None).await.expect("it is written");
    assert!(pushes.let_go_push(&one.id).await.expect("it is no failure"));
    assert_eq!(record(pushes, &one).await, None, "a record that was left behind goes as well");
}

fn conflict<T: std::fmt::Debug>(answer: Result<T, Error>, why: &str) {
    assert_eq!(answer.expect_err(why).kind, Kind::Conflict, "{why}");
}

async fn record(pushes: &impl Pushes, push: &PushSecret) -> Option<(PushRecord, Revision)> {
    pushes.push_record(&push.id).await.expect("the record is read")
}
