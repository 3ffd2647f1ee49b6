//! `spec.provider.azurekv` of a store.
//!
//! Source of fields, defaults and rules: ESO's Azure provider, version 2.9. What ESO says when a store is used, because its
//! webhook does not look, is said here when it is applied.

use super::Setting;
use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::grant::Origin;
use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore, Backend, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let use_azure_sdk = fields.flag("useAzureSDK");
    let cloud = cloud(&mut fields, use_azure_sdk);
    let authority = authority(&mut fields, use_azure_sdk);
    if cloud == AzureCloud::Stack && !fields.has("customCloudConfig") {
        fields.error("customCloudConfig", "is missing; AzureStackCloud needs its activeDirectoryEndpoint");
    }
    let vault_url = vault_url(&mut fields, cloud, authority.is_some());
    let auth = auth(&mut fields, references, use_azure_sdk);
    // Which of a machine's identities is meant; there are none here.
    fields.without_effect(&["identityId"]);
    fields.close();
    Some(AzureKvStore { vault_url: vault_url?, cloud, authority, auth: auth?, use_azure_sdk }.into())
}

fn cloud(fields: &mut Fields<'_>, use_azure_sdk: bool) -> AzureCloud {
    let known = [
        ("PublicCloud", AzureCloud::Public),
        ("USGovernmentCloud", AzureCloud::UsGovernment),
        ("ChinaCloud", AzureCloud::China),
        ("GermanCloud", AzureCloud::German),
        ("AzureStackCloud", AzureCloud::Stack),
    ];
    let cloud = fields.choice("environmentType", &known).unwrap_or(AzureCloud::Public);
    match cloud {
        AzureCloud::German if use_azure_sdk => {
            fields.error(
                "environmentType",
                "GermanCloud was closed in 2021, and useAzureSDK refuses it; write another",
            );
        }
        AzureCloud::German => {
            let path = fields.path_of("environmentType");
            fields.notes().warning(path, "GermanCloud was closed in 2021; its vaults are gone");
        }
        _ => {}
    }
    cloud
}

/// `customCloudConfig`, of which ESO reads nothing else.
fn authority(fields: &mut Fields<'_>, use_azure_sdk: bool) -> Option<String> {
    let mut config = fields.object("customCloudConfig")?;
    if !use_azure_sdk {
        config.notes().error(config.path(), "needs useAzureSDK: true; write it, or leave this out");
    }
    let authority = config
        .required("activeDirectoryEndpoint", "where tokens are asked for, such as https://login.example.com");
    let encrypted = authority.is_none_or(|url| is_safe(&mut config, "activeDirectoryEndpoint", url));
    config.without_effect(&["keyVaultEndpoint", "keyVaultDNSSuffix", "resourceManagerEndpoint"]);
    config.close();
    authority.filter(|_| encrypted).map(str::to_owned)
}

fn vault_url(fields: &mut Fields<'_>, cloud: AzureCloud, is_custom: bool) -> Option<String> {
    let url = fields.required("vaultUrl", "the vault's address, such as https://team.vault.azure.net")?;
    if !is_safe(fields, "vaultUrl", url) {
        return None;
    }
    let host = Origin::of(url).map(|origin| origin.host).unwrap_or_default();
    let domain = cloud.vault_domain().filter(|_| !is_custom);
    let inside = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if let Some(domain) = domain.filter(|domain| !inside(domain)) {
        let path = fields.path_of("vaultUrl");
        let message = format!(
            "is no vault of this environmentType, whose hosts end with .{domain}; it is shown the token"
        );
        fields.notes().warning(path, message);
    }
    Some(url.to_owned())
}

/// Whether a token may travel to this address; notes why not.
fn is_safe(fields: &mut Fields<'_>, field: &'static str, url: &str) -> bool {
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => return true,
        Some(Way::Plain) => {
            fields.error(field, "is not encrypted, so others on the way could read the token; write https");
        }
        None => fields.error(field, "is not a URL; write it as https://<host>"),
    }
    false
}

#[derive(Clone, Copy, PartialEq)]
enum AuthType {
    ServicePrincipal,
    ManagedIdentity,
    WorkloadIdentity,
}

/// `authSecretRef`.
#[derive(Default)]
struct Secrets {
    given: bool,
    client_id: Option<SecretKeyRef>,
    tenant_id: Option<SecretKeyRef>,
    client_secret: Option<SecretKeyRef>,
    client_certificate: Option<SecretKeyRef>,
}

