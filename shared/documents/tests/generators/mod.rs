//! Generators, each with every field, and the record of what two of them made.

use jiff::Timestamp;
use pawl_domain::generator::{
    AcrGenerator, AwsIdentitySpec, CloudsmithGenerator, Curve, EcrGenerator, Encoding, Generator,
    GithubGenerator, MfaGenerator, PasswordGenerator, QuayGenerator, ShownAccount, SshKeyGenerator,
    SshKeyType, StsGenerator, VaultGenerator, VaultMethod, VaultResult,
};
use pawl_domain::record::{Generated, Made};
use pawl_domain::store::{
    AwsAuth, AzureAuth, AzureCloud, AzureKvStore, FakeEntry, FakeStore, GcpAuth, GcpStore, Headers,
    SecretKeyRef, VaultAuth, VaultStore, WebhookSecret, WebhookStore,
};
use pawl_domain::{GeneratorKind, Record, Store};

/// By the names of their files.
pub(super) fn all(
    at: &dyn Fn(&str) -> SecretKeyRef,
    of: &dyn Fn(Generator) -> Store,
) -> Vec<(String, Store)> {
    let entry = FakeEntry { key: "a".to_owned(), value: "1".to_owned(), version: String::new() };
    let when = Timestamp::from_second(894_345_905).ok();
    let password = PasswordGenerator {
        length: 42,
        digits: Some(5),
        symbols: Some(6),
        symbol_characters: Some("-_".to_owned()),
        no_upper: true,
        allow_repeat: true,
        keys: vec!["one".to_owned(), "two".to_owned()],
        encoding: Encoding::Base64Url,
    };
    let identity = |auth| {
        let role = Some("arn:aws:iam::123456789012:role/r".to_owned());
        AwsIdentitySpec { region: "us-east-1".to_owned(), auth, role }
    };
    let keys = AwsAuth::Static {
        access_key_id: at("id"),
        secret_access_key: at("secret"),
        session_token: Some(at("token")),
    };
    let account = AwsAuth::ServiceAccount {
        name: "reader".parse().unwrap(),
        namespace: None,
        audiences: vec!["sts.amazonaws.com".to_owned()],
    };
    let sts = StsGenerator {
        identity: identity(AwsAuth::Ambient),
        seconds: Some(900),
        serial_number: Some("arn:aws:iam::123456789012:mfa/me".to_owned()),
        token_code: Some("123456".to_owned()),
    };
    let github = GithubGenerator {
        url: "https://github.example.com/api/v3".to_owned(),
        app_id: "12".to_owned(),
        install_id: "34".to_owned(),
        private_key: at("pem"),
        repositories: vec!["shop".to_owned()],
        permissions: [("contents".to_owned(), "read".to_owned())].into(),
    };
    let shown = || ShownAccount { name: "robot".parse().unwrap(), audiences: vec!["registry".to_owned()] };
    let cloudsmith = CloudsmithGenerator {
        url: "https://api.cloudsmith.io".to_owned(),
        organization: "acme".to_owned(),
        service: "ci".to_owned(),
        account: shown(),
    };
    let quay =
        QuayGenerator { url: "https://quay.io".to_owned(), robot: "acme+ci".to_owned(), account: shown() };
    let key = |kind| Generator::SshKey(SshKeyGenerator { kind, comment: "me".to_owned() });
    let generators = [
        ("fake", Generator::Fake(FakeStore { data: vec![entry], is_refused: false })),
        ("mfa", Generator::Mfa(MfaGenerator { seed: at("seed"), length: 8, period: 60, when })),
        ("password", Generator::Password(password)),
        ("ssh-rsa", key(SshKeyType::Rsa(4096))),
        ("ssh-ecdsa", key(SshKeyType::Ecdsa(Curve::P521))),
        ("ssh-ed25519", key(SshKeyType::Ed25519)),
        ("uuid", Generator::Uuid),
        ("ecr", Generator::Ecr(EcrGenerator { identity: identity(keys), public: true })),
        ("ecr-account", Generator::Ecr(EcrGenerator { identity: identity(account), public: false })),
        ("sts", Generator::Sts(sts)),
        ("github", Generator::Github(github)),
        ("cloudsmith", Generator::Cloudsmith(cloudsmith)),
        ("quay", Generator::Quay(quay)),
        ("acr", Generator::Acr(Box::new(acr(at("id"), at("secret"))))),
        ("gcr", Generator::Gcr(Box::new(gcp(at("key.json"))))),
        ("vault", Generator::Vault(Box::new(vault(at("token"))))),
        ("webhook", Generator::Webhook(Box::new(webhook()))),
    ];
    let named = |(name, generator): (&str, Generator)| {
        let mut store = of(generator.clone());
        store.id.generator = Some(generator.kind());
        (format!("generator-{name}.json"), store)
    };
    let mut all: Vec<(String, Store)> = generators.into_iter().map(named).collect();
    let mut cluster = of(Generator::Uuid);
    cluster.id.generator = Some(GeneratorKind::ClusterGenerator);
    all.push(("generator-cluster.json".to_owned(), cluster));
    all
}

