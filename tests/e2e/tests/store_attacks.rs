//! Attacks of a developer who has rights in one namespace of a cluster that is indexed: manifests as such a person applies
//! them, against `pawl serve` and against the functions. Each story says what the attacker must not get, and that a rotation of
//! another tenant still arrives promptly meanwhile.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawl_devcluster::DevCluster;
use pawl_e2e::events::label_updated;
use pawl_e2e::{Deployment, Form, Functions, REGION, Result, Rhythm, Stage, TRUST, shows, until};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const CLUSTER: &str = "blue";
/// What "promptly" may mean on a machine that does other things as well, with a table and queues that are slower than AWS's.
/// Alone it takes some 100 ms.
const PROMPT: Duration = Duration::from_secs(20);
/// What the attackers are after.
const TREASURY: &str = "canary0bank0treasury0swift";
/// The other tenant's store may use Pawl's own identity for the other tenant's keys.
const SHOP: &str = r#"{ "apiVersion": "pawl.dev/v1alpha1", "kind": "StorePolicy", "metadata": { "name": "shop" },
"spec": { "namespaces": ["shop"], "allow": { "ownIdentity": true, "keys": ["shop/*"] } } }"#;

/// One cluster with two tenants, `shop` and `evil`, and a Pawl that sweeps and indexes all the time.
struct Scene {
    stage: Stage,
    pawl: Deployment,
}

impl Scene {
    async fn with(form: Form, policies: &[&str]) -> Result<Self> {
        let mut stage = Stage::start(&[CLUSTER]).await?;
        stage.set("PAWL_OWN_SECRETS", "pawl/ledger-key");
        let mut pawl = Deployment::on(form, &mut stage).await?;
        for (key, value) in
            [("shop/db", "first"), ("bank/treasury/swift", TREASURY), ("pawl/ledger-key", TREASURY)]
        {
            stage.aws().create_secret(REGION, key, value).await?;
        }
        let cluster = &stage.clusters()[0];
        for namespace in ["shop", "evil", "kube-system"] {
            cluster
                .put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }))?;
        }
        cluster.put(store("shop", "aws", aws()))?;
        cluster.put(secret("shop", "app", "aws", data("shop/db")))?;
        let declared = stage.declare(CLUSTER, &cluster.url(), cluster.ca_pem(), cluster.token())?;
        let mut manifests = declared.replace("\"spec\":{", "\"spec\":{\"index\":true,");
        for policy in policies {
            manifests += &format!("---\n{policy}\n");
        }
        let file = stage.write("operator.yaml", &manifests)?.display().to_string();
        stage.pawl(&["apply", "--clusters", "-f", &file]).await?.well()?;
        pawl.begin(&stage, Rhythm { sweeps: true, indexes: true }).await?;
        let scene = Self { stage, pawl };
        scene.holds("first").await?;
        Ok(scene)
    }

    fn cluster(&self) -> &DevCluster {
        &self.stage.clusters()[0]
    }

    async fn holds(&self, value: &str) -> Result<Duration> {
        let look = async || {
            let found = self.cluster().secret_value("shop", "app", "a");
            (found.as_deref() == Some(value.as_bytes())).then_some(())
        };
        Ok(until(&format!("the other tenant's {value}"), look).await?.1)
    }

    /// The message of an ExternalSecret's Ready condition, once it is `False`.
    async fn refused(&self, name: &str) -> Result<String> {
        let look = async || not_ready(&self.cluster().get("externalsecrets", "evil", name)?);
        Ok(until(&format!("the refusal of {name}"), look).await?.0)
    }

    /// The same message, once it has this code: before that, a busy machine may have failed an attempt for the moment.
    async fn refused_with(&self, code: &str, name: &str) -> Result<String> {
        let look = async || {
            let message = not_ready(&self.cluster().get("externalsecrets", "evil", name)?)?;
            message.starts_with(code).then_some(message)
        };
        Ok(until(&format!("the refusal of {name} with {code}"), look).await?.0)
    }

    /// The attack goes on: the other tenant's rotation arrives, the attacker has nothing, nobody has told a value.
    async fn ends(self, loot: &[&str]) -> Result<()> {
        let version = self.stage.aws().put_secret_value(REGION, "shop/db", "second").await?;
        self.pawl.send(&self.stage, &label_updated(REGION, "shop/db", &version)).await?;
        let took = self.holds("second").await?;
        assert!(took < PROMPT, "another tenant's rotation took {took:?}");
        for name in loot {
            assert_eq!(self.cluster().secret("evil", name), None, "{name} was written");
        }
        let secrets: Vec<Value> = self.cluster().list("secrets", "");
        assert!(!shows(&json!(secrets).to_string(), TREASURY), "the treasury is in a Secret");
        for resource in ["events", "externalsecrets", "secretstores"] {
            let told = json!(self.cluster().list(resource, "evil")).to_string();
            assert!(!shows(&told, TREASURY), "the treasury is told in {resource}");
        }
        assert!(!shows(&self.pawl.log(), TREASURY), "the treasury is in the log");
        if self.pawl.functions().is_some() {
            assert!(!shows(&Functions::table(&self.stage).await?, TREASURY), "the treasury is in the table");
        }
        Ok(())
    }
}

