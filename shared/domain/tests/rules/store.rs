//! Stores: with whose credentials they are read, where their keys live, which namespaces may use them.

use crate::given::{store, store_with};
use pawl_domain::Provider::SecretsManager;
use pawl_domain::store::{
    AwsAuth, Backend, Condition, LabelOperator, LabelRequirement, LabelSelector, SecretKeyRef,
    SessionTagsPolicy,
};
use pawl_domain::{Access, Namespace, Store};
use std::collections::BTreeMap;

fn key_ref(namespace: Option<&str>) -> SecretKeyRef {
    SecretKeyRef {
        name: "aws".parse().unwrap(),
        key: "id".into(),
        namespace: namespace.map(|text| text.parse().unwrap()),
    }
}

fn static_keys(namespace: Option<&str>) -> AwsAuth {
    AwsAuth::Static {
        access_key_id: key_ref(namespace),
        secret_access_key: key_ref(namespace),
        session_token: None,
    }
}

fn service_account(namespace: Option<&str>) -> AwsAuth {
    AwsAuth::ServiceAccount {
        name: "reader".parse().unwrap(),
        namespace: namespace.map(|text| text.parse().unwrap()),
        audiences: Vec::new(),
    }
}

/// A store of this auth: a SecretStore of the namespace, or a ClusterSecretStore.
fn store_of(auth: AwsAuth, namespace: Option<&str>) -> Store {
    let mut store = store_with(SecretsManager, |aws| aws.auth = auth);
    store.id.namespace = namespace.map(|text| text.parse().unwrap());
    store
}

fn access(store: &Store, cluster: &str, namespace: &str) -> Access {
    store.access(&cluster.parse().unwrap(), &namespace.parse().unwrap())
}

#[test]
fn credentials_come_from_the_cluster_and_namespace_that_prove_them() {
    type Auth = fn(Option<&str>) -> AwsAuth;
    let ambient: Auth = |_| AwsAuth::Ambient;
    for (name, auth, named, own, want) in [
        ("ambient, ClusterSecretStore", ambient, None, None, (None, None)),
        ("ambient, SecretStore", ambient, None, Some("shop"), (None, None)),
        ("keys, ClusterSecretStore", static_keys, None, None, (Some("blue"), Some("shop"))),
        ("keys, ClusterSecretStore, named", static_keys, Some("vault"), None, (Some("blue"), Some("vault"))),
        ("keys, SecretStore", static_keys, None, Some("shop"), (Some("blue"), Some("shop"))),
        (
            "keys, SecretStore, another named",
            static_keys,
            Some("vault"),
            Some("shop"),
            (Some("blue"), Some("shop")),
        ),
        ("account, ClusterSecretStore", service_account, None, None, (Some("blue"), Some("shop"))),
        (
            "account, ClusterSecretStore, named",
            service_account,
            Some("vault"),
            None,
            (Some("blue"), Some("vault")),
        ),
        (
            "account, SecretStore, another named",
            service_account,
            Some("vault"),
            Some("shop"),
            (Some("blue"), Some("shop")),
        ),
    ] {
        let access = access(&store_of(auth(named), own), "blue", "shop");
        let got =
            (access.cluster.as_ref().map(|it| it.as_str()), access.namespace.as_ref().map(Namespace::as_str));
        assert_eq!(got, want, "{name}");
        assert_eq!(access.tags, None, "{name}");
    }
}

/// What one access fetched serves every equal one, so equality is who may see whose values.
#[test]
fn accesses_are_shared_exactly_where_the_identity_is_the_same() {
    let (here, next_door, other_cluster) = (("blue", "shop"), ("blue", "cart"), ("green", "shop"));
    for (name, store, with_next_door, with_other_cluster) in [
        ("ambient", store_of(AwsAuth::Ambient, None), true, true),
        ("keys of each namespace", store_of(static_keys(None), None), false, false),
        ("keys of a named namespace", store_of(static_keys(Some("vault")), None), true, false),
        ("accounts of each namespace", store_of(service_account(None), None), false, false),
        ("account of a named namespace", store_of(service_account(Some("vault")), None), true, false),
    ] {
        let of = |(cluster, namespace)| access(&store, cluster, namespace);
        assert_eq!(of(here), of(here), "{name}");
        assert_eq!(of(here) == of(next_door), with_next_door, "{name}: next door");
        assert_eq!(of(here) == of(other_cluster), with_other_cluster, "{name}: another cluster");
    }
}

