//! What stores may do under which policies: a row for each case.

use pawl_domain::grant::{OwnSecrets, Reach};
use pawl_domain::policy::{Allow, StoreSelector};
use pawl_domain::store::{
    ApiAuth, ApiServer, AwsAuth, AwsDeletion, AwsService, AwsStore, AzureAuth, AzureCloud, AzureKvStore,
    Backend, FakeStore, Headers, KubernetesApi, KubernetesStore, SecretKeyRef, SessionTagsPolicy, VaultAuth,
    VaultIamAuth, VaultStore,
};
use pawl_domain::{Find, Home, Query, Remote, Rule, Rules, Store, StoreId, StorePolicy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ROLE: &str = "arn:aws:iam::123456789012:role/payments-reader";
const VAULT: &str = "https://vault.example.com:8200";

fn set<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A policy for namespaces `payments-*` of clusters `prod-*`.
fn policy(allow: Allow) -> StorePolicy {
    StorePolicy {
        name: "payments".parse().unwrap(),
        clusters: Some(set(&["prod-*"])),
        namespaces: Some(set(&["payments-*"])),
        stores: StoreSelector::default(),
        allow,
    }
}

fn own(keys: &[&str]) -> Allow {
    Allow { own_identity: true, keys: set(keys), ..Allow::default() }
}

fn roles(roles: &[&str], keys: &[&str]) -> Allow {
    Allow { roles: set(roles), keys: set(keys), ..Allow::default() }
}

fn hosts(hosts: &[&str]) -> Allow {
    Allow { hosts: Some(set(hosts)), ..Allow::default() }
}

fn store(home: Home, backend: Backend) -> Store {
    let id = StoreId { home, namespace: None, name: "s".parse().unwrap(), generator: None };
    Store { id, backend, conditions: Vec::new(), labels: [].into(), set: None }
}

fn found(backend: Backend) -> Store {
    store(Home::Cluster("prod-1".parse().unwrap()), backend)
}

fn ambient() -> AwsStore {
    AwsStore {
        service: AwsService::SecretsManager,
        region: "eu-central-1".into(),
        auth: AwsAuth::Ambient,
        role: None,
        additional_roles: Vec::new(),
        external_id: None,
        session_tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        session_tags_policy: SessionTagsPolicy::None,
        prefix: None,
        max_retries: None,
        deletion: AwsDeletion::Default,
    }
}

fn aws(role: Option<&str>, auth: AwsAuth) -> Backend {
    Backend::Aws(AwsStore { role: role.map(str::to_owned), auth, ..ambient() })
}

fn static_keys() -> AwsAuth {
    let at = || SecretKeyRef { name: "k".parse().unwrap(), key: "a".into(), namespace: None };
    AwsAuth::Static { access_key_id: at(), secret_access_key: at(), session_token: None }
}

fn vault(server: &str, auth: Option<VaultAuth>) -> Backend {
    Backend::Vault(Box::new(VaultStore { server: server.into(), auth, ..VaultStore::default() }))
}

fn iam(role: Option<&str>) -> Option<VaultAuth> {
    Some(VaultAuth::Iam(VaultIamAuth {
        path: "aws".into(),
        region: "eu-central-1".into(),
        vault_role: "r".into(),
        role: role.map(str::to_owned),
        external_id: None,
        server_id: None,
        identity: AwsAuth::Ambient,
    }))
}

fn azurekv(vault_url: &str, authority: Option<&str>) -> Backend {
    let at = || SecretKeyRef { name: "k".parse().unwrap(), key: "a".into(), namespace: None };
    Backend::from(AzureKvStore {
        vault_url: vault_url.into(),
        cloud: AzureCloud::Public,
        authority: authority.map(str::to_owned),
        auth: AzureAuth::Secret { tenant: "t".into(), client_id: at(), client_secret: at() },
        use_azure_sdk: true,
    })
}

fn key(key: &str) -> Query {
    Query::Key(Remote { key: key.into(), ..Remote::default() })
}

/// The rule that refuses a read of `key` by a declaration of `namespace` in `cluster`.
fn refused_in(rules: &Rules, store: &Store, read: &str, cluster: &str, namespace: &str) -> Option<Rule> {
    let decided = rules.permit(store, &key(read), &cluster.parse().unwrap(), &namespace.parse().unwrap());
    decided.err().map(|refusal| {
        assert!(refusal.to_string().starts_with(refusal.rule.code()), "{refusal}");
        refusal.rule
    })
}

fn refused(policies: &[StorePolicy], store: &Store, read: &str) -> Option<Rule> {
    refused_in(&rules(policies), store, read, "prod-1", "payments-eu")
}

fn rules(policies: &[StorePolicy]) -> Rules {
    Rules { policies: policies.to_vec(), ..Rules::default() }
}

#[test]
fn a_store_that_was_found_may_do_with_pawls_identity_what_a_policy_allows() {
    let none = || aws(None, AwsAuth::Ambient);
    let role = || aws(Some(ROLE), AwsAuth::Ambient);
    let chain = |additional: &str| {
        Backend::Aws(AwsStore {
            role: Some(ROLE.into()),
            additional_roles: vec![additional.into()],
            ..ambient()
        })
    };
    for (what, allow, backend, read, want) in [
        ("nothing is allowed", Allow::default(), none(), "payments/db", Some(Rule::OwnIdentity)),
        ("a key of its own", own(&["payments/*"]), none(), "payments/db", None),
        ("another key", own(&["payments/*"]), none(), "bank/treasury", Some(Rule::Key)),
        ("no keys are none", own(&[]), none(), "payments/db", Some(Rule::Key)),
        (
            "a key by ARN is not meant by its name",
            own(&["payments/*"]),
            none(),
            "arn:aws:secretsmanager:eu-central-1:1:secret:payments/db",
            Some(Rule::Key),
        ),
        (
            "a key by ARN",
            own(&["arn:aws:secretsmanager:*:1:secret:payments/*"]),
            none(),
            "arn:aws:secretsmanager:eu-central-1:1:secret:payments/db",
            None,
        ),
        ("a role is no own identity", own(&["*"]), role(), "a", Some(Rule::Role)),
        ("own identity is no role", roles(&["*"], &["*"]), none(), "a", Some(Rule::OwnIdentity)),
        ("its role", roles(&[ROLE], &["a"]), role(), "a", None),
        ("its role, another key", roles(&[ROLE], &["a"]), role(), "b", Some(Rule::Key)),
        ("another role", roles(&["arn:aws:iam::*:role/orders-*"], &["*"]), role(), "a", Some(Rule::Role)),
        (
            "every role of a chain",
            roles(&["arn:aws:iam::*"], &["*"]),
            chain("arn:aws:iam::1:role/hub"),
            "a",
            None,
        ),
        (
            "one role of a chain",
            roles(&[ROLE], &["*"]),
            chain("arn:aws:iam::1:role/hub"),
            "a",
            Some(Rule::Role),
        ),
        ("credentials of its own", Allow::default(), aws(None, static_keys()), "any/key", None),
        (
            "roles by credentials of its own",
            Allow::default(),
            aws(Some(ROLE), static_keys()),
            "any/key",
            None,
        ),
    ] {
        assert_eq!(refused(&[policy(allow)], &found(backend), read), want, "{what}");
    }
    assert_eq!(refused(&[], &found(none()), "a"), Some(Rule::OwnIdentity), "without a policy");
    assert_eq!(refused(&[], &found(aws(None, static_keys())), "a"), None, "without a policy");
}

#[test]
fn a_policy_speaks_of_its_clusters_namespaces_and_stores() {
    let store = found(aws(None, AwsAuth::Ambient));
    let plain = policy(own(&["*"]));
    let named = |names: &[&str]| StorePolicy {
        stores: StoreSelector { names: Some(set(names)), ..StoreSelector::default() },
        ..plain.clone()
    };
    let applied = StoreSelector { found: false, applied: true, names: None };
    let refused = Some(Rule::OwnIdentity);
    for (policy, cluster, namespace, want) in [
        (plain.clone(), "prod-1", "payments-eu", None),
        (plain.clone(), "dev-1", "payments-eu", refused),
        (plain.clone(), "prod-1", "orders", refused),
        (StorePolicy { clusters: None, ..plain.clone() }, "dev-1", "payments-eu", None),
        (StorePolicy { namespaces: None, ..plain.clone() }, "prod-1", "orders", None),
        (StorePolicy { namespaces: Some(set(&[])), ..plain.clone() }, "prod-1", "payments-eu", refused),
        (named(&["s*"]), "prod-1", "payments-eu", None),
        (named(&["other"]), "prod-1", "payments-eu", refused),
        (StorePolicy { stores: applied, ..plain.clone() }, "prod-1", "payments-eu", refused),
    ] {
        assert_eq!(
            refused_in(&rules(&[policy]), &store, "a", cluster, namespace),
            want,
            "{cluster} {namespace}"
        );
    }
}

#[test]
fn what_a_read_needs_must_be_allowed_by_one_policy() {
    let two = [policy(own(&["a"])), policy(roles(&[ROLE], &["b"]))];
    let (none, role) = (found(aws(None, AwsAuth::Ambient)), found(aws(Some(ROLE), AwsAuth::Ambient)));
    for (store, read, want) in
        [(&none, "a", None), (&none, "b", Some(Rule::Key)), (&role, "b", None), (&role, "a", Some(Rule::Key))]
    {
        assert_eq!(refused(&two, store, read), want, "{read}");
    }
    let more = [policy(own(&["a"])), policy(own(&["b"]))];
    assert_eq!(refused(&more, &none, "a"), None);
    assert_eq!(refused(&more, &none, "b"), None);
}

#[test]
fn an_applied_store_is_free_until_a_policy_speaks_of_it() {
    let store = store(Home::Applied, aws(None, AwsAuth::Ambient));
    let of_applied = |names: Option<&[&str]>, allow| StorePolicy {
        stores: StoreSelector { found: false, applied: true, names: names.map(set) },
        ..policy(allow)
    };
    assert_eq!(refused(&[], &store, "a"), None);
    assert_eq!(
        refused(&[policy(Allow::default())], &store, "a"),
        None,
        "a policy for stores that were found"
    );
    let payments = of_applied(None, own(&["payments/*"]));
    assert_eq!(refused(std::slice::from_ref(&payments), &store, "payments/db"), None);
    assert_eq!(refused(std::slice::from_ref(&payments), &store, "orders/db"), Some(Rule::Key));
    let elsewhere = refused_in(&rules(&[payments]), &store, "payments/db", "prod-1", "evil");
    assert_eq!(elsewhere, Some(Rule::OwnIdentity), "a namespace that no policy speaks of");
    assert_eq!(refused(&[of_applied(Some(&["other"]), Allow::default())], &store, "a"), None);
}

#[test]
fn who_gives_out_tokens_must_be_named_as_well() {
    let (vault, login) = ("https://team.vault.azure.net", "https://login.example.com");
    let vaults = policy(hosts(&["*.vault.azure.net"]));
    let both = policy(hosts(&["*.vault.azure.net", "login.example.com"]));
    for (policies, authority, refusal) in [
        (&[][..], None, None),
        (&[], Some(login), None),
        (&[], Some("https://169.254.169.254"), Some(Rule::Address)),
        (&[], Some("nonsense"), Some(Rule::Host)),
        (std::slice::from_ref(&vaults), None, None),
        (std::slice::from_ref(&vaults), Some(login), Some(Rule::Host)),
        (std::slice::from_ref(&both), Some(login), None),
    ] {
        let store = found(azurekv(vault, authority));
        assert_eq!(refused(policies, &store, "db"), refusal, "{policies:?} {authority:?}");
    }
}

#[test]
fn hosts_and_addresses_are_those_that_policies_name() {
    let anywhere = Allow { addresses: set(&["127.0.0.1"]), ..hosts(&["127.0.0.1", "localhost"]) };
    let loopback = "http://127.0.0.1:18200/redir";
    let address = Some(Rule::Address);
    for (what, policies, server, want) in [
        ("a public host", vec![], VAULT, None),
        ("a private address", vec![], "https://10.0.0.1:8200", None),
        ("loopback", vec![], loopback, address),
        ("loopback in disguise", vec![], "http://2130706433:18200", address),
        ("metadata", vec![], "http://169.254.169.254", address),
        ("mapped", vec![], "http://[::ffff:169.254.169.254]", address),
        ("named", vec![hosts(&["vault.example.com"])], VAULT, None),
        ("named with another port", vec![hosts(&["vault.example.com:443"])], VAULT, Some(Rule::Host)),
        ("another host", vec![hosts(&["vault.internal"])], VAULT, Some(Rule::Host)),
        ("no hosts", vec![hosts(&[])], VAULT, Some(Rule::Host)),
        (
            "silence leaves it to the others",
            vec![hosts(&["vault.internal"]), own(&["*"])],
            VAULT,
            Some(Rule::Host),
        ),
        ("either", vec![hosts(&["vault.internal"]), hosts(&["vault.example.com"])], VAULT, None),
        ("an address that is named", vec![anywhere.clone()], loopback, None),
        ("for the host that is named with it", vec![anywhere, hosts(&["[::1]"])], "http://[::1]", address),
        ("a host is no address", vec![hosts(&["127.0.0.1"])], loopback, address),
    ] {
        let policies: Vec<_> = policies.into_iter().map(policy).collect();
        assert_eq!(refused(&policies, &found(vault(server, None)), "a"), want, "{what}");
    }
}

#[test]
fn how_far_a_connection_may_go_is_part_of_the_identity() {
    let reach = |store: &Store, policies: &[StorePolicy]| {
        let (cluster, namespace) = ("prod-1".parse().unwrap(), "payments-eu".parse().unwrap());
        rules(policies).permit(store, &key("a"), &cluster, &namespace).unwrap().access.grant.reach
    };
    let backend = || vault(VAULT, None);
    assert_eq!(reach(&store(Home::Applied, backend()), &[]), Reach::Anywhere);
    assert_eq!(reach(&found(backend()), &[]), Reach::Guarded(BTreeSet::new()));
    let here = Allow { addresses: set(&["127.0.0.1"]), ..hosts(&["vault.example.com"]) };
    assert_eq!(reach(&found(backend()), &[policy(here)]), Reach::Guarded(set(&["127.0.0.1"])));
    let other = Allow { addresses: set(&["127.0.0.1"]), ..hosts(&["other"]) };
    let both = [policy(other), policy(hosts(&["vault.example.com"]))];
    assert_eq!(reach(&found(backend()), &both), Reach::Guarded(BTreeSet::new()), "of another host");
}

#[test]
fn an_identity_is_shown_to_servers_that_its_policy_names() {
    let named = |allow: Allow| Allow { hosts: Some(set(&["vault.example.com"])), ..allow };
    for (what, policies, role, want) in [
        ("nothing is allowed", vec![], None, Some(Rule::OwnIdentity)),
        ("any host", vec![own(&["*"])], None, Some(Rule::Host)),
        ("its host", vec![named(own(&["*"]))], None, None),
        (
            "its host by another policy",
            vec![own(&["*"]), hosts(&["vault.example.com"])],
            None,
            Some(Rule::Host),
        ),
        ("no key", vec![named(own(&[]))], None, Some(Rule::Key)),
        ("a role", vec![named(own(&["*"]))], Some(ROLE), Some(Rule::Role)),
        ("its role", vec![named(roles(&[ROLE], &["*"]))], Some(ROLE), None),
    ] {
        let policies: Vec<_> = policies.into_iter().map(policy).collect();
        assert_eq!(refused(&policies, &found(vault(VAULT, iam(role))), "a"), want, "{what}");
    }
}

#[test]
fn no_policy_opens_pawls_own_secrets() {
    let rules = Rules {
        policies: vec![policy(own(&["*"]))],
        own: Arc::new(OwnSecrets::new(["pawl/ledger-key"])),
        ..Rules::default()
    };
    let (cluster, namespace) = ("prod-1".parse().unwrap(), "payments-eu".parse().unwrap());
    let prefixed = Backend::Aws(AwsStore { prefix: Some("pawl/".into()), ..ambient() });
    for (store, read) in [
        (found(aws(None, AwsAuth::Ambient)), "pawl/ledger-key"),
        (found(prefixed), "ledger-key"),
        (found(aws(None, static_keys())), "pawl/ledger-key"),
        (store(Home::Applied, aws(None, AwsAuth::Ambient)), "pawl/ledger-key"),
        (
            store(Home::Applied, Backend::Aws(AwsStore { service: AwsService::ParameterStore, ..ambient() })),
            "/aws/reference/secretsmanager/pawl/ledger-key",
        ),
    ] {
        let refusal = rules.permit(&store, &key(read), &cluster, &namespace).unwrap_err();
        assert_eq!(refusal.rule, Rule::OwnSecret, "{read}");
    }
    let find = Query::Find(Find { name: Some(".*".into()), ..Find::default() });
    let store = store(Home::Applied, aws(None, AwsAuth::Ambient));
    let keep = rules.permit(&store, &find, &cluster, &namespace).unwrap().keep;
    assert!(keep.allows("app/db") && !keep.allows("pawl/ledger-key"));
}

#[test]
fn a_search_keeps_what_single_reads_may_have() {
    let rules = rules(&[policy(own(&["payments/*"]))]);
    let (cluster, namespace) = ("prod-1".parse().unwrap(), "payments-eu".parse().unwrap());
    let find = Query::Find(Find { name: Some(".*".into()), ..Find::default() });
    let keep = rules.permit(&found(aws(None, AwsAuth::Ambient)), &find, &cluster, &namespace).unwrap().keep;
    assert!(keep.is_limited() && keep.allows("payments/db") && !keep.allows("bank/treasury"));
    let none = self::rules(&[policy(own(&[]))]);
    let refusal = none.permit(&found(aws(None, AwsAuth::Ambient)), &find, &cluster, &namespace).unwrap_err();
    assert_eq!(refusal.rule, Rule::Key, "a search that could find nothing is refused");
    let keep = rules.permit(&found(aws(None, static_keys())), &find, &cluster, &namespace).unwrap().keep;
    assert!(!keep.is_limited() && keep.allows("bank/treasury"));
}

#[test]
fn what_no_policy_can_allow_is_refused_of_applied_stores_too() {
    let fake = || Backend::Fake(FakeStore::default());
    let region = |region: &str| Backend::Aws(AwsStore { region: region.into(), ..ambient() });
    let header = |name: &str| {
        let headers = Headers(BTreeMap::from([(name.to_owned(), "x".to_owned())]));
        let server = VAULT.to_owned();
        Backend::Vault(Box::new(VaultStore { server, headers, ..VaultStore::default() }))
    };
    for (backend, want) in [
        (fake(), Some(Rule::FakeStore)),
        (region("x.evil.example/"), Some(Rule::Region)),
        (region("evil.example"), Some(Rule::Region)),
        (region(""), Some(Rule::Region)),
        (region("us-gov-west-1"), None),
        (header("Host"), Some(Rule::Header)),
        (header("metadata-flavor"), Some(Rule::Header)),
        (header("X-aws-ec2-metadata-token-ttl-seconds"), Some(Rule::Header)),
        (header("Transfer-Encoding"), Some(Rule::Header)),
        (header("X-Team"), None),
    ] {
        let what = format!("{backend:?}");
        assert_eq!(refused(&[policy(own(&["*"]))], &store(Home::Applied, backend), "a"), want, "{what}");
    }
    let unsafely = Rules { fake_stores: true, ..Rules::default() };
    assert_eq!(refused_in(&unsafely, &found(fake()), "a", "prod-1", "x"), None);
}

#[test]
fn a_store_is_admitted_as_far_as_some_namespace_may_use_it() {
    let rules = rules(&[policy(own(&["payments/*"]))]);
    let wide = found(aws(None, AwsAuth::Ambient));
    let of = |namespace: &str| {
        let id = StoreId { namespace: Some(namespace.parse().unwrap()), ..wide.id.clone() };
        Store { id, ..wide.clone() }
    };
    for (store, cluster, want) in [
        (wide.clone(), "prod-1", None),
        (wide.clone(), "dev-1", Some(Rule::OwnIdentity)),
        (of("payments-eu"), "prod-1", None),
        (of("orders"), "prod-1", Some(Rule::OwnIdentity)),
    ] {
        let admitted = rules.admit(&store, &cluster.parse().unwrap());
        assert_eq!(admitted.err().map(|refusal| refusal.rule), want, "{} in {cluster}", store.id);
    }
}

#[test]
fn with_a_policy_that_cannot_be_read_nothing_is_allowed() {
    let rules = Rules { unreadable: BTreeSet::from(["payments".into()]), ..Rules::default() };
    for store in [store(Home::Applied, aws(None, AwsAuth::Ambient)), found(vault(VAULT, None))] {
        assert_eq!(refused_in(&rules, &store, "a", "prod-1", "x"), Some(Rule::Unreadable));
    }
}

#[test]
fn odd_policies_are_told() {
    let fields =
        |policy: StorePolicy| policy.oddities().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let nobody = StoreSelector { found: false, applied: false, names: None };
    let everywhere = Allow { addresses: set(&["0.0.0.0/0"]), ..Allow::default() };
    for (policy, want) in [
        (policy(own(&["payments/*"])), &[][..]),
        (policy(own(&[])), &["spec.allow.keys"]),
        (policy(own(&["*"])), &["spec.allow.keys"]),
        (policy(Allow { keys: set(&["a"]), ..Allow::default() }), &["spec.allow.keys"]),
        (StorePolicy { stores: nobody, ..policy(Allow::default()) }, &["spec.stores"]),
        (policy(everywhere), &["spec.allow.addresses"]),
    ] {
        assert_eq!(fields(policy), want);
    }
}

/// A kubeconfig in a Secret may name any server: where hosts are limited, it is one too many.
#[test]
fn a_server_that_stands_in_a_secret_cannot_be_told_from_others() {
    let at = || SecretKeyRef { name: "k".parse().unwrap(), key: "a".into(), namespace: None };
    let of = |api| Backend::from(KubernetesStore { api, remote_namespace: "shop".parse().unwrap() });
    let hidden = || found(of(KubernetesApi::Kubeconfig(at())));
    let auth = || ApiAuth::Token(at());
    let own = found(of(KubernetesApi::Server { server: ApiServer::Own, auth: auth() }));
    let named = |url: &str| {
        let server = ApiServer::At { url: url.to_owned(), ca_bundle: None, ca_provider: None };
        found(of(KubernetesApi::Server { server, auth: auth() }))
    };
    let limited = [policy(hosts(&["api.example.com"]))];
    for (policies, store, want) in [
        (&[][..], hidden(), None),
        (&limited, hidden(), Some(Rule::Host)),
        // The operator says where the target cluster is.
        (&limited, own, None),
        (&limited, named("https://api.example.com:6443"), None),
        (&limited, named("https://other.example.com"), Some(Rule::Host)),
        (&[], named("https://127.0.0.1:6443"), Some(Rule::Address)),
    ] {
        assert_eq!(refused(policies, &store, "db"), want, "{store:?}");
    }
    let addresses = Allow { addresses: set(&["127.0.0.1"]), ..Allow::default() };
    let rules = rules(&[policy(addresses)]);
    let permit =
        rules.permit(&hidden(), &key("db"), &"prod-1".parse().unwrap(), &"payments-eu".parse().unwrap());
    assert_eq!(permit.unwrap().access.grant.reach, Reach::Guarded(set(&["127.0.0.1"])));
}
