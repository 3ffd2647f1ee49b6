//! What Pawl is compared with: the same requests with the same client, and nothing around them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, stream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt;
use pawl_devcluster::DevCluster;
use pawl_domain::reconcile::field_manager;
use pawl_domain::{Declaration, SecretValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// What the adapter asks for as the answer to a write.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/// What the adapter keeps open to one cluster, and sends to it at the same time.
const CONNECTIONS: usize = 16;

/// Clients of clusters.
pub struct Bare {
    ways: BTreeMap<String, Way>,
}

/// A Secret that only the bare loop writes.
#[derive(Clone, Debug)]
pub struct Target {
    cluster: String,
    path: String,
    /// The version that the next patch is conditional on.
    version: String,
}

struct Way {
    send: Box<dyn Fn(Request<Full<Bytes>>) -> Sent + Send + Sync>,
    base: String,
    bearer: HeaderValue,
    permits: tokio::sync::Semaphore,
}

type Sent = Pin<Box<dyn Future<Output = Bytes> + Send>>;

impl Bare {
    /// A client for each of these clusters: HTTP/1.1 over rustls, with connections that are kept, as the adapter's.
    pub fn new(clusters: &[DevCluster]) -> Self {
        let way = |cluster: &DevCluster| (cluster.name().to_owned(), Way::to(cluster));
        Self { ways: clusters.iter().map(way).collect() }
    }

    /// The target of a declaration as it stands in these clusters.
    pub fn target(clusters: &[DevCluster], declaration: &Declaration) -> Target {
        let id = &declaration.id;
        let (namespace, name) = (id.namespace.as_str(), declaration.target.name.as_str());
        let cluster = clusters.iter().find(|it| it.name() == id.cluster.as_str()).unwrap();
        let stands = cluster.secret(namespace, name).unwrap();
        let manager = field_manager(id.name.as_str()).replace('/', "%2F");
        Target {
            cluster: cluster.name().to_owned(),
            path: format!("/api/v1/namespaces/{namespace}/secrets/{name}?fieldManager={manager}"),
            version: stands["metadata"]["resourceVersion"].as_str().unwrap().to_owned(),
        }
    }

    /// Replaces all data of these targets, each with one conditional JSON patch, so many at the same time.
    pub async fn replace(
        &self,
        targets: &mut [Target],
        data: &BTreeMap<String, SecretValue>,
        at_once: usize,
    ) {
        let hash = pawl_domain::hash::data_hash(data);
        let data: BTreeMap<&str, String> =
            data.iter().map(|(key, value)| (key.as_str(), STANDARD.encode(value.expose()))).collect();
        let patches = targets.iter_mut().map(|target| async {
            let way = &self.ways[&target.cluster];
            target.version = way.patch(target, &json!(data), &hash).await;
        });
        stream::iter(patches).buffer_unordered(at_once).for_each(async |()| {}).await;
    }
}

impl Way {
    fn to(cluster: &DevCluster) -> Self {
        let mut config = Config::new(cluster.url().parse().unwrap());
        let certificates = CertificateDer::pem_slice_iter(cluster.ca_pem().as_bytes());
        config.root_cert = Some(certificates.map(|der| der.unwrap().to_vec()).collect());
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = config.rustls_https_connector_with_connector(http).unwrap();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", cluster.token())).unwrap();
        bearer.set_sensitive(true);
        Self {
            send: sender(connector),
            base: cluster.url(),
            bearer,
            permits: tokio::sync::Semaphore::new(CONNECTIONS),
        }
    }

    async fn patch(&self, target: &Target, data: &Value, hash: &str) -> String {
        let patch = json!([
            { "op": "add", "path": "/metadata/resourceVersion", "value": target.version },
            { "op": "add", "path": "/data", "value": data },
            { "op": "add", "path": "/metadata/annotations/reconcile.external-secrets.io~1data-hash", "value": hash },
        ]);
        let request = Request::patch(format!("{}{}", self.base, target.path))
            .header(ACCEPT, METADATA)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(CONTENT_TYPE, "application/json-patch+json")
            .body(Full::from(patch.to_string()))
            .unwrap();
        let _permit = self.permits.acquire().await.unwrap();
        let answer: Value = serde_json::from_slice(&(self.send)(request).await).unwrap();
        answer["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }
}

/// Boxed, because the connector's type is not to be written.
fn sender<C: Connect + Clone + Send + Sync + 'static>(
    connector: C,
) -> Box<dyn Fn(Request<Full<Bytes>>) -> Sent + Send + Sync> {
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(CONNECTIONS).build(connector);
    Box::new(move |request| {
        let response = client.request(request);
        Box::pin(async move {
            let response = response.await.unwrap();
            assert!(response.status().is_success(), "the bare patch was answered with {}", response.status());
            response.into_body().collect().await.unwrap().to_bytes()
        })
    })
}
