//! Which declarations each sample concerns: the samples down, declarations across.
//!
//! `yes`: at least one change of the sample concerns the declaration. `key`: it reads another key, region or account.
//! `version`: it reads the key in a version that did not move.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use crate::common;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into, NullBytes, Read, Refresh, RefreshPolicy, Target,
};
use pawl_domain::store::{
    AwsAuth, AwsDeletion, AwsService, AwsStore, AzureAuth, AzureCloud, AzureKvStore, Backend, GcpAuth,
    GcpStore, Home, SecretKeyRef, SessionTagsPolicy,
};
use pawl_domain::{
    Affected, Change, Declaration, Find, NotAffected, Provider, Query, Remote, Store, StoreId, affected,
};
use std::time::Duration;

/// Declared in Secrets Manager. All but `unknown` read with a role of account 123456789012; `foreign` reads an ARN of
/// account 210987654321 with it, `account` a name with a role of that account.
const SECRETS: &str = "
sample                                              name     arn      partial  prefixed unknown  previous blue     id       other    region   account  foreign
secrets-manager/native-current                      yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/native-replayed                     yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/native-without-account              yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/native-without-resources            yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/native-custom-label                 version  version  version  version  version  version  yes      version  key      key      key      key
secrets-manager/native-other-account                key      key      key      key      yes      key      key      key      key      key      yes      yes
secrets-manager/native-other-region                 key      key      key      key      key      key      key      key      key      yes      key      key
secrets-manager/native-first-creation               key      key      key      key      key      key      key      key      yes      key      key      key
secrets-manager/put-secret-value-by-name            yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/put-secret-value-by-arn             yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/put-secret-value-by-partial-arn     yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/put-secret-value-custom-stages      version  version  version  version  version  version  yes      version  key      key      key      key
secrets-manager/put-secret-value-current-and-custom yes      yes      yes      yes      yes      yes      yes      version  key      key      key      key
secrets-manager/put-secret-value-of-another-account key      key      key      key      yes      key      key      key      key      key      yes      yes
secrets-manager/put-secret-value-other-region       key      key      key      key      key      key      key      key      key      yes      key      key
secrets-manager/update-secret-with-version          yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/update-secret-without-version       yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/update-version-stage-current        yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/update-version-stage-custom         version  version  version  version  version  version  yes      version  key      key      key      key
secrets-manager/update-version-stage-removed        version  version  version  version  version  version  yes      version  key      key      key      key
secrets-manager/create-secret                       yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
secrets-manager/create-secret-with-replicas         yes      yes      yes      yes      yes      yes      yes      yes      key      yes      key      key
secrets-manager/delete-secret                       yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
secrets-manager/restore-secret                      yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
secrets-manager/replicate-secret                    key      key      key      key      key      key      key      key      key      yes      key      key
secrets-manager/remove-replica                      key      key      key      key      key      key      key      key      key      yes      key      key
secrets-manager/rotation-succeeded                  yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
secrets-manager/replication-succeeded               yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
secrets-manager/cancel-secret-version-delete        yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
pawl/bare                                           yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
pawl/least                                          yes      yes      yes      yes      yes      yes      version  version  key      key      yes      yes
pawl/label                                          version  version  version  version  version  version  yes      version  key      key      key      key
pawl/existence                                      yes      yes      yes      yes      yes      yes      yes      yes      key      key      key      key
envelopes/sns-in-sqs                                yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
envelopes/sqs-several                               yes      yes      yes      yes      yes      yes      version  version  key      key      key      key
envelopes/sqs-one-bad                               key      key      key      key      key      key      key      key      key      key      key      key
";

#[test]
fn secrets() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/shop/db";
    let full = format!("{arn}-a1B2c3");
    let foreign = "arn:aws:secretsmanager:eu-central-1:210987654321:secret:prod/shop/db-K9m2Xp";
    let by = |key: &str| Declared::new(Provider::SecretsManager, key);
    check(SECRETS, |column| match column {
        "name" => by("prod/shop/db"),
        "arn" => by(&full),
        "partial" => by(arn),
        "prefixed" => Declared { prefix: Some("prod/"), ..by("shop/db") },
        "unknown" => Declared { account: None, ..by("prod/shop/db") },
        "previous" => Declared { version: Some("AWSPREVIOUS"), ..by("prod/shop/db") },
        "blue" => Declared { version: Some("blue"), ..by("prod/shop/db") },
        "id" => Declared { version: Some("uuid/0b9a6f3e-6a55-4a34-8d0e-0d6a3b1f2c11"), ..by(&full) },
        "other" => by("prod/shop/api-token"),
        "region" => Declared { region: "us-east-1", ..by("prod/shop/db") },
        "account" => Declared { account: Some("210987654321"), ..by("prod/shop/db") },
        "foreign" => by(foreign),
        _ => panic!("no declaration is called {column}"),
    });
}

