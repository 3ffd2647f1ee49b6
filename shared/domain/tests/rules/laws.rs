//! What holds for every input, tried with made-up ones.

use crate::given::{self, fetched, part, read, reading};
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy, Into as Becomes};
use pawl_domain::hash::{data_hash, of_text};
use pawl_domain::reconcile::{Action, Decision, Desired, Existing, OwnFields, Owner, decide, field_manager};
use pawl_domain::{
    ClusterName, Declaration, DeclarationId, DigestKey, Namespace, ObjectName, Read, Rendered, SecretValue,
    Values,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Data = BTreeMap<String, SecretValue>;

fn data() -> impl Strategy<Value = Data> {
    btree_map("[-._a-c0-1]{1,3}", vec(any::<u8>(), 0..4).prop_map(SecretValue::new), 0..4)
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    let keys = prop_oneof![
        "[a-c]",
        Just("reconcile.external-secrets.io/managed".to_owned()),
        Just("reconcile.external-secrets.io/created-by".to_owned()),
        Just("reconcile.external-secrets.io/data-hash".to_owned()),
    ];
    btree_map(keys, "[a-b]", 0..3)
}

fn owners() -> impl Strategy<Value = Vec<Owner>> {
    let owner = (
        prop_oneof![Just("external-secrets.io/v1"), Just("v1")],
        prop_oneof![Just("ExternalSecret"), Just("ConfigMap")],
        prop_oneof![Just("my-es"), Just("other")],
        any::<bool>(),
    );
    let owner = owner.prop_map(|(api_version, kind, name, controller)| Owner {
        api_version: api_version.into(),
        kind: kind.into(),
        name: name.into(),
        uid: "u-2".into(),
        controller,
        block_owner_deletion: controller,
    });
    // The API server takes no two controllers, nor the same owner twice.
    vec(owner, 0..2)
}

fn existing() -> impl Strategy<Value = Existing> {
    let own = (btree_set("[a-c]", 0..3), btree_set("[a-c]", 0..3), btree_set("[a-c]", 0..3))
        .prop_map(|(data, labels, annotations)| OwnFields { data, labels, annotations });
    (texts(), texts(), owners(), data(), any::<bool>(), own).prop_map(
        |(labels, annotations, owners, data, immutable, own)| Existing {
            uid: "u-1".into(),
            resource_version: "7".into(),
            labels,
            annotations,
            owners,
            data,
            immutable,
            own,
            ..Existing::default()
        },
    )
}

fn declaration() -> impl Strategy<Value = Declaration> {
    use {CreationPolicy as C, DeletionPolicy as D};
    let policies = (
        prop_oneof![Just(C::Owner), Just(C::Orphan), Just(C::Merge), Just(C::None), Just(C::CreateOrMerge)],
        prop_oneof![Just(D::Retain), Just(D::Merge), Just(D::Delete)],
    );
    (policies, any::<bool>(), any::<bool>(), texts(), texts()).prop_map(
        |((creation, deletion), immutable, inside, labels, annotations)| {
            let mut declaration = Declaration {
                labels,
                annotations,
                uid: inside.then(|| "uid-es".into()),
                ..given::declaration()
            };
            declaration.target.creation = creation;
            declaration.target.deletion = deletion;
            declaration.target.immutable = immutable;
            declaration
        },
    )
}

/// The Secret after it was written as desired: what its writer wrote is known by the writer's fields.
fn written(desired: Desired, declaration: &Declaration, rendered: &Rendered, before: &Existing) -> Existing {
    let frozen = declaration.target.immutable || declaration.target.creation == CreationPolicy::None;
    let mut own = before.own.clone();
    if !frozen {
        own.data = rendered.data.keys().cloned().collect();
        own.labels = declaration.labels.keys().cloned().collect();
        own.annotations = declaration.annotations.keys().cloned().collect();
    }
    Existing {
        uid: "u-1".into(),
        resource_version: "8".into(),
        kind: desired.kind.unwrap_or_else(|| before.kind.clone()),
        finalizers: desired.finalizers,
        deleting: before.deleting,
        labels: desired.labels,
        annotations: desired.annotations,
        owners: desired.owners,
        data: desired.data,
        content: desired.content,
        immutable: desired.immutable,
        own,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A second sync of the same values finds nothing to do: no write for ever, no two writers that undo each other.
    #[test]
    fn what_was_just_written_is_left(
        declaration in declaration(), data in data(), before in proptest::option::of(existing())
    ) {
        let rendered = Rendered::plain(data);
        let decision = decide(&declaration, &rendered, before.as_ref());
        let Decision { action: Action::Create(desired) | Action::Update { desired, .. }, outcome: Ok(_) } = decision
        else {
            return Ok(());
        };
        // A Secret that is created immutable is never frozen: it already has the data.
        let after = written(desired, &declaration, &rendered, &before.unwrap_or_default());
        let again = decide(&declaration, &rendered, Some(&after));
        prop_assert!(matches!(again.action, Action::Leave), "{again:?}");
    }

    /// An update never moves a part that it does not name, and names none that does not move.
    #[test]
    fn parts_are_exactly_what_differs(declaration in declaration(), data in data(), before in existing()) {
        let decision = decide(&declaration, &Rendered::plain(data), Some(&before));
        if let (Action::Update { desired, parts, .. }, Ok(_)) = (decision.action, decision.outcome) {
            prop_assert_eq!(parts.labels, desired.labels != before.labels);
            prop_assert_eq!(parts.annotations, desired.annotations != before.annotations);
            prop_assert_eq!(parts.owners, desired.owners != before.owners);
            prop_assert_eq!(parts.data, desired.data != before.data);
            prop_assert_eq!(parts.immutable, desired.immutable != before.immutable);
            prop_assert!(!(parts.data && before.immutable), "the API server refuses this");
            prop_assert!(desired.owners.iter().filter(|owner| owner.controller).count() <= 1);
        }
    }

    #[test]
    fn the_order_of_reads_with_keys_of_their_own_does_not_matter(
        entries in btree_map("[a-z]{1,4}", vec(any::<u8>(), 0..8), 0..6).prop_flat_map(|entries| {
            let entries: Vec<_> = entries.into_iter().collect();
            (Just(entries.clone()), Just(entries).prop_shuffle())
        })
    ) {
        let rendered = |entries: &[(String, Vec<u8>)]| {
            let reads = entries.iter().map(|(key, _)| Read { into: Becomes::Key(key.clone()), ..read(key) });
            let values = entries.iter().map(|(_, value)| fetched(value.clone())).collect();
            given::rendered(&reading(reads), &Values(values)).unwrap()
        };
        prop_assert_eq!(rendered(&entries.0), rendered(&entries.1));
        prop_assert_eq!(rendered(&entries.0), rendered(&entries.0));
    }

    #[test]
    fn whatever_bytes_and_property_come_rendering_ends(bytes: Vec<u8>, property in ".{0,20}", extract: bool) {
        let into = if extract { Becomes::Every { conversion: None, rewrite: Vec::new() } } else { Becomes::Key("value".into()) };
        let declaration = reading([Read { into, ..part(property, read("app/db")) }]);
        let _ = given::rendered(&declaration, &Values(vec![fetched(bytes)]));
    }

    #[test]
    fn different_data_has_different_hashes_and_digests(one in data(), other in data()) {
        let key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
        prop_assert_eq!(data_hash(&one) == data_hash(&other), one == other);
        prop_assert_eq!(key.digest(&one) == key.digest(&other), one == other);
    }

    #[test]
    fn names_come_back_from_json_as_they_went(
        cluster in name(), namespace in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", object in name()
    ) {
        let id: DeclarationId = format!("{cluster}/{namespace}/{object}").parse().unwrap();
        prop_assert_eq!(again(&id), id.clone());
        prop_assert_eq!(again::<ClusterName>(&id.cluster), id.cluster.clone());
        prop_assert_eq!(again::<Namespace>(&id.namespace), id.namespace.clone());
        prop_assert_eq!(again::<ObjectName>(&id.name), id.name.clone());
        prop_assert_eq!(id.to_string(), format!("{cluster}/{namespace}/{object}"));
    }

    /// What is no name does not become one on its way through JSON either.
    #[test]
    fn json_makes_no_names_that_parsing_refuses(text in "[-.a-zA_/]{0,5}") {
        let json = serde_json::to_string(&text).unwrap();
        let read = serde_json::from_str::<ObjectName>(&json).ok();
        prop_assert_eq!(read.is_some(), text.parse::<ObjectName>().is_ok());
        let read = serde_json::from_str::<DeclarationId>(&json).ok();
        prop_assert_eq!(read.is_some(), text.parse::<DeclarationId>().is_ok());
    }

    /// Kubernetes takes field managers of up to 128 bytes; ESO hashes from 64 on.
    #[test]
    fn field_managers_are_plain_up_to_63_bytes_and_hashed_beyond(name in "[a-z]{1,253}") {
        let manager = field_manager(&name);
        let plain = format!("externalsecrets.external-secrets.io/{name}");
        if plain.len() <= 63 {
            prop_assert_eq!(manager, plain);
        } else {
            prop_assert_eq!(manager, format!("externalsecrets.external-secrets.io/sha3/{}", of_text(&name)));
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?(\\.[a-z0-9]{1,4}){0,2}"
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
