//! `spec` of an ACRAccessToken.

use crate::reader::Fields;
use crate::references::References;
use pawl_domain::generator::AcrGenerator;
use pawl_domain::grant::Origin;
use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore};

pub(super) fn read(spec: &mut Fields<'_>) -> Option<AcrGenerator> {
    let cloud = cloud(spec);
    let registry = registry(spec, cloud);
    let tenant = spec.filled("tenantId").map(str::to_owned);
    let scope = spec.filled("scope").map(str::to_owned);
    let auth = spec.present("auth", "is missing; write servicePrincipal or workloadIdentity in it");
    let named = auth.as_ref().is_some_and(|auth| auth.names().any(|name| name == PRINCIPAL));
    if named && tenant.is_none() {
        spec.error("tenantId", "is missing; write the tenant that the service principal is in");
    }
    let auth = auth.and_then(|auth| identity(auth, tenant.as_deref().unwrap_or_default()));
    let registry = registry?;
    let server = AzureKvStore {
        vault_url: format!("https://{registry}"),
        cloud,
        authority: None,
        auth: auth?,
        use_azure_sdk: false,
    };
    Some(AcrGenerator { server, registry, tenant: tenant.unwrap_or_default(), scope })
}

fn cloud(spec: &mut Fields<'_>) -> AzureCloud {
    let known = [
        ("PublicCloud", AzureCloud::Public),
        ("USGovernmentCloud", AzureCloud::UsGovernment),
        ("ChinaCloud", AzureCloud::China),
        ("GermanCloud", AzureCloud::German),
        ("AzureStackCloud", AzureCloud::Stack),
    ];
    let cloud = spec.choice("environmentType", &known).unwrap_or(AzureCloud::Public);
    match cloud {
        AzureCloud::German => spec.error("environmentType", "GermanCloud was closed in 2021; write another"),
        AzureCloud::Stack => {
            spec.error(
                "environmentType",
                "AzureStackCloud says nothing of where tokens are had; write another",
            );
        }
        AzureCloud::Public | AzureCloud::UsGovernment | AzureCloud::China => {}
    }
    cloud
}

fn registry(spec: &mut Fields<'_>, cloud: AzureCloud) -> Option<String> {
    let registry = spec.required("registry", "the registry's host, such as team.azurecr.io")?;
    let origin = Origin::of(&format!("https://{registry}"));
    let Some(Origin { host, .. }) = origin.filter(|_| !registry.contains(['/', '@', '?', '#', '\\'])) else {
        spec.error("registry", "is no host; write it without a scheme and a path, such as team.azurecr.io");
        return None;
    };
    let inside = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if let Some(domain) = AcrGenerator::domain(cloud).filter(|domain| !inside(domain)) {
        let message = format!(
            "is no registry of this environmentType, whose hosts end with .{domain}; it is shown the identity's token"
        );
        spec.notes().warning(spec.path_of("registry"), message);
    }
    Some(registry.to_owned())
}

const PRINCIPAL: &str = "servicePrincipal";

type Method = fn(Fields<'_>, &str) -> Option<AzureAuth>;

/// In ESO's order: of several methods the first is used.
const METHODS: [(&str, Method); 3] =
    [(PRINCIPAL, principal), ("managedIdentity", managed), ("workloadIdentity", workload)];

fn identity(mut auth: Fields<'_>, tenant: &str) -> Option<AzureAuth> {
    let given: Vec<_> = METHODS.into_iter().filter(|(field, _)| auth.has(field)).collect();
    match &given[..] {
        [] => {
            let message = "names no identity; write servicePrincipal or workloadIdentity";
            auth.notes().error(auth.path(), message);
        }
        [(first, _), others @ ..] => {
            for (field, _) in others {
                let message = format!("has no effect: {first} comes first; remove one of them");
                auth.notes().warning(auth.path_of(field), message);
            }
        }
    }
    let method = given.first().and_then(|(field, method)| Some((auth.object(field)?, method)));
    auth.close();
    method.and_then(|(inner, method)| method(inner, tenant))
}

fn principal(mut fields: Fields<'_>, tenant: &str) -> Option<AzureAuth> {
    let secrets = fields.present("secretRef", "is missing; write clientId and clientSecret in it");
    fields.close();
    let mut secrets = secrets?;
    let client_id = References::Generator.required(&mut secrets, "clientId");
    let client_secret = References::Generator.required(&mut secrets, "clientSecret");
    secrets.close();
    let (client_id, client_secret) = (client_id?, client_secret?);
    Some(AzureAuth::Secret { tenant: tenant.to_owned(), client_id, client_secret })
}

fn managed(fields: Fields<'_>, _: &str) -> Option<AzureAuth> {
    let message = "exists only on machines of Azure, and Pawl runs on none; write workloadIdentity with \
                   serviceAccountRef, or servicePrincipal";
    fields.notes().error(fields.path(), message);
    None
}

fn workload(mut fields: Fields<'_>, _: &str) -> Option<AzureAuth> {
    let account = fields.present(
        "serviceAccountRef",
        "is missing; write the service account that Entra ID trusts: Pawl runs outside of the cluster and has no token \
         of a pod",
    );
    fields.close();
    let account = References::Generator.service_account(account?)?;
    let (name, namespace, audiences) = (account.name, account.namespace, account.audiences);
    Some(AzureAuth::ServiceAccount {
        name,
        namespace,
        audiences,
        client_id: None,
        tenant_ref: None,
        tenant: None,
    })
}