/// Declared in Parameter Store, as above.
const PARAMETERS: &str = "
sample                                              name     arn      unknown  label    number   other    region   account
parameter-store/create                              yes      yes      yes      yes      yes      key      key      key
parameter-store/update                              yes      yes      yes      version  version  key      key      key
parameter-store/delete                              yes      yes      yes      yes      yes      key      key      key
parameter-store/label                               version  version  version  yes      version  key      key      key
parameter-store/update-flat-name                    key      key      key      key      key      yes      key      key
parameter-store/update-other-account                key      key      yes      key      key      key      key      yes
parameter-store/update-other-region                 key      key      key      key      key      key      yes      key
parameter-store/update-without-account              yes      yes      yes      version  version  key      key      key
pawl/some-label                                     version  version  version  yes      version  key      key      key
envelopes/sqs-several                               yes      yes      yes      version  version  key      key      key
";

#[test]
fn parameters() {
    let by = |key: &str| Declared::new(Provider::ParameterStore, key);
    check(PARAMETERS, |column| match column {
        "name" => by("/prod/shop/db"),
        "arn" => by("arn:aws:ssm:eu-central-1:123456789012:parameter/prod/shop/db"),
        "unknown" => Declared { account: None, ..by("/prod/shop/db") },
        "label" => Declared { version: Some("stable"), ..by("/prod/shop/db") },
        "number" => Declared { version: Some("3"), ..by("/prod/shop/db") },
        "other" => by("foo"),
        "region" => Declared { region: "us-east-1", ..by("/prod/shop/db") },
        "account" => Declared { account: Some("210987654321"), ..by("/prod/shop/db") },
        _ => panic!("no declaration is called {column}"),
    });
}

/// Declared in Google Secret Manager. `name` reads by the project's id, `number` by its number, `project` in another project.
const GOOGLE: &str = "
sample                                              name     number   project  region   alias    id       other
gcpsm/version-add                                   yes      yes      yes      key      version  version  key
gcpsm/version-add-in-a-location                     key      key      key      yes      key      key      key
gcpsm/version-add-by-project-id                     yes      yes      key      key      version  version  key
gcpsm/version-enable                                yes      yes      yes      key      yes      yes      key
gcpsm/version-disable                               yes      yes      yes      key      yes      yes      key
gcpsm/delete                                        yes      yes      yes      key      yes      yes      key
gcpsm/update                                        version  version  version  key      yes      version  key
gcpsm/audit-add-version                             yes      yes      key      key      version  version  key
gcpsm/audit-add-version-in-a-location               key      key      key      yes      key      key      key
gcpsm/audit-create                                  yes      yes      key      key      yes      yes      key
gcpsm/audit-of-a-numbered-project                   yes      yes      yes      key      version  version  key
";

#[test]
fn secrets_of_google() {
    let by = |project, location| Declared {
        google: Some((project, location)),
        ..Declared::new(Provider::GcpSecretManager, "shop-db")
    };
    check(GOOGLE, |column| match column {
        "name" => by("shop", None),
        "number" => by("123456789012", None),
        "project" => by("other", None),
        "region" => by("shop", Some("europe-west3")),
        "alias" => Declared { version: Some("prod"), ..by("shop", None) },
        "id" => Declared { version: Some("2"), ..by("shop", None) },
        "other" => Declared { key: "shop-db2".to_owned(), ..by("shop", None) },
        _ => panic!("no declaration is called {column}"),
    });
}

#[test]
fn a_selector_in_the_key_is_as_one_beside_it() {
    let at = |key: &str, version| Declared { version, ..Declared::new(Provider::ParameterStore, key) };
    for (within, beside) in [
        (at("/prod/shop/db:stable", None), at("/prod/shop/db", Some("stable"))),
        (at("/prod/shop/db:3", None), at("/prod/shop/db", Some("3"))),
    ] {
        let (within, beside) = (within.parts(), beside.parts());
        for line in PARAMETERS.trim().lines().skip(1) {
            let changes = changes(line.split_whitespace().next().unwrap());
            assert_eq!(
                answer(&changes, &within.0, &within.1),
                answer(&changes, &beside.0, &beside.1),
                "{line} {:?}",
                within.0.reads
            );
        }
    }
}