fn auth(fields: &mut Fields<'_>, references: References<'_>, use_azure_sdk: bool) -> Option<AzureAuth> {
    let types = [
        ("ServicePrincipal", AuthType::ServicePrincipal),
        ("ManagedIdentity", AuthType::ManagedIdentity),
        ("WorkloadIdentity", AuthType::WorkloadIdentity),
    ];
    let kind = match fields.has("authType") {
        true => fields.choice("authType", &types),
        false => Some(AuthType::ServicePrincipal),
    };
    let tenant = fields.filled("tenantId").map(str::to_owned);
    let secrets = secrets(fields, references);
    let account = fields.object("serviceAccountRef").map(|inner| references.service_account(inner));
    match kind? {
        AuthType::ServicePrincipal => service_principal(fields, tenant, secrets?),
        AuthType::ManagedIdentity => {
            fields.error(
                "authType",
                "ManagedIdentity exists only on machines of Azure, and Pawl runs on none; write WorkloadIdentity with \
                 serviceAccountRef, or ServicePrincipal",
            );
            None
        }
        AuthType::WorkloadIdentity => {
            let Some(account) = account else {
                fields.error(
                    "serviceAccountRef",
                    "is missing; write the service account that Entra ID trusts: Pawl runs outside of the cluster and has \
                     no token of a pod",
                );
                return None;
            };
            let Secrets { given, mut client_id, tenant_id: mut tenant_ref, .. } = secrets?;
            match (given, use_azure_sdk) {
                (true, true) => {
                    let path = fields.path_of("authSecretRef");
                    let message = "has no effect with useAzureSDK; annotate the service account, or leave useAzureSDK out";
                    fields.notes().warning(path, message);
                    (client_id, tenant_ref) = (None, None);
                }
                (true, false) if client_id.is_none() => {
                    fields
                        .error("authSecretRef.clientId", "is missing; write it, or leave authSecretRef out");
                }
                _ => {}
            }
            let account = account?;
            let (name, namespace, audiences) = (account.name, account.namespace, account.audiences);
            Some(AzureAuth::ServiceAccount { name, namespace, audiences, client_id, tenant_ref, tenant })
        }
    }
}

fn service_principal(fields: &mut Fields<'_>, tenant: Option<String>, secrets: Secrets) -> Option<AzureAuth> {
    if tenant.is_none() {
        fields.error("tenantId", "is missing; write the tenant that the service principal is in");
    }
    let Secrets { given, client_id, client_secret, client_certificate, .. } = secrets;
    if !given {
        fields.error(
            "authSecretRef",
            "is missing; write clientId, and clientSecret or clientCertificate, in it",
        );
        return None;
    }
    if client_id.is_none() {
        fields.error("authSecretRef.clientId", "is missing; write name and key of a Secret");
    }
    match (client_secret, client_certificate) {
        (Some(client_secret), None) => {
            Some(AzureAuth::Secret { tenant: tenant?, client_id: client_id?, client_secret })
        }
        (None, Some(certificate)) => {
            Some(AzureAuth::Certificate { tenant: tenant?, client_id: client_id?, certificate })
        }
        (Some(_), Some(_)) => {
            fields
                .error("authSecretRef.clientCertificate", "does not go with clientSecret; write one of them");
            None
        }
        (None, None) => {
            let message = "is missing, and clientCertificate too; write one of them";
            fields.error("authSecretRef.clientSecret", message);
            None
        }
    }
}

/// Nothing where one of them is wrong.
fn secrets(fields: &mut Fields<'_>, references: References<'_>) -> Option<Secrets> {
    let Some(mut inner) = fields.object("authSecretRef") else { return Some(Secrets::default()) };
    let mut read = |field| match inner.object(field) {
        Some(at) => references.secret_key(at, None).map(Some),
        None => Some(None),
    };
    let [client_id, tenant_id, client_secret, client_certificate] =
        ["clientId", "tenantId", "clientSecret", "clientCertificate"].map(&mut read);
    inner.close();
    Some(Secrets {
        given: true,
        client_id: client_id?,
        tenant_id: tenant_id?,
        client_secret: client_secret?,
        client_certificate: client_certificate?,
    })
}
