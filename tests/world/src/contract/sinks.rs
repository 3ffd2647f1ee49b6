//! The contract of [`Sink`].

use crate::canary::Canary;
use pawl_domain::{Access, Kind, PushOutcome, Pushed, RemoteEntry, SecretValue, Step};
use pawl_ports::{Error, Sink};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;

/// A store that takes values, with the people who work in it beside Pawl.
pub trait Kept {
    /// The port.
    type Sink: Sink;

    /// The port.
    fn sink(&self) -> &Self::Sink;

    /// An identity that may read and write everything in the store.
    fn access(&self) -> &Access;

    /// What such a store takes. What it does not take must be refused with [`Kind::Invalid`].
    fn takes(&self) -> Takes;

    /// What stands under a key that was pushed to, as the store's own client shows it; `None` where nothing does.
    fn value(&self, key: &str) -> impl Future<Output = Option<String>>;

    /// The property that single values of the suite are pushed to, where the store keeps objects and no bare values: of its
    /// objects [`Kept::value`] shows JSON objects of texts.
    fn bare(&self) -> Option<&'static str> {
        None
    }

    /// Somebody else puts a value under a key, without the mark of what is managed: an object with [`Kept::bare`], where there is
    /// one.
    fn put(&self, key: &str, value: &str) -> impl Future<Output = ()>;

    /// How many requests have written to the store since it was made: those of values, marks, metadata and deletions.
    fn writes(&self) -> impl Future<Output = usize>;

    /// From now on every request of the identity that reads values is answered with a failure of the store's, or no longer.
    /// `false` where the store cannot be made to fail so.
    fn fail_reads(&self, fail: bool) -> impl Future<Output = bool> {
        let _ = fail;
        async { false }
    }

    /// From now on the identity may write nothing, or may again. `false` where the store cannot be made to forbid it.
    fn forbid_writes(&self, forbid: bool) -> impl Future<Output = bool> {
        let _ = forbid;
        async { false }
    }

    /// The key, as [`RemoteEntry::key`] has it, that the other methods call by this name.
    fn key(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// What a store takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of a provider, and none follows from another"
)]
pub struct Takes {
    /// A whole Secret, kept as a JSON object of texts: keys in order, nothing escaped for HTML.
    pub whole: bool,
    /// The texts of a whole Secret stand there in base64.
    pub encodes: bool,
    /// A property, which is set in the JSON object that stands there.
    pub properties: bool,
    /// It marks what it manages, and leaves alone what is not marked.
    pub marks: bool,
    /// It can be asked whether it has an entry.
    pub exists: bool,
    /// It can be asked what it holds, so that nothing is written that stands there already.
    pub compares: bool,
    /// Metadata without the envelope of `PushSecretMetadata` is refused.
    pub strict_metadata: bool,
}

impl Takes {
    /// All of it.
    pub const ALL: Self = Self {
        whole: true,
        encodes: false,
        properties: true,
        marks: true,
        exists: true,
        compares: true,
        strict_metadata: true,
    };
}

/// Runs every case, each on keys of its own in one store.
pub async fn suite(store: &impl Kept) {
    let takes = store.takes();
    one_key_is_written_as_it_is(store).await;
    what_changed_is_written_once(store).await;
    texts_of_every_kind_arrive(store).await;
    if takes.whole {
        a_whole_secret_is_an_object_of_texts(store).await;
    } else {
        assert_invalid(store, &everything(store, "no-whole", &[("a", "1")]), "a whole Secret").await;
    }
    if takes.properties {
        a_property_leaves_the_rest(store).await;
        removal_leaves_the_rest(store).await;
    }
    if takes.exists {
        existence_is_told(store).await;
    }
    removal_may_be_repeated(store).await;
    what_was_removed_can_be_pushed_again(store).await;
    if takes.marks {
        what_is_not_ours_stays(store).await;
    }
    if takes.strict_metadata {
        let mut pushed = single(store, "metadata", "value");
        pushed.metadata = Some(json!({ "labels": { "team": "shop" } }));
        assert_invalid(store, &pushed, "metadata without its envelope").await;
        pushed.metadata = Some(enveloped(&json!({ "nobodyKnowsThis": true })));
        assert_invalid(store, &pushed, "metadata with an unknown field").await;
    }
    two_pushes_of_one_key_stand_together(store).await;
    one_bad_entry_stops_no_other(store).await;
    a_failed_read_is_no_reason_to_write(store).await;
    what_may_not_be_written_is_denied(store).await;
}