#[test]
fn tags_concern_those_who_read_them() {
    for (sample, provider, key) in [
        ("secrets-manager/tag-resource", Provider::SecretsManager, "prod/shop/db"),
        ("secrets-manager/untag-resource", Provider::SecretsManager, "prod/shop/db"),
        ("parameter-store/add-tags", Provider::ParameterStore, "/prod/shop/db"),
        ("parameter-store/remove-tags", Provider::ParameterStore, "/prod/shop/db"),
    ] {
        let (mut declaration, store) = Declared::new(provider, key).parts();
        let changes = changes(sample);
        let find = |name: Option<&str>, tag: Option<&str>| {
            let tags = tag.map(|tag| (tag.to_owned(), "shop".to_owned())).into_iter().collect();
            Query::Find(Find { name: name.map(str::to_owned), tags, path: None })
        };
        let metadata = |metadata| Query::Key(Remote { key: key.to_owned(), metadata, ..Remote::default() });
        for (query, want) in [
            (metadata(true), "yes"),
            (metadata(false), "version"),
            (find(None, Some("team")), "yes"),
            (find(Some("shop"), None), "version"),
            (find(Some("^bank"), Some("team")), "key"),
        ] {
            declaration.reads[0].query = query;
            let told = answer(&changes, &declaration, &store);
            assert_eq!(told, want, "{sample} {:?}", declaration.reads[0].query);
        }
    }
}

#[test]
fn objects_of_vaults_are_told_apart_by_kind_and_vault_and_not_by_case() {
    let vault = "https://shop-prod.vault.azure.net/";
    for (sample, vault_url, key, version, metadata, want) in [
        ("azure/secret-new-version", vault, "db", None, false, "yes"),
        ("azure/secret-new-version", vault, "secret/DB/ignored", None, false, "yes"),
        ("azure/secret-new-version", vault, "db", None, true, "yes"),
        ("azure/secret-new-version", vault, "db", Some("0123456789abcdef0123456789abcdef"), false, "version"),
        ("azure/secret-new-version", vault, "key/db", None, false, "key"),
        ("azure/secret-new-version", vault, "db2", None, false, "key"),
        ("azure/secret-new-version", "https://other.vault.azure.net", "db", None, false, "key"),
        ("azure/cloud-events", vault, "web", None, false, "yes"),
        ("azure/key-new-version", vault, "key/Signing", None, false, "yes"),
        ("azure/key-new-version", vault, "signing", None, false, "key"),
        ("azure/certificate-new-version", vault, "cert/tls", None, false, "yes"),
        ("azure/other-cloud", "https://shop-prod.vault.azure.cn", "db", None, false, "yes"),
        ("azure/other-cloud", vault, "db", None, false, "key"),
        ("azure/without-id", "https://other.vault.azure.net", "db", None, false, "yes"),
    ] {
        let (mut declaration, mut store) = Declared::new(Provider::SecretsManager, "db").parts();
        declaration.reads[0].query = Query::Key(Remote {
            key: key.to_owned(),
            version: version.map(str::to_owned),
            metadata,
            ..Remote::default()
        });
        store.backend = Backend::from(AzureKvStore {
            vault_url: vault_url.to_owned(),
            cloud: AzureCloud::Public,
            authority: None,
            auth: AzureAuth::ServiceAccount {
                name: "pawl".parse().unwrap(),
                namespace: None,
                audiences: Vec::new(),
                client_id: None,
                tenant_ref: None,
                tenant: None,
            },
            use_azure_sdk: false,
        });
        let told = answer(&changes(sample), &declaration, &store);
        assert_eq!(told, want, "{sample} {vault_url} {key} {version:?} {metadata}");
    }
}

#[test]
fn what_reads_once_stays() {
    let declared = Declared::new(Provider::SecretsManager, "prod/shop/db");
    let (mut declaration, store) = declared.parts();
    let change = &changes("secrets-manager/native-current")[0];
    assert_eq!(affected(change, &declaration, |_| Some(&store)), Affected::Yes);
    declaration.refresh = Refresh { policy: RefreshPolicy::CreatedOnce, ..declaration.refresh };
    assert_eq!(affected(change, &declaration, |_| Some(&store)), Affected::No(NotAffected::ReadOnce));
}

