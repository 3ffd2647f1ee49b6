use crate::build::{object_name, patterns, policy};
use pawl_domain::StorePolicy;
use pawl_domain::policy::Allow;
use pawl_ports::{Catalogue, Put, Registry};

pub(super) async fn kept_and_removed<R: Registry + Catalogue>(registry: &R) {
    let none = registry.policies().await.unwrap();
    assert!(none.known.is_empty() && none.unreadable.is_empty(), "a registry begins without policies");
    let in_order = ["orders", "payments", "payments-eu"].map(policy);
    for policy in [&in_order[2], &in_order[0], &in_order[1]] {
        assert_eq!(registry.put_policy(policy).await.unwrap(), Put::Created);
    }
    assert_eq!(registry.policies().await.unwrap().known, in_order, "policies come in ascending order, whole");
    assert_eq!(registry.put_policy(&in_order[1]).await.unwrap(), Put::Unchanged);
    let allow = Allow { own_identity: true, keys: patterns(&["payments/*"]), ..Allow::default() };
    let edited = StorePolicy { allow, namespaces: Some(patterns(&["payments-*"])), ..in_order[1].clone() };
    assert_eq!(registry.put_policy(&edited).await.unwrap(), Put::Changed);
    assert_eq!(registry.policies().await.unwrap().known[1], edited, "the one that was put last stands");
    assert!(registry.remove_policy(&edited.name).await.unwrap());
    assert!(!registry.remove_policy(&edited.name).await.unwrap(), "it is gone already");
    assert!(!registry.remove_policy(&object_name("unknown")).await.unwrap());
    let left = [in_order[0].clone(), in_order[2].clone()];
    assert_eq!(registry.policies().await.unwrap().known, left, "the others stay");
}
