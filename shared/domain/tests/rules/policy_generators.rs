//! What generators that ask servers may do under which policies: what stores of these servers may, and no more.

use pawl_domain::generator::{AcrGenerator, VaultGenerator, VaultMethod, VaultResult};
use pawl_domain::policy::{Allow, StoreSelector};
use pawl_domain::store::{
    AwsAuth, AzureAuth, AzureCloud, AzureKvStore, Headers, SecretKeyRef, VaultAuth, VaultIamAuth, VaultStore,
    WebhookStore,
};
use pawl_domain::{Generator, GeneratorKind, Home, Query, Rule, Rules, Store, StoreId, StorePolicy};
use std::collections::{BTreeMap, BTreeSet};

fn set<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A generator that was found in a cluster.
fn found(generator: Generator) -> Store {
    let kind: GeneratorKind = generator.kind();
    let home = Home::Cluster("blue".parse().unwrap());
    let namespace = Some("shop".parse().unwrap());
    let id = StoreId { home, namespace, name: "g".parse().unwrap(), generator: Some(kind) };
    Store { id, backend: generator.into(), conditions: Vec::new(), labels: [].into(), set: None }
}

fn refused(allow: Option<Allow>, generator: Generator) -> Option<Rule> {
    let policy = allow.map(|allow| StorePolicy {
        name: "p".parse().unwrap(),
        clusters: None,
        namespaces: None,
        stores: StoreSelector::default(),
        allow,
    });
    let rules = Rules { policies: policy.into_iter().collect(), ..Rules::default() };
    let (cluster, namespace) = ("blue".parse().unwrap(), "shop".parse().unwrap());
    rules.permit(&found(generator), &Query::Generate, &cluster, &namespace).err().map(|refusal| refusal.rule)
}

fn at() -> SecretKeyRef {
    SecretKeyRef { name: "k".parse().unwrap(), key: "a".into(), namespace: None }
}

fn vault(server: &str, auth: VaultAuth) -> Generator {
    Generator::Vault(Box::new(VaultGenerator {
        server: VaultStore { server: server.into(), auth: Some(auth), ..VaultStore::default() },
        path: "database/creds/app".into(),
        method: VaultMethod::Read,
        parameters: "{}".into(),
        query: BTreeMap::new(),
        result: VaultResult::Data,
        allows_empty: false,
    }))
}

fn iam() -> VaultAuth {
    VaultAuth::Iam(VaultIamAuth {
        path: "aws".into(),
        region: "eu-central-1".into(),
        vault_role: "r".into(),
        role: None,
        external_id: None,
        server_id: None,
        identity: AwsAuth::Ambient,
    })
}

fn webhook(url: &str, header: &str) -> Generator {
    let headers = Headers([(header.to_owned(), "a".to_owned())].into());
    let url = url.to_owned();
    Generator::Webhook(Box::new(WebhookStore { url, headers, ..WebhookStore::default() }))
}

fn acr(registry: &str) -> Generator {
    let server = AzureKvStore {
        vault_url: format!("https://{registry}"),
        cloud: AzureCloud::Public,
        authority: None,
        auth: AzureAuth::Secret { tenant: "t".into(), client_id: at(), client_secret: at() },
        use_azure_sdk: false,
    };
    let (registry, tenant) = (registry.to_owned(), "t".to_owned());
    Generator::Acr(Box::new(AcrGenerator { server, registry, tenant, scope: None }))
}

#[test]
fn servers_are_those_that_policies_name() {
    let hosts = |hosts: &[&str]| Some(Allow { hosts: Some(set(hosts)), ..Allow::default() });
    let token = || VaultAuth::Token(at());
    let (address, host) = (Some(Rule::Address), Some(Rule::Host));
    for (allow, generator, want) in [
        (None, vault("https://vault.example.com", token()), None),
        (None, vault("https://169.254.169.254", token()), address),
        (hosts(&["vault.example.com"]), vault("https://vault.example.com", token()), None),
        (hosts(&["other.example.com"]), vault("https://vault.example.com", token()), host),
        (None, webhook("https://api.example.com/{{ .a.b }}", "X-Team"), None),
        (None, webhook("https://127.0.0.1/", "X-Team"), address),
        (hosts(&["other.example.com"]), webhook("https://api.example.com/", "X-Team"), host),
        (None, webhook("https://api.example.com/", "Metadata-Flavor"), Some(Rule::Header)),
        (None, acr("team.azurecr.io"), None),
        (None, acr("127.0.0.1"), address),
        (hosts(&["other.azurecr.io"]), acr("team.azurecr.io"), host),
    ] {
        assert_eq!(refused(allow, generator.clone()), want, "{generator:?}");
    }
}

#[test]
fn with_pawls_identity_nothing_is_made_but_what_a_policy_names() {
    let own = |keys: &[&str]| {
        let hosts = Some(set(&["vault.example.com"]));
        Some(Allow { own_identity: true, keys: set(keys), hosts, ..Allow::default() })
    };
    let server = "https://vault.example.com";
    for (allow, want) in [
        (None, Some(Rule::OwnIdentity)),
        (own(&["ECRAuthorizationToken"]), Some(Rule::Key)),
        (own(&["VaultDynamicSecret"]), None),
    ] {
        assert_eq!(refused(allow, vault(server, iam())), want);
    }
}

#[test]
fn what_a_generator_is_asked_with_is_of_the_namespace_that_asks() {
    for (generator, is_own) in [
        (vault("https://vault.example.com", VaultAuth::Token(at())), true),
        (acr("team.azurecr.io"), true),
        (webhook("https://api.example.com/", "X-Team"), false),
    ] {
        let store = found(generator);
        let access = store.access(&"blue".parse().unwrap(), &"shop".parse().unwrap());
        assert_eq!(access.namespace.is_some(), is_own, "{store:?}");
        assert!(store.location().to_string().contains("https://"), "{}", store.location());
    }
}
