use crate::build::{declaration, namespace, object_name};
use pawl_domain::Kind;
use pawl_domain::spread::{Pattern, PatternId, Selection};
use pawl_domain::store::{LabelOperator, LabelRequirement, LabelSelector};
use pawl_ports::{Catalogue, Patterns, Put, Registry};

pub(super) async fn kept_and_removed<R: Registry + Catalogue>(registry: &R) {
    assert_eq!(registry.patterns().await.unwrap(), Patterns::default(), "a registry begins without patterns");
    // A dash sorts before a slash as text, and behind it as part of a name.
    let in_order =
        [("blue", "db"), ("blue", "mail"), ("blue-eu", "db")].map(|(cluster, name)| pattern(cluster, name));
    for pattern in [&in_order[2], &in_order[0], &in_order[1]] {
        assert_eq!(registry.put_pattern(pattern, None).await.unwrap(), Put::Created);
    }
    assert_eq!(registry.patterns().await.unwrap().known, in_order, "patterns come in ascending order, whole");
    assert_eq!(registry.put_pattern(&in_order[1], None).await.unwrap(), Put::Unchanged);
    let mut edited = in_order[1].clone();
    edited.placed = ["shop", "till"].map(namespace).into();
    edited.declaration.set = Some("shop".parse().unwrap());
    let refused = registry.put_pattern(&edited, None).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "nobody knew that one stands there");
    assert_eq!(registry.put_pattern(&edited, Some(&in_order[1])).await.unwrap(), Put::Changed);
    let other = Pattern { placed: ["infra"].map(namespace).into(), ..in_order[1].clone() };
    let refused = registry.put_pattern(&other, Some(&in_order[1])).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "what was put since is not undone");
    assert_eq!(registry.patterns().await.unwrap().known[1], edited, "the one that was put last stands");
    assert!(
        registry.declarations(&[edited.declaration.id.clone()]).await.unwrap().is_empty(),
        "it declares nothing itself"
    );
    assert!(!registry.remove_this_pattern(&in_order[1]).await.unwrap(), "another one was put since");
    assert_eq!(registry.patterns().await.unwrap().known[1], edited, "so it stays");
    assert!(registry.remove_this_pattern(&edited).await.unwrap());
    assert!(!registry.remove_this_pattern(&edited).await.unwrap(), "it is gone already");
    assert!(!registry.remove_pattern(&edited.id()).await.unwrap(), "whoever says so");
    let refused = registry.put_pattern(&edited, Some(&edited)).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "what was removed since stays away");
    let unknown = PatternId { name: object_name("unknown"), ..edited.id() };
    assert!(!registry.remove_pattern(&unknown).await.unwrap());
    assert_eq!(
        registry.patterns().await.unwrap().known,
        [in_order[0].clone(), in_order[2].clone()],
        "the others stay"
    );
    assert!(registry.remove_pattern(&in_order[0].id()).await.unwrap(), "whatever stands there");
    assert_eq!(registry.patterns().await.unwrap().known, [in_order[2].clone()]);
}

pub(in crate::contract) fn pattern(cluster: &str, name: &str) -> Pattern {
    let labels = [("team".to_owned(), "shop".to_owned())].into();
    let require = |key: &str, operator| LabelRequirement { key: key.to_owned(), operator };
    let values = || ["a", "b"].map(str::to_owned).into();
    let expressions = vec![
        require("in", LabelOperator::In(values())),
        require("notin", LabelOperator::NotIn(values())),
        require("exists", LabelOperator::Exists),
        require("not", LabelOperator::DoesNotExist),
    ];
    let selectors = vec![LabelSelector { labels, expressions }, LabelSelector::default()];
    Pattern {
        name: object_name(name),
        selection: Selection { selectors, names: [namespace("infra")].into() },
        declaration: declaration(&format!("{cluster}/any/{name}")).reads("app/db").build(),
        placed: [].into(),
    }
}
