//! `spec.provider.gcpsm` of a store.
//!
//! Source of fields, defaults and rules: ESO's GCP provider, version 2.9. What ESO asks the metadata server of its machine
//! must be written out: Pawl runs on none of Google's.

use super::Setting;
use crate::address::Way;
use crate::reader::Fields;
use crate::references::{self, References};
use pawl_domain::store::{
    Backend, GcpAuth, GcpCluster, GcpFederation, GcpServiceAccount, GcpStore, GcpSubject, SecretKeyRef,
    is_region,
};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let project = fields.filled("projectID").map(str::to_owned);
    let location = fields.filled("location").map(str::to_owned);
    if location.as_deref().is_some_and(|location| !is_region(location)) {
        fields.error("location", "is none; write one such as europe-west3");
    }
    let policies = [("LatestOrFail", false), ("LatestOrFetch", true)];
    let falls_back = fields.choice("secretVersionSelectionPolicy", &policies).unwrap_or_default();
    let auth = identity(&mut fields, references);
    let of_cluster = match &auth {
        Some(GcpAuth::WorkloadIdentity { cluster, .. }) => Some(cluster.project.clone()),
        _ => None,
    };
    let project = project.or(of_cluster);
    if project.is_none() {
        fields.error("projectID", "is missing; write the project that the secrets are in");
    }
    fields.close();
    Some(GcpStore { project: project?, location, falls_back, auth: auth? }.into())
}

/// `auth`.
pub(crate) fn identity(fields: &mut Fields<'_>, references: References<'_>) -> Option<GcpAuth> {
    fields.present("auth", NO_AUTH).and_then(|auth| read_auth(auth, references))
}

type Method = fn(Fields<'_>, References<'_>) -> Option<GcpAuth>;

/// In ESO's order: of several methods the first is used.
const METHODS: [(&str, Method); 3] =
    [("secretRef", key), ("workloadIdentity", workload_identity), ("workloadIdentityFederation", federation)];

/// What is said where nothing proves an identity.
const NO_AUTH: &str = "names no identity, and Pawl has none of Google's: ESO would take the one of the machine that it runs on; \
                       write secretRef, workloadIdentity or workloadIdentityFederation";

fn read_auth(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpAuth> {
    let given: Vec<_> = METHODS.into_iter().filter(|(field, _)| fields.has(field)).collect();
    match &given[..] {
        [] => fields.notes().error(fields.path(), NO_AUTH),
        [(first, _), others @ ..] => {
            for (field, _) in others {
                let message = format!("has no effect: {first} comes first; remove one of them");
                fields.notes().warning(fields.path_of(field), message);
            }
        }
    }
    let method = given.first().and_then(|(field, method)| Some((fields.object(field)?, method)));
    fields.close();
    method.and_then(|(inner, method)| method(inner, references))
}

fn key(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpAuth> {
    let key = references.required(&mut fields, "secretAccessKeySecretRef");
    fields.close();
    key.map(GcpAuth::Key)
}

fn workload_identity(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpAuth> {
    let account = service_account(&mut fields, references);
    let mut part = |field| {
        let what = "it: Pawl runs outside of the cluster and has no metadata server to ask";
        fields.required(field, what).map(str::to_owned)
    };
    let cluster = (part("clusterProjectID"), part("clusterLocation"), part("clusterName"));
    fields.close();
    let cluster = GcpCluster { project: cluster.0?, location: cluster.1?, name: cluster.2? };
    Some(GcpAuth::WorkloadIdentity { account: account?, cluster })
}

fn service_account(fields: &mut Fields<'_>, references: References<'_>) -> Option<GcpServiceAccount> {
    if !fields.has("serviceAccountRef") {
        fields.error("serviceAccountRef", "is missing; write the service account's name");
    }
    let found = references.service_account(fields.object("serviceAccountRef")?)?;
    Some(GcpServiceAccount { name: found.name, namespace: found.namespace, audiences: found.audiences })
}

fn federation(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpAuth> {
    let audience = fields.filled("audience").map(str::to_owned);
    let token_endpoint = fields.filled("externalTokenEndpoint").map(str::to_owned);
    let service_account = email(&mut fields);
    let subject = match fields.exactly_one(&["credConfig", "serviceAccountRef", "awsSecurityCredentials"]) {
        Some("credConfig") => fields.object("credConfig").and_then(|inner| config_map(inner, references)),
        Some("serviceAccountRef") => {
            needs_audience(&mut fields, audience.as_ref());
            self::service_account(&mut fields, references).map(GcpSubject::ServiceAccount)
        }
        Some(_) => {
            needs_audience(&mut fields, audience.as_ref());
            fields.object("awsSecurityCredentials").and_then(|inner| aws(inner, references))
        }
        None => None,
    };
    match (token_endpoint.as_deref(), &subject) {
        (Some(_), Some(GcpSubject::ServiceAccount(_) | GcpSubject::Aws { .. })) => {
            let path = fields.path_of("externalTokenEndpoint");
            fields.notes().warning(path, "has no effect without credConfig; leave it out");
        }
        (Some(url), _) if !matches!(Way::to(url), Some(Way::Encrypted | Way::Loopback)) => {
            fields.error("externalTokenEndpoint", "is no URL of https; write it as https://<host>/<path>");
        }
        _ => {}
    }
    fields.close();
    let configured = matches!(subject, Some(GcpSubject::Configured(_)));
    let token_endpoint = token_endpoint.filter(|_| configured);
    Some(GcpAuth::Federation(GcpFederation { subject: subject?, audience, token_endpoint, service_account }))
}

fn needs_audience(fields: &mut Fields<'_>, audience: Option<&String>) {
    if audience.is_none() {
        let what = "is missing; write the full name of the provider of the workload identity pool: \
                    //iam.googleapis.com/projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>";
        fields.error("audience", what);
    }
}

/// Source: the pattern of ESO's schema, `^.*@.*\.iam\.gserviceaccount\.com$`.
fn email(fields: &mut Fields<'_>) -> Option<String> {
    let email = fields.text("gcpServiceAccountEmail")?;
    let fits = email.strip_suffix(".iam.gserviceaccount.com").is_some_and(|name| name.contains('@'));
    if !fits {
        let what = "is none; write it as <name>@<project>.iam.gserviceaccount.com";
        fields.error("gcpServiceAccountEmail", what);
    }
    fits.then(|| email.to_owned())
}

fn config_map(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpSubject> {
    let name = references::name(&mut fields, "the ConfigMap's name");
    let key = fields.data_key("key", "the key in the ConfigMap").map(str::to_owned);
    let namespace = references.namespace(&mut fields);
    fields.close();
    Some(GcpSubject::Configured(SecretKeyRef { name: name?, key: key?, namespace }))
}

fn aws(mut fields: Fields<'_>, references: References<'_>) -> Option<GcpSubject> {
    let region = fields.required("region", "the region of AWS, such as eu-central-1").map(str::to_owned);
    if region.as_deref().is_some_and(|region| !is_region(region)) {
        fields.error("region", "is none; write one such as eu-central-1");
    }
    if !fields.has("awsCredentialsSecretRef") {
        fields
            .error("awsCredentialsSecretRef", "is missing; write the name of a Secret with the keys of AWS");
    }
    let secret = fields.object("awsCredentialsSecretRef").and_then(|mut inner| {
        let name = references::name(&mut inner, "the Secret's name");
        let namespace = references.namespace(&mut inner);
        inner.close();
        Some((name?, namespace))
    });
    fields.close();
    let (secret, namespace) = secret?;
    Some(GcpSubject::Aws { region: region?, secret, namespace })
}