#[test]
fn stores_that_read_alike_share_their_access_and_others_do_not() {
    let plain = store(SecretsManager);
    let mut renamed = plain.clone();
    renamed.id.name = "other".parse().unwrap();
    assert_eq!(access(&plain, "blue", "shop"), access(&renamed, "blue", "shop"));
    for (name, differing) in [
        ("region", store_with(SecretsManager, |aws| aws.region = "eu-west-1".into())),
        (
            "role",
            store_with(SecretsManager, |aws| aws.role = Some("arn:aws:iam::123456789012:role/a".into())),
        ),
        ("external id", store_with(SecretsManager, |aws| aws.external_id = Some("x".into()))),
        ("roles before", store_with(SecretsManager, |aws| aws.additional_roles.push("r".into()))),
        ("tags", store_with(SecretsManager, |aws| aws.session_tags.push(("a".into(), "b".into())))),
    ] {
        assert_ne!(access(&plain, "blue", "shop"), access(&differing, "blue", "shop"), "{name}");
    }
}

#[test]
fn session_tags_tell_namespaces_and_stores_apart() {
    let mut tagged = store_with(SecretsManager, |aws| aws.session_tags_policy = SessionTagsPolicy::Simple);
    let of = access(&tagged, "blue", "shop");
    assert_eq!(of.tags, Some(("shop".parse().unwrap(), tagged.id.clone())));
    assert_eq!(of.cluster, Some("blue".parse().unwrap()), "sessions carry its name");
    assert_eq!(of.namespace, None, "the credentials are still Pawl's own");
    assert_ne!(of, access(&tagged, "green", "shop"));
    assert_ne!(of, access(&tagged, "blue", "cart"));
    tagged.id.name = "other".parse().unwrap();
    assert_ne!(of, access(&tagged, "blue", "shop"));
}

#[test]
fn whoever_assumes_a_role_has_a_session_of_its_own() {
    let role = || "arn:aws:iam::123456789012:role/reader".to_owned();
    for store in [
        store_with(SecretsManager, |aws| aws.role = Some(role())),
        store_with(SecretsManager, |aws| aws.additional_roles.push(role())),
    ] {
        let of = access(&store, "blue", "shop");
        assert_eq!(of.tags, Some(("shop".parse().unwrap(), store.id.clone())));
        assert_eq!((of.cluster.as_ref().map(|it| it.as_str()), &of.namespace), (Some("blue"), &None));
        for (cluster, namespace) in [("green", "shop"), ("blue", "cart")] {
            assert_ne!(of, access(&store, cluster, namespace), "{cluster}/{namespace}");
        }
    }
}

#[test]
fn who_has_the_most_identities_makes_room() {
    let keys = store_of(static_keys(None), None);
    let ours = access(&keys, "blue", "shop");
    let many: Vec<_> = ["eu-west-1", "eu-west-2", "eu-west-3"]
        .iter()
        .map(|region| {
            let mut store = keys.clone();
            if let Backend::Aws(aws) = &mut store.backend {
                aws.region = (*region).to_owned();
            }
            access(&store, "blue", "crowd")
        })
        .collect();
    let all = || std::iter::once(&ours).chain(&many);
    assert!(many.contains(Access::crowded_out(all()).unwrap()));
    assert_eq!(Access::crowded_out(std::iter::empty()), None);
}

#[test]
fn the_account_is_the_roles_where_there_is_one() {
    for (role, want) in [
        (None, None),
        (Some("arn:aws:iam::123456789012:role/reader"), Some("123456789012")),
        (Some("arn:aws-cn:iam::123456789012:role/path/reader"), Some("123456789012")),
        (Some("arn:aws:iam:::role/reader"), None),
        (Some("reader"), None),
    ] {
        let store = store_with(SecretsManager, |aws| aws.role = role.map(str::to_owned));
        assert_eq!(store.location().account.as_deref(), want, "{role:?}");
    }
}

