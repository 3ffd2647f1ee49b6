//! `spec.provider.kubernetes` of a store, and the way to an API server, which `spec.provider.crd` has as well.
//!
//! Source of fields, defaults and rules: ESO's Kubernetes provider, version 2.9.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::Namespace;
use pawl_domain::store::{
    ApiAuth, ApiServer, Backend, ClientCertificate, KubernetesApi, KubernetesStore, SecretKeyRef,
};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let api = api(&mut fields, setting);
    let remote_namespace = match fields.has("remoteNamespace") {
        true => {
            fields.required("remoteNamespace", "a namespace").and_then(|_| fields.name("remoteNamespace"))
        }
        // A namespace of this name is in every cluster.
        false => "default".parse::<Namespace>().ok(),
    };
    fields.close();
    Some(KubernetesStore { api: api?, remote_namespace: remote_namespace? }.into())
}

/// The way to the API server: `server` and `auth`, or `authRef`.
pub(super) fn api(fields: &mut Fields<'_>, setting: Setting<'_>) -> Option<KubernetesApi> {
    let references = References::Store(setting.own);
    let given = (fields.has("server"), fields.has("auth"), fields.has("authRef"));
    match given {
        (_, true, true) => {
            fields.error("authRef", "does not go with auth; write one of them");
            return None;
        }
        (_, false, false) => {
            fields.error(
                "auth",
                "is missing; write one of cert, token, serviceAccount in it, or write authRef",
            );
            return None;
        }
        (has_server, false, true) => {
            if has_server {
                fields.notes().warning(
                    fields.path_of("server"),
                    "has no effect, for the kubeconfig of authRef says where the server is; leave it out",
                );
            }
            let at = fields.object("authRef").and_then(|fields| references.secret_key(fields, None));
            return Some(KubernetesApi::Kubeconfig(at?));
        }
        (_, true, false) => {}
    }
    let server = match fields.object("server") {
        Some(fields) => server(fields, references),
        None => Some(ApiServer::Own),
    };
    let auth = fields.object("auth").and_then(|fields| auth(fields, references));
    Some(KubernetesApi::Server { server: server?, auth: auth? })
}

/// The names under which every cluster knows its own API server.
const OWN: [&str; 2] = ["kubernetes.default", "kubernetes.default.svc"];

fn server(mut fields: Fields<'_>, references: References<'_>) -> Option<ApiServer> {
    let given = fields.filled("url").unwrap_or(OWN[0]);
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    let url = match given.contains("://") {
        true => given.to_owned(),
        false => format!("https://{given}"),
    };
    let way = Way::to(&url);
    let url = url.trim_end_matches('/').to_owned();
    let server = match way {
        Some(Way::Encrypted) if is_own(&url) => Some(ApiServer::Own),
        Some(Way::Encrypted | Way::Loopback) => Some(ApiServer::At { url, ca_bundle, ca_provider }),
        Some(Way::Plain) => {
            fields.error("url", "is not encrypted, so others on the way could read the token; write https");
            None
        }
        None => {
            fields.error("url", "is not a URL; write it as https://<host>");
            None
        }
    };
    fields.close();
    server
}

/// Whether a URL of https leads to the API server of whatever cluster it is looked up in.
fn is_own(url: &str) -> bool {
    let Some((_, place)) = url.split_once("://") else { return false };
    let host = place.strip_suffix(":443").unwrap_or(place).to_ascii_lowercase();
    OWN.contains(&host.as_str()) || host.strip_prefix("kubernetes.default.svc.").is_some_and(is_domain)
}

/// The domain of a cluster may have any name.
fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn auth(mut fields: Fields<'_>, references: References<'_>) -> Option<ApiAuth> {
    let auth = match fields.exactly_one(&["cert", "token", "serviceAccount"])? {
        "cert" => fields.object("cert").and_then(|mut cert| {
            let certificate = placed(&mut cert, "clientCert", references);
            let key = references.required(&mut cert, "clientKey");
            cert.close();
            Some(ApiAuth::Certificate(ClientCertificate { certificate: certificate?, key: key? }))
        }),
        "token" => fields.object("token").and_then(|mut token| {
            let bearer = placed(&mut token, "bearerToken", references);
            token.close();
            Some(ApiAuth::Token(bearer?))
        }),
        _ => fields.object("serviceAccount").and_then(|fields| references.service_account(fields)).map(
            |account| ApiAuth::ServiceAccount {
                name: account.name,
                namespace: account.namespace,
                audiences: account.audiences,
            },
        ),
    };
    fields.close();
    auth
}

/// A key of a Secret whose namespace a ClusterSecretStore must name.
fn placed(fields: &mut Fields<'_>, field: &'static str, references: References<'_>) -> Option<SecretKeyRef> {
    let at = references.required(fields, field)?;
    if references.must_name_namespaces() && at.namespace.is_none() {
        let what = "is missing; a ClusterSecretStore has none of its own, so write it";
        fields.error(&format!("{field}.namespace"), what);
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn a_cluster_knows_its_own_server_by_some_names() {
        for (url, own) in [
            ("https://kubernetes.default", true),
            ("https://kubernetes.default:443", true),
            ("https://Kubernetes.Default.svc", true),
            ("https://kubernetes.default.svc.cluster.local", true),
            ("https://kubernetes.default.svc.corp.example:443", true),
            ("https://kubernetes.default.svc.", false),
            ("https://kubernetes.default:6443", false),
            ("https://kubernetes.default/path", false),
            ("https://kubernetes", false),
            ("https://kubernetes.default.example.com", false),
            ("https://kubernetes.default.svc.a@b", false),
            ("https://api.example.com", false),
        ] {
            assert_eq!(is_own(url), own, "{url}");
        }
    }
}