fn acr(client_id: SecretKeyRef, client_secret: SecretKeyRef) -> AcrGenerator {
    let server = AzureKvStore {
        vault_url: "https://team.azurecr.cn".to_owned(),
        cloud: AzureCloud::China,
        authority: None,
        auth: AzureAuth::Secret { tenant: "t".to_owned(), client_id, client_secret },
        use_azure_sdk: false,
    };
    let scope = Some("repository:app:pull".to_owned());
    AcrGenerator { server, registry: "team.azurecr.cn".to_owned(), tenant: "t".to_owned(), scope }
}

fn gcp(key: SecretKeyRef) -> GcpStore {
    GcpStore { project: "shop".to_owned(), location: None, falls_back: false, auth: GcpAuth::Key(key) }
}

fn vault(token: SecretKeyRef) -> VaultGenerator {
    let server = VaultStore {
        server: "https://vault.example.com".to_owned(),
        namespace: Some("team".to_owned()),
        auth: Some(VaultAuth::Token(token)),
        max_retries: Some(0),
        ..VaultStore::default()
    };
    VaultGenerator {
        server,
        path: "pki/issue/app".to_owned(),
        method: VaultMethod::Write,
        parameters: r#"{"common_name":"app"}"#.to_owned(),
        query: [("format".to_owned(), vec!["pem".to_owned()])].into(),
        result: VaultResult::Raw,
        allows_empty: true,
    }
}

fn webhook() -> WebhookStore {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let secret = WebhookSecret { name: "api".to_owned(), secret: "api".parse().unwrap(), namespace: None };
    WebhookStore {
        url: "https://api.example.com/tokens".to_owned(),
        method: "POST".to_owned(),
        headers: Headers([header("X-Token", "{{ .api.token }}")].into()),
        content_type: Some("application/json".to_owned()),
        body: "{}".to_owned(),
        timeout: Some(std::time::Duration::from_secs(10)),
        json_path: "$.data".to_owned(),
        secrets: vec![secret],
        ca_bundle: None,
        ca_provider: None,
    }
}

/// A record that remembers what was made.
pub(super) fn record(before: Record) -> Record {
    let at = |second| Timestamp::from_second(second).unwrap_or_default();
    let generated = Generated {
        digest: String::new(),
        made: vec![
            Made { by: "a".repeat(64), at: at(10), expires: Some(at(20)) },
            Made { by: "b".repeat(64), at: at(10), expires: None },
        ],
        basis: "c".repeat(64),
        data: vec!["password".to_owned(), "uuid".to_owned()],
        labels: vec!["team".to_owned()],
        annotations: vec!["note".to_owned()],
    };
    Record { generated, ..before }
}