fn by(change: impl FnOnce(&mut Condition)) -> Condition {
    let mut condition = Condition::default();
    change(&mut condition);
    condition
}

fn names(names: &[&str]) -> Condition {
    by(|it| it.namespaces = names.iter().map(|name| (*name).to_owned()).collect())
}

fn regexes(regexes: &[&str]) -> Condition {
    by(|it| it.regexes = regexes.iter().map(|text| (*text).to_owned()).collect())
}

fn selector(labels: &[(&str, &str)], expressions: &[(&str, LabelOperator)]) -> Condition {
    let expressions = expressions.iter();
    by(|it| {
        it.selector = Some(LabelSelector {
            labels: texts(labels),
            expressions: expressions
                .map(|(key, operator)| LabelRequirement { key: (*key).into(), operator: operator.clone() })
                .collect(),
        });
    })
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Whether the namespace `shop` with the labels `env: prod` and `team: a` may use a store of these conditions.
#[test]
fn any_part_of_any_condition_lets_a_namespace_in() {
    use LabelOperator::{DoesNotExist, Exists, In, NotIn};
    let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let prod = || set(&["prod", "test"]);
    for (name, conditions, want) in [
        ("no conditions", vec![], true),
        ("an empty condition", vec![Condition::default()], false),
        ("its name", vec![names(&["cart", "shop"])], true),
        ("another name", vec![names(&["shop2"])], false),
        ("a regex is not anchored", vec![regexes(&["ho"])], true),
        ("an anchored regex", vec![regexes(&["^ho"])], false),
        ("the second regex", vec![regexes(&["^cart$", "^shop$"])], true),
        ("a label", vec![selector(&[("env", "prod")], &[])], true),
        ("both labels must hold", vec![selector(&[("env", "prod"), ("team", "b")], &[])], false),
        ("the empty selector", vec![selector(&[], &[])], true),
        ("In", vec![selector(&[], &[("env", In(prod()))])], true),
        ("In, other values", vec![selector(&[], &[("env", In(set(&["test"])))])], false),
        ("In, absent", vec![selector(&[], &[("tier", In(prod()))])], false),
        ("NotIn", vec![selector(&[], &[("env", NotIn(prod()))])], false),
        ("NotIn, absent", vec![selector(&[], &[("tier", NotIn(prod()))])], true),
        ("Exists", vec![selector(&[], &[("env", Exists)])], true),
        ("Exists, absent", vec![selector(&[], &[("tier", Exists)])], false),
        ("DoesNotExist", vec![selector(&[], &[("env", DoesNotExist)])], false),
        ("DoesNotExist, absent", vec![selector(&[], &[("tier", DoesNotExist)])], true),
        ("labels and expressions must hold", vec![selector(&[("env", "prod")], &[("tier", Exists)])], false),
        ("the second condition", vec![names(&["cart"]), regexes(&["^shop$"])], true),
        (
            "one part of a condition is enough",
            vec![by(|it| {
                it.regexes = vec!["^cart$".into()];
                it.selector = Some(LabelSelector { labels: texts(&[("env", "prod")]), expressions: vec![] });
            })],
            true,
        ),
    ] {
        let needs_labels = conditions.iter().any(|condition| condition.selector.is_some());
        let store = Store { conditions, ..store(SecretsManager) };
        let labels = texts(&[("env", "prod"), ("team", "a")]);
        assert_eq!(store.allows(&"shop".parse().unwrap(), &labels), Ok(want), "{name}");
        assert_eq!(store.needs_namespace_labels(), needs_labels, "{name}");
    }
}

#[test]
fn a_regex_that_does_not_compile_lets_nobody_in_and_is_named() {
    let store = Store { conditions: vec![regexes(&["(shop"])], ..store(SecretsManager) };
    let error = store.allows(&"shop".parse().unwrap(), &BTreeMap::new()).unwrap_err();
    assert_eq!(regexes(&["^ok$", "(shop"]).check(), Err(error.clone()));
    let text = error.to_string();
    assert!(text.contains("\"(shop\"") && !text.contains('\n'), "{text}");
}