/// Compares a table with what happens; the failure shows the whole table as it would be right.
fn check(table: &str, declared: impl Fn(&str) -> Declared) {
    let mut lines = table.trim().lines();
    let header = lines.next().unwrap();
    let columns: Vec<&str> = header.split_whitespace().skip(1).collect();
    let declarations: Vec<_> = columns.iter().map(|column| declared(column).parts()).collect();
    let mut found = format!("\n{header}\n");
    for line in lines {
        let sample = line.split_whitespace().next().unwrap();
        let changes = changes(sample);
        let answers = declarations
            .iter()
            .map(|(declaration, store)| format!("{:9}", answer(&changes, declaration, store)));
        found += &format!("{sample:51} {}", answers.collect::<String>());
        found = found.trim_end().to_owned() + "\n";
    }
    assert!(table == found, "the table should be{found}");
}

fn changes(sample: &str) -> Vec<Change> {
    let changes = pawl_events::changes(&common::sample(sample).body).unwrap();
    assert!(!changes.is_empty(), "{sample} tells of no change");
    changes
}

fn answer(changes: &[Change], declaration: &Declaration, store: &Store) -> &'static str {
    let answers: Vec<_> =
        changes.iter().map(|change| affected(change, declaration, |_| Some(store))).collect();
    if answers.contains(&Affected::Yes) {
        "yes"
    } else if answers.contains(&Affected::No(NotAffected::OtherVersion)) {
        "version"
    } else {
        "key"
    }
}

/// What tells one declaration of the tables from the other.
#[derive(Clone)]
struct Declared {
    provider: Provider,
    key: String,
    version: Option<&'static str>,
    prefix: Option<&'static str>,
    region: &'static str,
    account: Option<&'static str>,
    /// Project and location, in Google's cloud.
    google: Option<(&'static str, Option<&'static str>)>,
}

impl Declared {
    fn new(provider: Provider, key: &str) -> Self {
        Self {
            provider,
            key: key.to_owned(),
            version: None,
            prefix: None,
            region: "eu-central-1",
            account: Some("123456789012"),
            google: None,
        }
    }

    fn parts(&self) -> (Declaration, Store) {
        let id = StoreId {
            home: Home::Applied,
            namespace: None,
            name: "aws".to_owned().try_into().unwrap(),
            generator: None,
        };
        let read = Read {
            path: "spec.data[0]".to_owned(),
            store: id.clone(),
            query: Query::Key(Remote {
                key: self.key.clone(),
                version: self.version.map(str::to_owned),
                ..Remote::default()
            }),
            into: Into::Key("password".to_owned()),
            decoding: Decoding::None,
            null_bytes: NullBytes::Ignore,
        };
        let declaration = Declaration {
            id: "prod/shop/db".parse().unwrap(),
            home: Home::Applied,
            uid: None,
            labels: Default::default(),
            annotations: Default::default(),
            reads: vec![read],
            target: Target {
                name: "db".to_owned().try_into().unwrap(),
                creation: CreationPolicy::Owner,
                deletion: DeletionPolicy::Retain,
                immutable: false,
                template: None,
                manifest: None,
            },
            refresh: Refresh {
                policy: RefreshPolicy::Periodic,
                interval: Duration::from_secs(3600),
                windows: None,
            },
            synced: None,
            set: None,
            pattern: None,
        };
        let backend = Backend::Aws(AwsStore {
            service: match self.provider {
                Provider::ParameterStore => AwsService::ParameterStore,
                _ => AwsService::SecretsManager,
            },
            region: self.region.to_owned(),
            auth: AwsAuth::Ambient,
            role: self.account.map(|account| format!("arn:aws:iam::{account}:role/reader")),
            additional_roles: Vec::new(),
            external_id: None,
            session_tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            session_tags_policy: SessionTagsPolicy::None,
            prefix: self.prefix.map(str::to_owned),
            max_retries: None,
            deletion: AwsDeletion::Default,
        });
        let backend = self.google.map_or(backend, |(project, location)| {
            let key = SecretKeyRef { name: "gcp".parse().unwrap(), key: "key".to_owned(), namespace: None };
            let (project, location) = (project.to_owned(), location.map(str::to_owned));
            GcpStore { project, location, falls_back: false, auth: GcpAuth::Key(key) }.into()
        });
        (declaration, Store { id, backend, conditions: Vec::new(), labels: [].into(), set: None })
    }
}