async fn one_key_is_written_as_it_is(store: &impl Kept) {
    let outcome = push(store, &single(store, "new", "one")).await.expect("a new key is written");
    assert!(matches!(outcome, PushOutcome::Written { .. }), "a new key is written: {outcome:?}");
    assert_eq!(alone(store, "new").await.as_deref(), Some("one"), "the bytes of the key, and nothing else");
}

async fn what_changed_is_written_once(store: &impl Kept) {
    let first = push(store, &single(store, "again", "one")).await.expect("it is written");
    if store.takes().compares {
        let before = store.writes().await;
        for _ in 0..2 {
            let outcome = push(store, &single(store, "again", "one")).await.expect("it is there");
            assert_eq!(outcome, PushOutcome::Unchanged, "what the store holds is not written again");
        }
        assert_eq!(store.writes().await, before, "the store saw no write of what it holds");
    }
    let second = push(store, &single(store, "again", "two")).await.expect("it is written");
    let version = |outcome: &PushOutcome| match outcome {
        PushOutcome::Written { version } => version.clone(),
        PushOutcome::Unchanged => panic!("a new value is written: {outcome:?}"),
    };
    assert_eq!(alone(store, "again").await.as_deref(), Some("two"), "the new value stands");
    assert!(
        version(&first).is_none() || version(&first) != version(&second),
        "another version has another id: {first:?}"
    );
}

async fn texts_of_every_kind_arrive(store: &impl Kept) {
    for (place, text) in
        ["a b", "<&>\"'\\ %20 ${x}", "zwei\nZeilen\n", "h\u{fc}lle \u{1f511}", "{\"a\":1}", "[", "0"]
            .into_iter()
            .enumerate()
    {
        let name = format!("text-{place}");
        push(store, &single(store, &name, text)).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(alone(store, &name).await.as_deref(), Some(text), "not a byte is changed");
    }
}

async fn a_whole_secret_is_an_object_of_texts(store: &impl Kept) {
    let secret = [("b", "2"), ("a", "<1> & \"x\""), ("c.d", "")];
    push(store, &everything(store, "whole", &secret)).await.expect("a whole Secret is written");
    let want = match store.takes().encodes {
        true => r#"{"a":"PDE+ICYgIngi","b":"Mg==","c.d":""}"#,
        false => r#"{"a":"<1> & \"x\"","b":"2","c.d":""}"#,
    };
    assert_eq!(
        standing(store, "whole").await.as_deref(),
        Some(want),
        "an object of texts in the order of their keys, as ESO writes it"
    );
    if store.takes().compares {
        let again = push(store, &everything(store, "whole", &secret)).await.expect("it is there");
        assert_eq!(again, PushOutcome::Unchanged, "the same Secret is not written again");
    }
}

async fn a_property_leaves_the_rest(store: &impl Kept) {
    push(store, &property(store, "object", "user", "u1")).await.expect("the first property makes the object");
    assert_members(store, "object", &[("user", "u1")]).await;
    push(store, &property(store, "object", "pw", "p1")).await.expect("the second is set beside it");
    assert_members(store, "object", &[("pw", "p1"), ("user", "u1")]).await;
    push(store, &property(store, "object", "user", "u2")).await.expect("a property is replaced");
    assert_members(store, "object", &[("pw", "p1"), ("user", "u2")]).await;
    if store.takes().compares {
        let before = store.writes().await;
        let again = push(store, &property(store, "object", "pw", "p1")).await.expect("it is there");
        assert_eq!(again, PushOutcome::Unchanged, "a property that stands is not written again");
        assert_eq!(store.writes().await, before, "the store saw no write of what it holds");
    }
}

async fn removal_leaves_the_rest(store: &impl Kept) {
    for (name, value) in [("a", "1"), ("b", "2")] {
        push(store, &property(store, "shrinks", name, value)).await.expect("it is written");
    }
    remove(store, "shrinks", Some("a")).await.expect("one property is removed");
    assert_members(store, "shrinks", &[("b", "2")]).await;
    remove(store, "shrinks", Some("a")).await.expect("a property that is gone is no failure");
    assert_members(store, "shrinks", &[("b", "2")]).await;
    remove(store, "shrinks", Some("b")).await.expect("the last property is removed");
    assert_eq!(standing(store, "shrinks").await, None, "the key goes with its last property");
}

