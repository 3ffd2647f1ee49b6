//! Three clouds on this machine, each with one secret and its own way of saying that it changed.
//!
//! AWS is moto: EventBridge puts its event into a queue of SQS, which `pawl serve --events` reads. Google and Azure are doubles,
//! which Pawl asks by their own addresses: `HTTPS_PROXY` leads to them.

use crate::{Answer, Error, REGION, Result, Server, Stage, events, now};
use pawl_servers::azurekv::{AzureKv, CLIENT, SECRET, TENANT};
use pawl_servers::gcpsm::{Google, NUMBER, PROJECT};
use pawl_servers::{Internet, Queue, StoredSecret};
use serde_json::{Value, json};

/// Where the Secrets of all three go.
pub const NAMESPACE: &str = "shop";
/// Where the stores' credentials are.
const CREDENTIALS: &str = "stores";
const VAULT: &str = "https://team.vault.azure.net";
const ENTRA: &str = "https://login.microsoftonline.com";
const GOOGLE_TOKENS: &str = "https://oauth2.googleapis.com";
/// What the push subscription's token is for and whose it is; an address behind which the server might stand.
const AUDIENCE: &str = "https://pawl.example.com/v1/google/pubsub";
const PUSHES_AS: &str = "push@shop.iam.gserviceaccount.com";
const EVENT_TOKEN: &str = "the-event-token-of-the-demonstration-alone";
/// The key in Secrets Manager and Secret Manager, and in the vault.
const KEY: &str = "shop-db";

/// A cloud.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cloud {
    /// Amazon's.
    Aws,
    /// Google's.
    Google,
    /// Microsoft's.
    Azure,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Google, Self::Azure];

    /// The name of its store, of the ExternalSecret that reads it and of the Secret.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Google => "google",
            Self::Azure => "azure",
        }
    }

    /// How it says that a secret changed.
    pub fn tells_by(self) -> &'static str {
        match self {
            Self::Aws => "EventBridge, through a queue of SQS",
            Self::Google => "a push of Pub/Sub with a token that Google signed",
            Self::Azure => "Event Grid's webhook",
        }
    }
}

/// The three clouds, and the ways to them.
#[derive(Debug)]
pub struct Clouds {
    google: Google,
    azure: AzureKv,
    internet: Internet,
    queue: Queue,
}

/// A new version of a secret.
#[derive(Clone, Debug)]
pub enum Rotated {
    /// Of Secrets Manager.
    Aws(StoredSecret),
    /// Its number.
    Google(u64),
    /// Its id.
    Azure(String),
}

