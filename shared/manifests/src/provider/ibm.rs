//! `spec.provider.ibm` of a store.
//!
//! Source of fields, defaults and rules: ESO's IBM provider, version 2.9. Its token of a container stands in a file of the pod,
//! and Pawl has none: `containerAuth.serviceAccountRef` is Pawl's own and names the account whose token it would be.

use super::Setting;
use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, IbmAuth, IbmStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = fields.required(
        "serviceUrl",
        "the instance's address, such as https://<id>.<region>.secrets-manager.appdomain.cloud",
    );
    let url = url.map(str::to_owned);
    check(&mut fields, "serviceUrl", url.as_deref());
    if !fields.has("auth") {
        fields.error("auth", "is missing; write secretRef or containerAuth in it");
    }
    let auth = fields.object("auth").and_then(|mut auth| {
        let method = auth.exactly_one(&["secretRef", "containerAuth"]);
        let inner = method.and_then(|method| auth.object(method));
        auth.close();
        let mut inner = inner?;
        let iam = inner.filled("iamEndpoint").unwrap_or(IAM).to_owned();
        check(&mut inner, "iamEndpoint", Some(&iam));
        let auth = match method? {
            "secretRef" => api_key(&mut inner, references),
            _ => profile(&mut inner, references),
        };
        inner.close();
        Some((iam, auth?))
    });
    fields.close();
    let (iam, auth) = auth?;
    Some(IbmStore { url: url?, iam, auth }.into())
}

const IAM: &str = "https://iam.cloud.ibm.com";

fn check(fields: &mut Fields<'_>, field: &'static str, url: Option<&str>) {
    match url.map(Way::to) {
        None | Some(Some(Way::Encrypted | Way::Loopback)) => {}
        Some(Some(Way::Plain)) => {
            fields.error(field, "is not encrypted, so others on the way could read secrets; write https");
        }
        Some(None) => fields.error(field, "is not a URL; write it as https://<host>"),
    }
}

fn api_key(fields: &mut Fields<'_>, references: References<'_>) -> Option<IbmAuth> {
    let key = references.required(fields, "secretApiKeySecretRef");
    if references.must_name_namespaces() && key.as_ref().is_some_and(|key| key.namespace.is_none()) {
        let what = "is missing; a ClusterSecretStore has none of its own, so write it";
        fields.error("secretApiKeySecretRef.namespace", what);
    }
    key.map(IbmAuth::ApiKey)
}

fn profile(fields: &mut Fields<'_>, references: References<'_>) -> Option<IbmAuth> {
    let profile = fields.required("profile", "the name of the trusted profile").map(str::to_owned);
    if fields.has("tokenLocation") {
        let message = "has no effect: it is a file of ESO's pod; serviceAccountRef says whose token is shown";
        fields.notes().warning(fields.path_of("tokenLocation"), message);
    }
    if !fields.has("serviceAccountRef") {
        let what = "is missing: ESO shows the token of its own pod, and Pawl has none; name the service account that the \
                    trusted profile takes, or write secretRef in place of containerAuth";
        fields.error("serviceAccountRef", what);
    }
    let account = fields.object("serviceAccountRef").and_then(|fields| references.service_account(fields))?;
    // As IBM's page says of the file of a pod.
    let audiences = if account.audiences.is_empty() { vec!["iam".to_owned()] } else { account.audiences };
    Some(IbmAuth::Profile {
        profile: profile?,
        account: account.name,
        namespace: account.namespace,
        audiences,
    })
}