fn not_ready(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let ready = conditions.iter().find(|each| each["type"] == "Ready" && each["status"] == "False")?;
    ready["message"].as_str().map(str::to_owned)
}

fn store(namespace: &str, name: &str, provider: Value) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "provider": provider },
    })
}

fn secret(namespace: &str, name: &str, store: &str, reads: Value) -> Value {
    let mut spec =
        json!({ "secretStoreRef": { "name": store, "kind": "SecretStore" }, "refreshInterval": "1s" });
    for (field, value) in reads.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    })
}

fn data(key: &str) -> Value {
    json!({ "data": [{ "secretKey": "a", "remoteRef": { "key": key } }] })
}

fn everything() -> Value {
    json!({ "dataFrom": [{ "find": { "name": { "regexp": ".*" } } }] })
}

fn aws() -> Value {
    json!({ "aws": { "service": "SecretsManager", "region": REGION } })
}

fn aws_with(field: &str, value: Value) -> Value {
    let mut provider = aws();
    provider["aws"][field] = value;
    provider
}

fn vault(server: &str, rest: Value) -> Value {
    let mut vault = json!({ "server": server, "path": "secret", "version": "v1" });
    for (field, value) in rest.as_object().into_iter().flatten() {
        vault[field] = value.clone();
    }
    json!({ "vault": vault })
}

