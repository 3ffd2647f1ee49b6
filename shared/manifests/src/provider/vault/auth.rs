//! `auth` of a store of Vault: one module for all methods, for the first that is given counts.

use crate::provider::aws;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{
    AwsAuth, ClientCertificate, RoleId, SecretKeyRef, VaultAuth, VaultGcpAuth, VaultIamAuth, VaultProof,
};
use std::time::Duration;

/// How long a service account's token lives that is made for a login.
const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// The shortest that Kubernetes makes.
const SHORTEST_LIFETIME: u32 = 600;

/// How a token is had, and where.
pub(in crate::provider) struct Auth {
    pub(in crate::provider) method: Option<VaultAuth>,
    pub(in crate::provider) namespace: Option<String>,
}

type Method = fn(Fields<'_>, References<'_>) -> Option<VaultAuth>;

/// In ESO's order: of several methods the first is used.
const METHODS: [(&str, Method); 9] = [
    ("tokenSecretRef", token),
    ("appRole", app_role),
    ("kubernetes", kubernetes),
    ("ldap", ldap),
    ("userPass", user_pass),
    ("jwt", jwt),
    ("cert", cert),
    ("iam", iam),
    ("gcp", gcp),
];

pub(super) fn read(mut fields: Fields<'_>, references: References<'_>) -> Auth {
    let namespace = fields.filled("namespace").map(str::to_owned);
    let given: Vec<_> = METHODS.into_iter().filter(|(field, _)| fields.has(field)).collect();
    match &given[..] {
        [] => {
            let names = METHODS.map(|(field, _)| field).join(", ");
            let message = format!("must have exactly one of {names}, found none");
            fields.notes().error(fields.path(), message);
        }
        [(first, _), others @ ..] => {
            for (field, _) in others {
                let message = format!("has no effect: {first} comes first; remove one of them");
                fields.notes().warning(fields.path_of(field), message);
            }
        }
    }
    let method = given
        .first()
        .and_then(|(field, method)| fields.object(field).and_then(|inner| method(inner, references)));
    fields.close();
    Auth { method, namespace }
}

pub(in crate::provider) fn token(fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    references.secret_key(fields, None).map(VaultAuth::Token)
}

/// `roleId` counts before `roleRef`.
fn app_role(fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    role(fields, references, |fields| {
        let path = fields.path_of("roleRef");
        fields.notes().warning(path, "has no effect: roleId comes first; remove one of them");
    })
}

/// A role and its secret id; `both` says what it means that both `roleId` and `roleRef` name it.
pub(in crate::provider) fn role(
    mut fields: Fields<'_>,
    references: References<'_>,
    both: fn(&mut Fields<'_>),
) -> Option<VaultAuth> {
    let path = mount(&mut fields, "path", "approle");
    let role_id = fields.filled("roleId").map(str::to_owned);
    let role_ref = fields.object("roleRef").map(|inner| references.secret_key(inner, None));
    let secret_id = references.required(&mut fields, "secretRef");
    match (&role_id, &role_ref) {
        (None, None) => fields.error("roleId", "is missing; write it, or write where it stands as roleRef"),
        (Some(_), Some(_)) => both(&mut fields),
        _ => {}
    }
    fields.close();
    let role_id = match role_id {
        Some(role_id) => RoleId::Given(role_id),
        None => RoleId::Secret(role_ref??),
    };
    Some(VaultAuth::AppRole { path, role_id, secret_id: secret_id? })
}

fn kubernetes(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let path = mount(&mut fields, "mountPath", "kubernetes");
    let role = fields.required("role", "the role in Vault").map(str::to_owned);
    let account = fields.object("serviceAccountRef").map(|inner| {
        let account = references.service_account(inner)?;
        let (name, namespace, audiences) = (account.name, account.namespace, account.audiences);
        Some(VaultProof::ServiceAccount { name, namespace, audiences, lifetime: Some(TOKEN_LIFETIME) })
    });
    let secret = fields.object("secretRef").map(|inner| references.secret_key(inner, Some("token")));
    if account.is_none() && secret.is_none() {
        fields.error(
            "serviceAccountRef",
            "is missing, and secretRef too; write one of them: Pawl runs outside of the cluster and has no token of a pod",
        );
    }
    fields.close();
    let proof = account.or(secret.map(|secret| secret.map(VaultProof::Secret)));
    Some(VaultAuth::Kubernetes { path, role: role?, proof: proof?? })
}

fn ldap(fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let (path, username, password) = password(fields, "ldap", references)?;
    Some(VaultAuth::Ldap { path, username, password })
}

pub(in crate::provider) fn user_pass(fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let (path, username, password) = password(fields, "userpass", references)?;
    Some(VaultAuth::UserPass { path, username, password })
}

fn password(
    mut fields: Fields<'_>,
    default: &str,
    references: References<'_>,
) -> Option<(String, String, SecretKeyRef)> {
    let path = mount(&mut fields, "path", default);
    let username = fields.required("username", "the user").map(str::to_owned);
    let password = references.required(&mut fields, "secretRef");
    fields.close();
    Some((path, username?, password?))
}

/// A token in a Secret counts before one that is made.
fn jwt(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let path = mount(&mut fields, "path", "jwt");
    let role = fields.text("role").map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned);
    let secret = fields.object("secretRef").map(|inner| references.secret_key(inner, None));
    let made =
        fields.object("kubernetesServiceAccountToken").map(|inner| service_account_token(inner, references));
    if secret.is_none() && made.is_none() {
        let message = "is missing, and kubernetesServiceAccountToken too; write one of them";
        fields.error("secretRef", message);
    }
    fields.close();
    let proof = secret.map(|secret| secret.map(VaultProof::Secret)).or(made);
    Some(VaultAuth::Jwt { path, role, proof: proof?? })
}

