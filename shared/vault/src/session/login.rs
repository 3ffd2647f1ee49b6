//! Logs in by each auth method.
//!
//! Source: ESO's Vault provider for fields and order, Vault's API for paths and bodies.

use super::gcp;
use super::proofs::Proofs;
use crate::answer::{self, Auth};
use crate::call::refused;
use crate::link::{Ask, Link};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::store::{
    AwsAuth, AwsService, AwsStore, RoleId, SessionTagsPolicy, VaultAuth, VaultIamAuth, VaultStore,
};
use pawl_domain::{Access, Grant, Kind, SecretValue};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error, Question};
use pawl_stores::kit::Call;
use serde::Serialize;
use std::collections::BTreeMap;

/// A login that only needs to be sent.
pub(super) struct Request {
    path: String,
    body: SecretValue,
}

impl Request {
    pub(super) async fn send(&self, store: &VaultStore, link: &Link, call: &Call<'_>) -> Result<Auth, Error> {
        let ask = Ask { namespace: namespace(store), ..Ask::post(&self.path, &self.body) };
        let reply = link.send(call, &ask).await?;
        // A login has no answer of nothing: the method is not there.
        match reply.status.is_success() {
            true => answer::auth(call, &reply),
            false => Err(refused(call, &reply, &self.path)),
        }
    }
}

/// Where the store logs in, for messages.
pub(super) fn place(store: &VaultStore) -> String {
    let Some(auth) = &store.auth else { return "connection".to_owned() };
    match mount(auth) {
        Some(mount) => format!("login at auth/{}", mount.trim_matches('/')),
        None => "token".to_owned(),
    }
}

/// The namespace that the store logs in at.
pub(super) fn namespace(store: &VaultStore) -> Option<&str> {
    match store.auth_namespace.as_deref() {
        Some(named) => Some(named.trim_matches('/')).filter(|named| !named.is_empty()),
        None => store.key_namespace(),
    }
}

/// Reads what the method needs and makes its login.
pub(super) async fn request<C: ClusterCredentials, A: CallerIdentity>(
    proofs: &Proofs<'_, C>,
    auth: &VaultAuth,
    aws: &A,
    now: Timestamp,
    call: &Call<'_>,
) -> Result<Request, Error> {
    let body = match auth {
        VaultAuth::Token(_) => return Err(call.error(Kind::Invalid, "a token is no login")),
        VaultAuth::AppRole { role_id, secret_id, .. } => {
            let role_id = match role_id {
                RoleId::Given(id) => id.trim().to_owned(),
                RoleId::Secret(at) => proofs.read.text(at).await?,
            };
            json(call, &AppRole { role_id: &role_id, secret_id: &proofs.read.text(secret_id).await? })
        }
        VaultAuth::Kubernetes { role, proof, .. } => {
            json(call, &Jwt { role, jwt: &proofs.token(proof).await? })
        }
        VaultAuth::Jwt { role, proof, .. } => {
            let role = role.as_deref().unwrap_or_default().trim();
            json(call, &Jwt { role, jwt: &proofs.token(proof).await? })
        }
        VaultAuth::Ldap { password, .. } | VaultAuth::UserPass { password, .. } => {
            json(call, &Password { password: &proofs.read.text(password).await? })
        }
        VaultAuth::Cert { role, .. } => json(call, &Certificate { name: role.as_deref() }),
        VaultAuth::Iam(iam) => {
            let server = &proofs.store.server;
            let shows = proofs.read.access.grant.shows_identity || proofs.options.allow_own_identity(server);
            if iam.identity == AwsAuth::Ambient && !shows {
                let what = "iam without secretRef or jwt would show Pawl's own AWS identity to this server; name an identity \
                            of the store's, or let the operator add the server to PAWL_VAULT_IAM_SERVERS";
                return Err(call.error(Kind::Invalid, what));
            }
            let headers = iam.server_id.iter().map(|id| (SERVER_ID.to_owned(), id.clone())).collect();
            let signed = aws
                .signed_caller_identity(&aws_access(proofs.read.access, iam), &headers, Question::Body)
                .await?;
            let headers: BTreeMap<&str, [&str; 1]> = signed
                .headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), [value.expose_str()?])))
                .collect();
            let headers = json(call, &headers)?;
            json(
                call,
                &Iam {
                    role: &iam.vault_role,
                    iam_http_request_method: "POST",
                    iam_request_url: STANDARD.encode(&signed.url),
                    iam_request_headers: STANDARD.encode(headers.expose()),
                    iam_request_body: STANDARD.encode(&signed.body),
                },
            )
        }
        VaultAuth::Gcp(gcp) => {
            let Some(key) = &gcp.key else {
                let what = "gcp without secretRef asks the machine for its identity, and Pawl runs on none of Google's; \
                            name a service account key in secretRef, or use jwt";
                return Err(call.error(Kind::Invalid, what));
            };
            let jwt = gcp::statement(&proofs.read.secret(key).await?, &gcp.role, now);
            let jwt = jwt.map_err(|what| call.error(Kind::Invalid, what))?;
            json(call, &Jwt { role: &gcp.role, jwt: jwt.expose_str().unwrap_or_default() })
        }
    }?;
    let mount = mount(auth).unwrap_or_default().trim_matches('/');
    let path = match auth {
        VaultAuth::Ldap { username, .. } | VaultAuth::UserPass { username, .. } => {
            let username = username.trim();
            if username.contains('/') {
                return Err(call.error(Kind::Invalid, "the username has a slash in it; correct it"));
            }
            format!("auth/{mount}/login/{username}")
        }
        _ => format!("auth/{mount}/login"),
    };
    Ok(Request { path, body })
}