/// A server of the attacker's, or an internal one: it keeps what it was asked, and answers everything.
struct Trap {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Trap {
    async fn answering(status: &'static str, headers: String, body: String) -> Result<Self> {
        let failed = |source| pawl_e2e::Error::Io { action: "the trap".to_owned(), source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = format!("http://{}", listener.local_addr().map_err(failed)?);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; 64 * 1024];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                let answer = format!(
                    "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Ok(Self { address, asked, task })
    }

    /// What an internal server says to whoever asks.
    async fn internal() -> Result<Self> {
        let body = json!({ "data": { "config": TREASURY }, "errors": [TREASURY] }).to_string();
        Self::answering("200 OK", String::new(), body).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap_or_default()
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pawl_e2e::in_both_forms!(
    pawls_own_identity_and_other_roles_are_not_a_tenants,
    a_tenant_with_a_policy_gets_its_own_keys_and_nobody_pawls,
    no_server_of_a_tenant_is_shown_pawls_identity_or_a_token_of_the_api_server,
    a_tenants_store_reaches_neither_this_machine_nor_another_host_by_a_redirect,
    what_a_tenant_may_reach_leads_nowhere_else_and_says_nothing,
    a_tenant_names_neither_secrets_of_other_namespaces_nor_policies,
);

async fn pawls_own_identity_and_other_roles_are_not_a_tenants(form: Form) -> Result<()> {
    let scene = Scene::with(form, &[SHOP]).await?;
    let role = "arn:aws:iam::123456789012:role/payments-team-reader";
    let cluster = scene.cluster();
    cluster.put(store("evil", "ambient", aws()))?;
    cluster.put(secret("evil", "steal-all", "ambient", everything()))?;
    cluster.put(secret("evil", "steal-one", "ambient", data("bank/treasury/swift")))?;
    cluster.put(secret("evil", "steal-shop", "ambient", data("shop/db")))?;
    cluster.put(store("evil", "otherrole", aws_with("role", json!(role))))?;
    cluster.put(secret("evil", "steal-role", "otherrole", data("bank/treasury/swift")))?;
    cluster.put(store(
        "evil",
        "endpoint",
        json!({ "aws": { "service": "SecretsManager", "region": "x.evil.example/" } }),
    ))?;

    for name in ["steal-all", "steal-one", "steal-shop"] {
        scene.refused_with("PAWL-POLICY-IDENTITY", name).await?;
    }
    let message = scene.refused_with("PAWL-POLICY-ROLE", "steal-role").await?;
    assert!(message.contains("spec.allow.roles"), "{message}");
    let look = async || not_ready(&scene.cluster().get("secretstores", "evil", "ambient")?);
    let (message, _) = until("the refusal of the store", look).await?;
    assert!(message.contains("spec.allow.ownIdentity"), "{message}");

    let meter = scene.stage.meter();
    assert!(!meter.asked_store("bank/treasury/swift"), "AWS was asked for the treasury");
    assert!(!meter.asked_store("payments-team-reader"), "AWS was asked for the role");
    let events = json!(scene.cluster().list("events", "evil")).to_string();
    assert!(events.contains("PAWL-POLICY-ROLE"), "the refusal is an Event");
    scene.ends(&["steal-all", "steal-one", "steal-shop", "steal-role"]).await
}

async fn a_tenant_with_a_policy_gets_its_own_keys_and_nobody_pawls(form: Form) -> Result<()> {
    let evil = SHOP.replace("\"shop\"", "\"evil\"").replace("shop/*", "*");
    let scene = Scene::with(form, &[SHOP, &evil]).await?;
    let cluster = scene.cluster();
    cluster.put(store("evil", "ambient", aws()))?;
    cluster.put(store(
        "evil",
        "parameters",
        json!({ "aws": { "service": "ParameterStore", "region": REGION } }),
    ))?;
    cluster.put(secret("evil", "key", "ambient", data("pawl/ledger-key")))?;
    let arn = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:pawl/ledger-key");
    cluster.put(secret("evil", "key-by-arn", "ambient", data(&arn)))?;
    let reference = "/aws/reference/secretsmanager/pawl/ledger-key";
    cluster.put(secret("evil", "key-by-reference", "parameters", data(reference)))?;
    let own = json!({ "dataFrom": [{ "find": { "name": { "regexp": "^(pawl|shop)/" } } }] });
    cluster.put(secret("evil", "found", "ambient", own))?;
    for name in ["key", "key-by-arn", "key-by-reference"] {
        scene.refused_with("PAWL-OWN-SECRET", name).await?;
    }
    let look = async || scene.cluster().secret("evil", "found");
    let (found, _) = until("what may be found", look).await?;
    let keys: Vec<&str> =
        found["data"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["shop_db"], "all but Pawl's own");
    scene.ends(&["key", "key-by-arn", "key-by-reference"]).await
}

async fn no_server_of_a_tenant_is_shown_pawls_identity_or_a_token_of_the_api_server(
    form: Form,
) -> Result<()> {
    // Its own server may be reached, and that is all.
    let here = r#"{ "apiVersion": "pawl.dev/v1alpha1", "kind": "StorePolicy", "metadata": { "name": "evil" },
        "spec": { "namespaces": ["evil"], "allow": { "addresses": ["127.0.0.1"] } } }"#;
    let scene = Scene::with(form, &[SHOP, here]).await?;
    let trap = Trap::internal().await?;
    let cluster = scene.cluster();
    let iam = json!({ "auth": { "iam": { "vaultRole": "pawl-prod", "region": REGION, "vaultAwsIamServerID": "vault.bank.example" } } });
    cluster.put(store("evil", "relay", vault(&trap.address, iam)))?;
    cluster.put(secret("evil", "relay", "relay", data("x")))?;
    scene.refused_with("PAWL-POLICY-IDENTITY", "relay").await?;
    assert_eq!(trap.asked(), [] as [&str; 0], "the server was shown something");

    cluster.put(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "deployer", "namespace": "evil" } }))?;
    let token = json!({ "auth": { "kubernetes": { "role": "x", "mountPath": "k8s", "serviceAccountRef": { "name": "deployer" } } } });
    cluster.put(store("evil", "satoken", vault(&trap.address, token.clone())))?;
    cluster.put(secret("evil", "satoken", "satoken", data("x")))?;
    scene.refused("satoken").await?;
    let mut audience = token;
    audience["auth"]["kubernetes"]["serviceAccountRef"]["audiences"] =
        json!(["https://kubernetes.default.svc"]);
    cluster.put(store("evil", "audience", vault(&trap.address, audience)))?;
    cluster.put(secret("evil", "audience", "audience", data("x")))?;
    scene.refused("audience").await?;
    for asked in trap.asked() {
        let Some((_, body)) = asked.split_once("\r\n\r\n") else { continue };
        let Ok(login) = serde_json::from_str::<Value>(body) else { continue };
        let claims = login["jwt"].as_str().and_then(|jwt| jwt.split('.').nth(1)).unwrap_or_default();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap_or_default()).unwrap_or_default();
        assert_eq!(claims["aud"], json!(["vault"]), "a token that the API server takes: {claims}");
    }
    scene.ends(&["relay", "satoken", "audience"]).await
}