async fn existence_is_told(store: &impl Kept) {
    let exists = async |name: &str, property: Option<&str>| {
        let entry = entry(store, name, property);
        store.sink().exists(store.access(), &entry).await.unwrap_or_else(|error| panic!("{entry}: {error}"))
    };
    assert!(!exists("exists", None).await, "nobody has pushed it");
    push(store, &single(store, "exists", "one")).await.expect("it is written");
    assert!(exists("exists", None).await, "it was pushed");
    if store.takes().properties {
        push(store, &property(store, "exists-object", "a", "1")).await.expect("it is written");
        assert!(exists("exists-object", Some("a")).await, "the property was pushed");
        assert!(!exists("exists-object", Some("b")).await, "another property was not");
    }
    store.put("exists-foreign", "theirs").await;
    assert!(exists("exists-foreign", None).await, "what others put is there as well");
}

async fn removal_may_be_repeated(store: &impl Kept) {
    remove(store, "never", None).await.expect("what never was is no failure");
    push(store, &single(store, "removed", "one")).await.expect("it is written");
    for _ in 0..2 {
        remove(store, "removed", None).await.expect("a removal may be repeated");
        assert_eq!(standing(store, "removed").await, None, "it is gone");
    }
}

/// A source that comes back is pushed back: a store that keeps what was deleted for a while takes it again all the same.
async fn what_was_removed_can_be_pushed_again(store: &impl Kept) {
    push(store, &single(store, "back", "one")).await.expect("it is written");
    remove(store, "back", None).await.expect("it is removed");
    let outcome =
        push(store, &single(store, "back", "one")).await.expect("what was removed can be pushed again");
    assert!(matches!(outcome, PushOutcome::Written { .. }), "it was not there: {outcome:?}");
    assert_eq!(alone(store, "back").await.as_deref(), Some("one"), "it is back");
}

async fn what_is_not_ours_stays(store: &impl Kept) {
    store.put("theirs", "theirs").await;
    let error = push(store, &single(store, "theirs", "ours")).await.expect_err("it is somebody else's");
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied), "it is not ours: {error}");
    remove(store, "theirs", None).await.expect("that it stays is no failure");
    assert_eq!(alone(store, "theirs").await.as_deref(), Some("theirs"), "it stands as it was");
    if store.takes().properties {
        store.put("their-object", r#"{"a":"1"}"#).await;
        let theirs = standing(store, "their-object").await;
        let pushed = property(store, "their-object", "b", "2");
        let error = push(store, &pushed).await.expect_err("it is somebody else's");
        assert_eq!(error.kind, Kind::Denied, "a property is not set in what is not ours");
        remove(store, "their-object", Some("a")).await.expect("that it stays is no failure");
        assert_eq!(standing(store, "their-object").await, theirs, "it stands as it was");
    }
}

/// Two Pawls, or a Pawl and its own past, push to one key that is not there yet. Where one loses, it may say so once, as what
/// can be tried again; what they make together belongs to both.
async fn two_pushes_of_one_key_stand_together(store: &impl Kept) {
    for round in 0..3 {
        let name = format!("shared-{round}");
        let pushes = match store.takes().properties {
            true => [property(store, &name, "a", "1"), property(store, &name, "b", "2")],
            false => [single(store, &name, "same"), single(store, &name, "same")],
        };
        let (one, other) = tokio::join!(push(store, &pushes[0]), push(store, &pushes[1]));
        for outcome in [one, other] {
            let error = outcome.err().filter(|error| !error.is_retryable());
            assert!(error.is_none(), "it is theirs as much as the other's: {error:?}");
        }
        for pushed in &pushes {
            push(store, pushed).await.expect("what both own, both may write");
        }
        match store.takes().properties {
            true => assert_members(store, &name, &[("a", "1"), ("b", "2")]).await,
            false => assert_eq!(alone(store, &name).await.as_deref(), Some("same"), "it stands there"),
        }
        remove(store, &name, None).await.expect("what they made goes");
        assert_eq!(standing(store, &name).await, None, "it is marked as what PushSecrets manage");
    }
}

async fn one_bad_entry_stops_no_other(store: &impl Kept) {
    let absent = Pushed { secret_key: Some("absent".to_owned()), ..single(store, "absent", "one") };
    assert_invalid(store, &absent, "a key that the Secret does not have").await;
    push(store, &single(store, "after-absent", "one")).await.expect("the next one is written");
}

