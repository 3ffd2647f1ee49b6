//! The way to an API server, and who asks it: `server`, `auth` and `authRef`.

use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::Provider;
use crate::store::spec::{Claims, Identity};
use crate::store::{CaProvider, ClientCertificate, SecretKeyRef};
use serde::{Deserialize, Serialize};

/// The way to an API server, and who asks it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum KubernetesApi {
    /// `server` and `auth`.
    Server {
        /// Which server.
        server: ApiServer,
        /// What proves the identity.
        auth: ApiAuth,
    },
    /// `authRef`: both stand in a kubeconfig, in a Secret.
    Kubeconfig(SecretKeyRef),
}

/// An API server.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ApiServer {
    /// That of the cluster which the declaration is for. Its address and CA are those under which Pawl knows the cluster.
    Own,
    /// One by its address.
    At {
        /// The address, a URL without a slash at its end.
        url: String,
        /// CA certificates as PEM, `caBundle`.
        ca_bundle: Option<String>,
        /// CA certificates in the target cluster.
        ca_provider: Option<CaProvider>,
    },
}

/// What proves an identity to an API server.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ApiAuth {
    /// `token.bearerToken`.
    Token(SecretKeyRef),
    /// `cert`.
    Certificate(ClientCertificate),
    /// `serviceAccount`: a token of a service account of the target cluster, made for this.
    ServiceAccount {
        /// The service account.
        name: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// The token's audiences; none means the API server that makes it.
        audiences: Vec<String>,
    },
}

impl KubernetesApi {
    /// Where keys are. The account of a server that the manifest does not name, nobody tells but the store itself.
    pub(crate) fn location(&self, provider: Provider) -> Location {
        Location { provider, region: String::new(), account: self.address().map(str::to_ascii_lowercase) }
    }

    /// The namespaces of the Secrets and service accounts that the connection needs; `None` is the declaration's.
    pub(crate) fn proofs(&self) -> Vec<Option<&Namespace>> {
        let (server, auth) = match self {
            Self::Kubeconfig(at) => return vec![at.namespace.as_ref()],
            Self::Server { server, auth } => (server, auth),
        };
        let mut proofs = match auth {
            ApiAuth::Token(at) => vec![at.namespace.as_ref()],
            ApiAuth::Certificate(ClientCertificate { certificate, key }) => {
                vec![certificate.namespace.as_ref(), key.namespace.as_ref()]
            }
            ApiAuth::ServiceAccount { namespace, .. } => vec![namespace.as_ref()],
        };
        if let ApiServer::At {
            ca_bundle: None,
            ca_provider: Some(CaProvider::Secret(at) | CaProvider::ConfigMap(at)),
            ..
        } = server
        {
            proofs.push(at.namespace.as_ref());
        }
        proofs
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        match self {
            Self::Server { .. } => Identity::Own,
            Self::Kubeconfig(_) => Identity::OwnWithServer,
        }
    }

    pub(crate) fn claims(&self) -> Claims<'_> {
        Claims {
            region: None,
            server: self.address(),
            authority: None,
            headers: None,
            values: None,
            is_refused: false,
        }
    }

    /// The address, where the manifest names one.
    fn address(&self) -> Option<&str> {
        match self {
            Self::Server { server: ApiServer::At { url, .. }, .. } => Some(url),
            Self::Server { server: ApiServer::Own, .. } | Self::Kubeconfig(_) => None,
        }
    }
}