async fn a_tenants_store_reaches_neither_this_machine_nor_another_host_by_a_redirect(
    form: Form,
) -> Result<()> {
    let scene = Scene::with(form, &[SHOP]).await?;
    let internal = Trap::internal().await?;
    let cluster = scene.cluster();
    let metadata = json!({ "headers": { "Metadata-Flavor": "Google", "X-aws-ec2-metadata-token": "abc", "Host": "metadata.google.internal" } });
    for (name, server) in [
        ("ssrf", internal.address.clone()),
        ("prom", format!("{}/api", internal.address)),
        ("by-name", format!("http://localhost:{}", internal.port())),
        ("by-number", format!("http://2130706433:{}", internal.port())),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{}", internal.port())),
        ("metadata", "http://169.254.169.254/latest".to_owned()),
        ("pod-identity", "http://[fd00:ec2::23]".to_owned()),
    ] {
        cluster.put(store("evil", name, vault(&server, json!({}))))?;
        cluster.put(secret(
            "evil",
            name,
            name,
            json!({ "dataFrom": [{ "extract": { "key": "config" } }] }),
        ))?;
    }
    // Refused as it is read, so that it never becomes a store.
    cluster.put(store("evil", "headers", vault("https://vault.example.com", metadata)))?;
    cluster.put(secret("evil", "headers", "headers", data("x")))?;
    for name in ["ssrf", "prom", "by-name", "by-number", "mapped", "metadata", "pod-identity"] {
        let message = scene.refused_with("PAWL-POLICY-ADDRESS", name).await?;
        assert!(message.contains("spec.allow.addresses"), "{name}: {message}");
    }
    scene.refused("headers").await?;
    assert_eq!(internal.asked(), [] as [&str; 0], "the internal server was asked");
    scene
        .ends(&["ssrf", "prom", "by-name", "by-number", "mapped", "metadata", "pod-identity", "headers"])
        .await
}

async fn what_a_tenant_may_reach_leads_nowhere_else_and_says_nothing(form: Form) -> Result<()> {
    let internal = Trap::internal().await?;
    let moved = format!("location: {}/v1/secret/config\r\n", internal.address);
    let pointing = Trap::answering("307 Temporary Redirect", moved, String::new()).await?;
    let errors = json!({ "errors": [TREASURY], "warnings": [TREASURY] }).to_string();
    let talking = Trap::answering("500 Internal Server Error", String::new(), errors).await?;
    let port = |trap: &Trap| trap.port().to_owned();
    let policy = json!({
        "apiVersion": "pawl.dev/v1alpha1", "kind": "StorePolicy", "metadata": { "name": "evil" },
        "spec": { "namespaces": ["evil"], "allow": {
            "hosts": [format!("127.0.0.1:{}", port(&pointing)), format!("127.0.0.1:{}", port(&talking))],
            "addresses": ["127.0.0.1"],
        } },
    });
    let scene = Scene::with(form, &[SHOP, &policy.to_string()]).await?;
    let cluster = scene.cluster();
    for (name, trap) in [("redirect", &pointing), ("talks", &talking), ("internal", &internal)] {
        cluster.put(store("evil", name, vault(&trap.address, json!({}))))?;
        cluster.put(secret("evil", name, name, data("config")))?;
    }
    scene.refused_with("PAWL-POLICY-HOST", "internal").await?;
    scene.refused("redirect").await?;
    scene.refused("talks").await?;
    assert!(!pointing.asked().is_empty() && !talking.asked().is_empty(), "what is allowed is done");
    assert_eq!(internal.asked(), [] as [&str; 0], "the redirect was followed");
    scene.ends(&["redirect", "talks", "internal"]).await
}

async fn a_tenant_names_neither_secrets_of_other_namespaces_nor_policies(form: Form) -> Result<()> {
    let scene = Scene::with(form, &[SHOP]).await?;
    let cluster = scene.cluster();
    cluster.put(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "k", "namespace": "kube-system" },
        "stringData": { "a": "AKIAEXAMPLE", "b": "hunter2" },
    }))?;
    let at = |key: &str| json!({ "name": "k", "key": key, "namespace": "kube-system" });
    let keys =
        json!({ "secretRef": { "accessKeyIDSecretRef": at("a"), "secretAccessKeySecretRef": at("b") } });
    cluster.put(store("evil", "crossns", aws_with("auth", keys)))?;
    cluster.put(secret("evil", "crossns", "crossns", data("bank/treasury/swift")))?;
    scene.refused("crossns").await?;
    assert!(!scene.stage.meter().asked_store("bank/treasury/swift"));
    // What a cluster holds is never the operator's word, whoever put it there.
    let trust: Value = serde_json::from_str(TRUST).unwrap_or_default();
    let _ = cluster.put(trust);
    cluster.put(store("evil", "ambient", aws()))?;
    cluster.put(secret("evil", "steal-all", "ambient", everything()))?;
    scene.refused_with("PAWL-POLICY-IDENTITY", "steal-all").await?;
    scene.ends(&["crossns", "steal-all"]).await
}
