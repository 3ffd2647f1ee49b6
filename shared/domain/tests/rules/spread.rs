//! Where the children of a ClusterExternalSecret are wanted, and what is to be done to them.

use pawl_domain::reconcile::Owner;
use pawl_domain::spread::{
    Child, ChildAction, Content, Family, NamespaceState, Namespaces, Parent, Pattern, Plan, Selection, Told,
};
use pawl_domain::store::{LabelOperator, LabelRequirement, LabelSelector};
use pawl_domain::{Declaration, DeclarationId, Home, Namespace, ObjectName, Read, StoreId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn namespace(name: &str) -> Namespace {
    name.parse().unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn labelled(pairs: &[(&str, &str)]) -> LabelSelector {
    LabelSelector { labels: texts(pairs), expressions: Vec::new() }
}

fn namespaces(of: &[(&str, &[(&str, &str)])]) -> Namespaces {
    let state = |labels| NamespaceState { labels: texts(labels), deleting: false };
    of.iter().map(|(name, labels)| (namespace(name), state(labels))).collect()
}

#[test]
fn any_part_of_a_selection_chooses() {
    let all = namespaces(&[
        ("a", &[("t", "1")]),
        ("b", &[("t", "2")]),
        ("c", &[]),
        ("d", &[("t", "1"), ("u", "1")]),
    ]);
    let not_two =
        LabelRequirement { key: "t".to_owned(), operator: LabelOperator::NotIn(["2".to_owned()].into()) };
    let expression = LabelSelector { labels: texts(&[]), expressions: vec![not_two] };
    for (selectors, names, want) in [
        (vec![], vec![], ""),
        (vec![labelled(&[])], vec![], "a b c d"),
        (vec![labelled(&[("t", "1")])], vec![], "a d"),
        (vec![labelled(&[("t", "1"), ("u", "1")])], vec![], "d"),
        (vec![labelled(&[("t", "2")]), labelled(&[("u", "1")])], vec![], "b d"),
        (vec![expression], vec![], "a c d"),
        (vec![], vec!["c", "nowhere"], "c"),
        (vec![labelled(&[("t", "2")])], vec!["c"], "b c"),
    ] {
        let selection = Selection { selectors, names: names.into_iter().map(namespace).collect() };
        let chosen: Vec<&str> = selection.of(&all).map(|(name, _)| name.as_str()).collect();
        assert_eq!(chosen.join(" "), want, "{selection:?}");
    }
}

fn parent() -> Parent {
    Parent {
        name: "everywhere".parse().unwrap(),
        uid: "u1".to_owned(),
        resource_version: "9".to_owned(),
        child: "db".parse().unwrap(),
        selection: Ok(Selection { selectors: vec![labelled(&[("t", "1")])], names: BTreeSet::new() }),
        content: Content {
            labels: texts(&[("l", "1")]),
            annotations: texts(&[]),
            spec: json!({ "data": [] }),
        },
        finalizers: Vec::new(),
        deleting: false,
        told: Told::default(),
    }
}

fn owner(name: &str, uid: &str) -> Owner {
    Owner {
        api_version: "external-secrets.io/v1".to_owned(),
        kind: "ClusterExternalSecret".to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: true,
        block_owner_deletion: true,
    }
}

fn child(owners: Vec<Owner>) -> Child {
    Child {
        uid: "c".to_owned(),
        resource_version: "5".to_owned(),
        owners,
        content: parent().content,
        deleting: false,
    }
}

fn planned(namespaces: &Namespaces, family: &[(&str, Child)]) -> Plan {
    let parent = parent();
    let family: Family = family.iter().map(|(at, child)| (namespace(at), child.clone())).collect();
    parent.plan(parent.selection.as_ref().unwrap(), namespaces, &family)
}

#[test]
fn children_are_made_kept_updated_and_deleted() {
    let ours = || vec![owner("everywhere", "u1")];
    let edited = Child { content: Content { spec: json!({}), ..parent().content }, ..child(ours()) };
    let labelled_by_hand = Child {
        content: Content { labels: texts(&[("l", "1"), ("x", "y")]), ..parent().content },
        ..child(ours())
    };
    let matching = namespaces(&[
        ("edited", &[("t", "1")]),
        ("kept", &[("t", "1")]),
        ("labelled", &[("t", "1")]),
        ("left", &[]),
        ("new", &[("t", "1")]),
    ]);
    let plan = planned(
        &matching,
        &[
            ("edited", edited),
            ("kept", child(ours())),
            ("labelled", labelled_by_hand),
            ("left", child(ours())),
            ("unseen", child(ours())),
        ],
    );
    let update = || ChildAction::Update { resource_version: "5".to_owned(), owners: ours() };
    let delete = || ChildAction::Delete { uid: "c".to_owned(), resource_version: "5".to_owned() };
    assert_eq!(
        plan.actions,
        [
            (namespace("left"), delete()),
            (namespace("unseen"), delete()),
            (namespace("edited"), update()),
            (namespace("labelled"), update()),
            (namespace("new"), ChildAction::Create(ours())),
        ]
    );
    assert_eq!(plan.standing, [namespace("kept")].into());
    assert!(plan.refused.is_empty());
}

#[test]
fn what_somebody_else_made_is_left_wherever_it_is() {
    let not_controller = Owner { controller: false, ..owner("everywhere", "u1") };
    let of_other_group = Owner { api_version: "example.com/v1".to_owned(), ..owner("everywhere", "u1") };
    for owners in [vec![], vec![owner("other", "u1")], vec![not_controller], vec![of_other_group]] {
        let chosen = namespaces(&[("shop", &[("t", "1")])]);
        let plan = planned(&chosen, &[("shop", child(owners.clone())), ("left", child(owners))]);
        assert!(plan.actions.is_empty(), "{plan:?}");
        let refused = [(namespace("shop"), "external secret already exists in namespace".to_owned())];
        assert_eq!(plan.refused, refused.into());
    }
}

#[test]
fn children_of_one_that_was_made_anew_are_taken_over_with_their_other_owners() {
    let other = Owner { kind: "ConfigMap".to_owned(), controller: false, ..owner("x", "y") };
    let before = Owner { api_version: "external-secrets.io/v1beta1".to_owned(), ..owner("everywhere", "u0") };
    let chosen = namespaces(&[("shop", &[("t", "1")])]);
    let plan = planned(&chosen, &[("shop", child(vec![before, other.clone()]))]);
    let owners = vec![owner("everywhere", "u1"), other];
    let update = ChildAction::Update { resource_version: "5".to_owned(), owners };
    assert_eq!(plan.actions, [(namespace("shop"), update)]);
}

#[test]
fn what_is_being_deleted_is_left_alone() {
    let going =
        Child { deleting: true, content: Content::default(), ..child(vec![owner("everywhere", "u1")]) };
    let mut chosen =
        namespaces(&[("going", &[("t", "1")]), ("shop", &[("t", "1")]), ("empty", &[("t", "1")])]);
    for name in ["going", "empty"] {
        chosen.get_mut(&namespace(name)).unwrap().deleting = true;
    }
    let whole = child(vec![owner("everywhere", "u1")]);
    let plan = planned(&chosen, &[("shop", going.clone()), ("left", going), ("going", whole)]);
    assert_eq!(plan, Plan { standing: [namespace("shop")].into(), ..Plan::default() });
}

#[test]
fn a_former_name_and_a_finalizer_of_eso_are_cleaned_up() {
    let mut parent = parent();
    assert_eq!((parent.former(), parent.released()), (None, None));
    parent.told.child = Some("db".parse().unwrap());
    assert_eq!(parent.former(), None);
    parent.told.child = Some("before".parse().unwrap());
    assert_eq!(parent.former().map(ObjectName::as_str), Some("before"));
    let eso = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";
    parent.finalizers = vec!["mine".to_owned(), eso.to_owned()];
    assert_eq!(parent.released(), None, "it is not being deleted");
    parent.deleting = true;
    assert_eq!(parent.released(), Some(vec!["mine".to_owned()]));
    parent.finalizers = vec!["mine".to_owned()];
    assert_eq!(parent.released(), None, "others' finalizers are others' matter");
}

#[test]
fn a_pattern_declares_the_same_in_each_namespace_with_the_stores_of_that() {
    let id = |text: &str| text.parse::<DeclarationId>().unwrap();
    let mut declaration = crate::given::declaration();
    declaration.id = id("blue/any/db");
    let read = |store: StoreId| Read { store, ..crate::given::read("k") };
    let own = |at: &str| StoreId {
        home: Home::Applied,
        namespace: Some(namespace(at)),
        name: "own".parse().unwrap(),
        generator: None,
    };
    let wide =
        || StoreId { home: Home::Applied, namespace: None, name: "wide".parse().unwrap(), generator: None };
    declaration.reads = vec![read(own("any")), read(wide())];
    let selection = Selection { selectors: vec![labelled(&[("t", "1")])], names: BTreeSet::new() };
    let placed = ["going", "left"].map(namespace).into();
    let pattern = Pattern { name: "everywhere".parse().unwrap(), selection, declaration, placed };
    assert_eq!(pattern.id().to_string(), "ClusterExternalSecret blue/everywhere");
    let shop = pattern.in_namespace(&namespace("shop"));
    assert_eq!(shop.id, id("blue/shop/db"));
    assert_eq!(shop.pattern.as_ref(), Some(&pattern.name));
    let alone = Declaration { pattern: None, ..shop.clone() };
    assert!(alone != shop && alone.declares_as(&shop), "what it is made of changes nothing in the target");
    assert_eq!(alone.digest(), shop.digest());
    assert_eq!(shop.reads.iter().map(|read| read.store.clone()).collect::<Vec<_>>(), [own("shop"), wide()]);
    let ids: Vec<String> = pattern.ids().map(|id| id.to_string()).collect();
    assert_eq!(ids, ["blue/going/db", "blue/left/db"]);

    // In a namespace that is being deleted nothing begins, and what is there waits for the end.
    let mut all = namespaces(&[
        ("going", &[("t", "1")]),
        ("late", &[("t", "1")]),
        ("left", &[]),
        ("shop", &[("t", "1")]),
    ]);
    for name in ["going", "late"] {
        all.get_mut(&namespace(name)).unwrap().deleting = true;
    }
    assert_eq!(pattern.wanted(&all), ["going", "shop"].map(namespace).into());
}