async fn a_failed_read_is_no_reason_to_write(store: &impl Kept) {
    push(store, &single(store, "unread", "one")).await.expect("it is written");
    if !store.fail_reads(true).await {
        return;
    }
    let before = store.writes().await;
    let canary = Canary::new();
    let answers = [
        push(store, &single(store, "unread", canary.value())).await.map(drop),
        store.sink().exists(store.access(), &entry(store, "unread", None)).await.map(drop),
        remove(store, "unread", None).await,
    ];
    let asked = [true, store.takes().exists, store.takes().marks];
    for (answer, _) in answers.into_iter().zip(asked).filter(|(_, asked)| *asked) {
        let error = answer.expect_err("what may not be read is not known");
        assert_ne!(error.kind, Kind::NotFound, "a failure is not the absence of a key: {error}");
        canary.assert_absent_from("an error", &format!("{error} {error:?}"));
    }
    assert_eq!(store.writes().await, before, "nothing was written on a guess");
    store.fail_reads(false).await;
    assert_eq!(alone(store, "unread").await.as_deref(), Some("one"), "it stands as it was");
    canary.assert_absent_from_logs();
}

async fn what_may_not_be_written_is_denied(store: &impl Kept) {
    push(store, &single(store, "forbidden", "one")).await.expect("it is written");
    if !store.forbid_writes(true).await {
        return;
    }
    let canary = Canary::new();
    let error =
        push(store, &single(store, "forbidden", canary.value())).await.expect_err("it may not be written");
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied), "the store forbids it: {error}");
    canary.assert_absent_from("an error", &format!("{error} {error:?}"));
    store.forbid_writes(false).await;
    assert_eq!(alone(store, "forbidden").await.as_deref(), Some("one"), "it stands as it was");
    push(store, &single(store, "forbidden", canary.value())).await.expect("it may be written again");
    canary.assert_absent_from_logs();
}

async fn assert_invalid(store: &impl Kept, pushed: &Pushed, what: &str) {
    let before = store.writes().await;
    let error = push(store, pushed).await.expect_err("this store does not take it");
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid), "{what} is not taken: {error}");
    assert_eq!(store.writes().await, before, "{what}: nothing is written");
}

/// The members of the JSON object under a key, whatever their order: stores keep the order in which they came.
async fn assert_members(store: &impl Kept, name: &str, want: &[(&str, &str)]) {
    let text = standing(store, name).await.unwrap_or_else(|| panic!("{name} is there"));
    let members: BTreeMap<String, String> =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name} is a JSON object of texts"));
    let want = want.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    assert_eq!(members, want, "{name}: what was pushed, and the rest as it was");
}

async fn standing(store: &impl Kept, name: &str) -> Option<String> {
    store.value(name).await
}

/// A single value, of whose object it is the only member where the store keeps objects.
async fn alone(store: &impl Kept, name: &str) -> Option<String> {
    let text = standing(store, name).await?;
    let Some(property) = store.bare() else { return Some(text) };
    let mut object: BTreeMap<String, String> = serde_json::from_str(&text).expect("a JSON object of texts");
    let value = object.remove(property);
    assert!(object.is_empty(), "{name}: the bytes of the key, and nothing else");
    value
}

async fn push(store: &impl Kept, pushed: &Pushed) -> Result<PushOutcome, Error> {
    store.sink().push(store.access(), pushed).await
}

async fn remove(store: &impl Kept, name: &str, property: Option<&str>) -> Result<(), Error> {
    store.sink().remove(store.access(), &entry(store, name, property)).await
}

fn entry(store: &impl Kept, name: &str, property: Option<&str>) -> RemoteEntry {
    remote(&store.key(name), property)
}

fn single(store: &impl Kept, name: &str, value: &str) -> Pushed {
    one(&store.key(name), store.bare(), value)
}

fn property(store: &impl Kept, name: &str, property: &str, value: &str) -> Pushed {
    one(&store.key(name), Some(property), value)
}

fn everything(store: &impl Kept, name: &str, data: &[(&str, &str)]) -> Pushed {
    whole(&store.key(name), None, data)
}

/// An entry of a store.
pub fn remote(key: &str, property: Option<&str>) -> RemoteEntry {
    RemoteEntry { key: key.to_owned(), property: property.map(str::to_owned) }
}

/// This value, as one key, `key`, of a Secret that has another as well.
pub fn one(key: &str, property: Option<&str>, value: &str) -> Pushed {
    let all = whole(key, property, &[("other", "beside"), ("key", value)]);
    Pushed { secret_key: Some("key".to_owned()), ..all }
}

/// A Secret of this data, all of it.
pub fn whole(key: &str, property: Option<&str>, data: &[(&str, &str)]) -> Pushed {
    Pushed {
        to: remote(key, property),
        secret_key: None,
        data: data.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value))).collect(),
        secret_type: "Opaque".to_owned(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        metadata: None,
    }
}

/// The `metadata` that tells a provider this.
pub fn enveloped(spec: &Value) -> Value {
    json!({
        "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
        "kind": "PushSecretMetadata",
        "spec": spec,
    })
}