impl Clouds {
    /// Starts them, and says to the stage's processes how they reach them and whose events they take.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub async fn start(stage: &mut Stage) -> Result<Self> {
        let google = Google::known_as(Some(GOOGLE_TOKENS)).await?;
        let azure = AzureKv::known_as(Some((VAULT, ENTRA))).await?;
        let hosts = [
            ("oauth2.googleapis.com", google.address()),
            ("secretmanager.googleapis.com", google.address()),
            ("www.googleapis.com", google.address()),
            ("login.microsoftonline.com", azure.address()),
            ("team.vault.azure.net", azure.address()),
        ];
        let internet = Internet::start(&hosts).await?;
        let authority = stage.write("authority.pem", internet.ca_pem())?.display().to_string();
        for (name, value) in [
            ("HTTPS_PROXY", internet.proxy()),
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("SSL_CERT_FILE", authority.as_str()),
            ("PAWL_PUBSUB_AUDIENCE", AUDIENCE),
            ("PAWL_PUBSUB_ACCOUNT", PUSHES_AS),
            ("PAWL_AZURE_EVENT_TOKEN", EVENT_TOKEN),
        ] {
            stage.set(name, value);
        }
        let queue = stage.aws().create_queue(REGION, "pawl-events", &[]).await?;
        stage.aws().put_rule_to_queue("pawl", &events::label_updated_pattern(), &queue).await?;
        let this = Self { google, azure, internet, queue };
        this.furnish(stage)?;
        Ok(this)
    }

    /// The queue that `pawl serve --events` reads.
    pub fn queue(&self) -> &str {
        &self.queue.url
    }

    /// Where all that is not of this machine is asked for.
    pub fn proxy(&self) -> &str {
        self.internet.proxy()
    }

    /// Gives a cloud's secret its first value.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn create(&self, stage: &Stage, cloud: Cloud, password: &str) -> Result<()> {
        match cloud {
            Cloud::Aws => drop(stage.aws().create_secret(REGION, KEY, password).await?),
            Cloud::Google | Cloud::Azure => drop(self.rotate(stage, cloud, password).await?),
        }
        Ok(())
    }

    /// Gives a cloud's secret another value, and says nothing.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn rotate(&self, stage: &Stage, cloud: Cloud, password: &str) -> Result<Rotated> {
        Ok(match cloud {
            Cloud::Aws => Rotated::Aws(stage.aws().put_secret_value(REGION, KEY, password).await?),
            Cloud::Google => Rotated::Google(self.google.add(None, KEY, password.as_bytes())),
            Cloud::Azure => Rotated::Azure(self.azure.set(KEY, password)),
        })
    }

    /// Says that a secret changed, as its cloud does it. The answer, where the server itself gives one.
    ///
    /// # Errors
    /// When AWS refuses, or the server does not answer.
    pub async fn tell(&self, stage: &Stage, server: &Server, rotated: &Rotated) -> Result<Option<Answer>> {
        match rotated {
            Rotated::Aws(version) => {
                let event = events::label_updated(REGION, KEY, version);
                stage.aws().put_events(REGION, &[event]).await?;
                Ok(None)
            }
            Rotated::Google(number) => {
                let token = self.google.push_token(AUDIENCE, PUSHES_AS, now().as_second());
                let token = token.ok_or_else(|| Error::Otherwise("no token could be signed".to_owned()))?;
                self.push(server, &token, *number).await.map(Some)
            }
            Rotated::Azure(version) => self.deliver(server, EVENT_TOKEN, version).await.map(Some),
        }
    }

    /// Says the same as somebody who is not the cloud: with a token for another server, or the wrong one. AWS takes events
    /// into the queue from whom its policy lets, so nothing comes of it there.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn forge(&self, server: &Server, rotated: &Rotated) -> Result<Option<Answer>> {
        match rotated {
            Rotated::Aws(_) => Ok(None),
            Rotated::Google(number) => {
                let other = "https://other.example.com/";
                let token = self.google.push_token(other, PUSHES_AS, now().as_second()).unwrap_or_default();
                self.push(server, &token, *number).await.map(Some)
            }
            Rotated::Azure(version) => {
                let wrong = EVENT_TOKEN.replace("alone", "alonE");
                self.deliver(server, &wrong, version).await.map(Some)
            }
        }
    }

    /// What Pawl asked of a cloud's store since the last time.
    pub fn asked(&self, stage: &Stage, cloud: Cloud) -> usize {
        match cloud {
            Cloud::Aws => {
                let calls = stage.meter().store_calls().values().sum();
                stage.meter().reset();
                calls
            }
            Cloud::Google => self.google.asked().iter().filter(|call| call.contains("/v1/projects/")).count(),
            Cloud::Azure => self.azure.asked().iter().filter(|call| !call.contains("/oauth2/")).count(),
        }
    }

    async fn push(&self, server: &Server, token: &str, number: u64) -> Result<Answer> {
        let secret = format!("projects/{NUMBER}/secrets/{KEY}");
        let version = format!("{secret}/versions/{number}");
        let (id, at) = (now().as_millisecond().to_string(), now().to_string());
        let message = json!({
            "message": {
                "attributes": {
                    "eventType": "SECRET_VERSION_ADD", "dataFormat": "JSON_API_V1", "timestamp": at,
                    "secretId": secret, "versionId": version,
                },
                "messageId": id, "message_id": id, "publishTime": at, "publish_time": at,
            },
            "subscription": format!("projects/{PROJECT}/subscriptions/pawl"),
        });
        let bearer = format!("Bearer {token}");
        server
            .post_to("/v1/google/pubsub", &[("authorization", &bearer)], message.to_string().into_bytes())
            .await
    }

    async fn deliver(&self, server: &Server, token: &str, version: &str) -> Result<Answer> {
        let event = json!([{
            "id": format!("{:032x}", rand::random::<u128>()),
            "topic": "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/team",
            "subject": KEY,
            "eventType": "Microsoft.KeyVault.SecretNewVersionCreated",
            "eventTime": now().to_string(),
            "data": {
                "Id": format!("{VAULT}/secrets/{KEY}/{version}"), "VaultName": "team", "ObjectType": "Secret",
                "ObjectName": KEY, "Version": version, "NBF": null, "EXP": null,
            },
            "dataVersion": "1",
            "metadataVersion": "1",
        }]);
        let headers = [("x-pawl-token", token), ("content-type", "application/json")];
        server.post_to("/v1/azure/events", &headers, event.to_string().into_bytes()).await
    }

    /// Puts the credentials of Google's and Azure's stores into every cluster.
    fn furnish(&self, stage: &Stage) -> Result<()> {
        for cluster in stage.clusters() {
            for name in [NAMESPACE, CREDENTIALS] {
                let namespace =
                    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
                cluster.put(namespace)?;
            }
            for (name, entries) in [
                ("google", json!({ "key.json": self.google.key_file().to_string() })),
                ("azure", json!({ "id": CLIENT, "secret": SECRET })),
            ] {
                cluster.put(secret(name, &entries))?;
            }
        }
        Ok(())
    }
}

