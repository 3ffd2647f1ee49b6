//! What the whitelist of a store of objects of any kind admits.

use pawl_domain::store::{CrdResource, CrdRule, CrdStore, KubernetesApi, SecretKeyRef};
use pawl_domain::{Home, Query, Remote, Rule, Rules, Store, StoreId};

#[test]
fn a_whitelist_is_held_to_key_and_property() {
    let at = SecretKeyRef { name: "k".parse().unwrap(), key: "a".into(), namespace: None };
    let store = |namespace: Option<&str>, whitelist: &[CrdRule]| {
        let backend = CrdStore {
            api: KubernetesApi::Kubeconfig(at.clone()),
            resource: CrdResource { group: String::new(), version: "v1".into(), kind: "ConfigMap".into() },
            whitelist: whitelist.to_vec(),
            namespace: namespace.map(|name| name.parse().unwrap()),
        };
        let id =
            StoreId { home: Home::Applied, namespace: None, name: "s".parse().unwrap(), generator: None };
        Store { id, backend: backend.into(), conditions: Vec::new(), labels: [].into(), set: None }
    };
    let rule = |name: Option<&str>, namespace: Option<&str>, properties: &[&str]| CrdRule {
        name: name.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        properties: properties.iter().map(|&each| each.to_owned()).collect(),
    };
    let named = [rule(Some("^db"), None, &[])];
    let placed = [rule(None, Some("^team-"), &[])];
    let property = [rule(Some("^db"), None, &["^spec\\.", "^status$"])];
    let either = [rule(Some("^a$"), None, &[]), rule(Some("^b$"), None, &["x"])];
    let broken = [rule(Some("("), None, &[])];
    for (namespace, whitelist, read, of, admitted) in [
        (None, &[][..], "team-a/x", None, true),
        (None, &named, "other/db-1", None, true),
        (None, &named, "db/web", None, false),
        (Some("shop"), &named, "db-1", None, true),
        (Some("shop"), &named, "web", None, false),
        (None, &placed, "team-a/x", None, true),
        (None, &placed, "other/team-a", None, false),
        (None, &placed, "team-a", None, false),
        (None, &property, "a/db", Some("spec.x"), true),
        (None, &property, "a/db", Some("status"), true),
        (None, &property, "a/db", Some("metadata.x"), false),
        (None, &property, "a/db", None, false),
        (None, &property, "a/db", Some(""), false),
        (None, &property, "a/web", Some("spec.x"), false),
        (None, &either, "n/a", Some("anything"), true),
        (None, &either, "n/b", Some("xyz"), true),
        (None, &either, "n/b", None, false),
        (None, &broken, "n/b", None, false),
    ] {
        let property = of.map(str::to_owned);
        let query = Query::Key(Remote { key: read.to_owned(), property, ..Remote::default() });
        let store = store(namespace, whitelist);
        let permit =
            Rules::default().permit(&store, &query, &"blue".parse().unwrap(), &"shop".parse().unwrap());
        let want = (!admitted).then_some(Rule::Whitelist);
        assert_eq!(permit.err().map(|refusal| refusal.rule), want, "{whitelist:?} {read} {of:?}");
    }
}