/// The signed header that a server may demand, so that a login cannot be shown to another one.
const SERVER_ID: &str = "X-Vault-AWS-IAM-Server-ID";

#[derive(Serialize)]
struct AppRole<'a> {
    role_id: &'a str,
    secret_id: &'a str,
}

#[derive(Serialize)]
struct Jwt<'a> {
    role: &'a str,
    jwt: &'a str,
}

#[derive(Serialize)]
struct Password<'a> {
    password: &'a str,
}

#[derive(Serialize)]
struct Certificate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Iam<'a> {
    role: &'a str,
    iam_http_request_method: &'static str,
    iam_request_url: String,
    iam_request_headers: String,
    iam_request_body: String,
}

fn json(call: &Call<'_>, body: &impl Serialize) -> Result<SecretValue, Error> {
    let text = serde_json::to_vec(body);
    text.map(SecretValue::new).map_err(|_| call.error(Kind::Invalid, "the login cannot be written as JSON"))
}

/// The mount of the auth method; a token has none.
fn mount(auth: &VaultAuth) -> Option<&str> {
    match auth {
        VaultAuth::Token(_) => None,
        VaultAuth::AppRole { path, .. }
        | VaultAuth::Kubernetes { path, .. }
        | VaultAuth::Ldap { path, .. }
        | VaultAuth::UserPass { path, .. }
        | VaultAuth::Jwt { path, .. }
        | VaultAuth::Cert { path, .. } => Some(path),
        VaultAuth::Iam(iam) => Some(&iam.path),
        VaultAuth::Gcp(gcp) => Some(&gcp.path),
    }
}

/// The AWS identity of an `iam` login, as one that a store of AWS could have.
fn aws_access(access: &Access, iam: &VaultIamAuth) -> Access {
    let named = match &iam.identity {
        AwsAuth::Ambient => None,
        AwsAuth::Static { access_key_id, .. } => access_key_id.namespace.clone(),
        AwsAuth::ServiceAccount { namespace, .. } => namespace.clone(),
    };
    let store = AwsStore {
        // Either would do: nothing is read.
        service: AwsService::SecretsManager,
        region: iam.region.clone(),
        auth: iam.identity.clone(),
        role: iam.role.clone(),
        additional_roles: Vec::new(),
        external_id: iam.external_id.clone(),
        session_tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        session_tags_policy: SessionTagsPolicy::None,
        prefix: None,
        max_retries: None,
    };
    Access {
        backend: store.into(),
        cluster: access.cluster.clone(),
        namespace: named.or_else(|| access.namespace.clone()),
        tags: access.tags.clone(),
        grant: Grant::default(),
    }
}