fn service_account_token(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultProof> {
    if !fields.has("serviceAccountRef") {
        fields.error("serviceAccountRef", "is missing; write the service account's name");
    }
    let account = fields.object("serviceAccountRef").and_then(|fields| references.service_account(fields));
    let further = if fields.has("audiences") { fields.texts("audiences") } else { vec!["vault".to_owned()] };
    let seconds = fields.count("expirationSeconds");
    if seconds.is_some_and(|seconds| seconds < SHORTEST_LIFETIME) {
        let message = "is too short: Kubernetes makes no tokens for less than 600 seconds";
        fields.error("expirationSeconds", message);
    }
    fields.close();
    let account = account?;
    Some(VaultProof::ServiceAccount {
        name: account.name,
        namespace: account.namespace,
        audiences: account.audiences.into_iter().chain(further).collect(),
        lifetime: Some(seconds.map_or(TOKEN_LIFETIME, |seconds| Duration::from_secs(seconds.into()))),
    })
}

fn cert(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let path = mount(&mut fields, "path", "cert");
    let role = fields.filled("vaultRole").map(str::to_owned);
    let certificate = references.required(&mut fields, "clientCert");
    let key = references.required(&mut fields, "secretRef");
    fields.close();
    let certificate = ClientCertificate { certificate: certificate?, key: key? };
    Some(VaultAuth::Cert { path, role, certificate })
}

/// A service account's token counts before static keys; without either, the identity that Pawl runs with is used.
fn iam(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let path = mount(&mut fields, "path", "aws");
    let region = fields.filled("region").unwrap_or("us-east-1").to_owned();
    let vault_role = fields.required("vaultRole", "the role in Vault").map(str::to_owned);
    let role = fields.filled("role").map(str::to_owned);
    let external_id = fields.filled("externalID").map(str::to_owned);
    let server_id = fields.filled("vaultAwsIamServerID").map(str::to_owned);
    let identity = aws::identity(&mut fields, references).unwrap_or(Some(AwsAuth::Ambient));
    fields.close();
    let (vault_role, identity) = (vault_role?, identity?);
    Some(VaultAuth::Iam(VaultIamAuth { path, region, vault_role, role, external_id, server_id, identity }))
}

fn gcp(mut fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    let path = mount(&mut fields, "path", "gcp");
    let role = fields.required("role", "the role in Vault").map(str::to_owned);
    fields.unsupported("workloadIdentity");
    if fields.has("serviceAccountRef") {
        let message = "has no effect, as in ESO: the identity that Pawl runs with is used";
        fields.notes().warning(fields.path_of("serviceAccountRef"), message);
    }
    // They only name what the key itself names as well.
    fields.without_effect(&["projectID", "location"]);
    let key = fields.object("secretRef").map(|mut inner| {
        let key = references.required(&mut inner, "secretAccessKeySecretRef");
        inner.close();
        key
    });
    fields.close();
    let key = match key {
        Some(key) => Some(key?),
        None => None,
    };
    Some(VaultAuth::Gcp(VaultGcpAuth { path, role: role?, key }))
}

/// The mount of an auth method, without slashes around it.
fn mount(fields: &mut Fields<'_>, field: &'static str, default: &str) -> String {
    let path = fields.filled(field).map(|path| path.trim_matches('/')).filter(|path| !path.is_empty());
    path.unwrap_or(default).to_owned()
}