/// A Secret with these texts.
fn secret(name: &str, entries: &Value) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let packed = |text: &Value| STANDARD.encode(text.as_str().unwrap_or_default());
    let data: serde_json::Map<_, _> = entries
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.clone(), packed(text).into()))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": CREDENTIALS }, "data": data,
    })
}

/// A ClusterSecretStore and an ExternalSecret for each cloud.
pub fn manifests() -> String {
    let at = |name: &str, key: &str| json!({ "name": name, "key": key, "namespace": CREDENTIALS });
    let provider = |cloud: Cloud| match cloud {
        Cloud::Aws => json!({ "aws": { "service": "SecretsManager", "region": REGION } }),
        Cloud::Google => json!({ "gcpsm": {
            "projectID": PROJECT,
            "auth": { "secretRef": { "secretAccessKeySecretRef": at("google", "key.json") } },
        } }),
        Cloud::Azure => json!({ "azurekv": {
            "vaultUrl": VAULT,
            "tenantId": TENANT,
            "authType": "ServicePrincipal",
            "authSecretRef": { "clientId": at("azure", "id"), "clientSecret": at("azure", "secret") },
        } }),
    };
    let each = Cloud::ALL.map(|cloud| {
        let name = cloud.name();
        let store = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
            "metadata": { "name": name }, "spec": { "provider": provider(cloud) },
        });
        let reads = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": {
                "secretStoreRef": { "name": name, "kind": "ClusterSecretStore" },
                "refreshInterval": "1h",
                "data": [{ "secretKey": "password", "remoteRef": { "key": KEY } }],
            },
        });
        // YAML is a superset of JSON.
        format!("---\n{store}\n---\n{reads}\n")
    });
    each.concat()
}

/// Whether a cluster's Secret of this cloud holds this password.
pub fn holds(stage: &Stage, cluster: &str, cloud: Cloud, password: &str) -> bool {
    let value = stage.find(cluster).and_then(|it| it.secret_value(NAMESPACE, cloud.name(), "password"));
    value.as_deref() == Some(password.as_bytes())
}
