//! `spec.provider.beyondtrust` of a store.
//!
//! Source of fields, defaults and rules: ESO's BeyondTrust provider, version 2.9, and BeyondTrust's client, version 1.3. Keys
//! and secrets that stand in the manifest are refused: the registry would hold them unencrypted.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{
    Backend, BeyondtrustAuth, BeyondtrustCertificate, BeyondtrustKeys, BeyondtrustStore,
};

/// What every address of the API has in it.
const API: &str = "/BeyondTrust/api/public/v";

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let named: served::Reference<'_> = &|fields, field| references.required(fields, field);
    let auth = served::within(&mut fields, "auth", |auth| {
        let proof = proof(auth, named);
        let certificate = certificate(auth, named);
        Some((proof?, certificate))
    });
    if !fields.has("server") {
        fields.error("server", "is missing; write apiUrl and verifyCA in it");
    }
    let mut server = fields.object("server")?;
    let api_url = url(&mut server);
    let api_version = server.filled("apiVersion").map(str::to_owned);
    if api_version.as_deref().is_some_and(|version| version.chars().count() != 3) {
        server.error("apiVersion", "is no version of the API; write one such as 3.1, or leave it out");
    }
    let is_of_secrets =
        server.filled("retrievalType").is_some_and(|kind| kind.eq_ignore_ascii_case("SECRET"));
    let decrypts = !server.has("decrypt") || server.flag("decrypt");
    let keys = match (is_of_secrets, decrypts) {
        (true, true) => BeyondtrustKeys::Secrets,
        (true, false) => BeyondtrustKeys::Encrypted,
        (false, _) => BeyondtrustKeys::ManagedAccounts,
    };
    let separator = server.filled("separator").unwrap_or("/").to_owned();
    verified(&mut server);
    if server.count("clientTimeOutSeconds").is_some_and(|seconds| seconds > 300) {
        server.error("clientTimeOutSeconds", "is more than 300; leave it out, for Pawl has times of its own");
    }
    server.close();
    fields.close();
    let (auth, certificate) = auth?;
    Some(BeyondtrustStore { api_url: api_url?, api_version, keys, separator, auth, certificate }.into())
}

fn url(server: &mut Fields<'_>) -> Option<String> {
    let url = served::url(server, "apiUrl", None)?;
    if !url.contains(API) {
        server.error("apiUrl", format!("is no address of the API; write https://<host>{API}3"));
    }
    Some(url)
}

fn verified(server: &mut Fields<'_>) {
    if !server.has("verifyCA") {
        server.error("verifyCA", "is missing; write true");
    } else if !server.flag("verifyCA") {
        let what = "is not served: whoever is on the way could read everything; write true, and give the server a certificate \
                    that this machine trusts";
        server.error("verifyCA", what);
    }
}

/// In ESO an API key counts before a client.
fn proof(auth: &mut Fields<'_>, named: served::Reference<'_>) -> Option<BeyondtrustAuth> {
    if auth.has("apiKey") {
        auth.without_effect(&["clientId", "clientSecret"]);
        return served::secret(auth, "apiKey", named).map(BeyondtrustAuth::ApiKey);
    }
    if !auth.has("clientId") && !auth.has("clientSecret") {
        let path = auth.path().to_owned();
        auth.notes().error(path, "proves no identity; write apiKey, or clientId and clientSecret");
        return None;
    }
    let id = served::given(auth, "clientId", named);
    let secret = served::secret(auth, "clientSecret", named);
    Some(BeyondtrustAuth::Client { id: id?, secret: secret? })
}

/// In ESO one without the other has no effect, and nobody is told.
fn certificate(auth: &mut Fields<'_>, named: served::Reference<'_>) -> Option<BeyondtrustCertificate> {
    let half = match (auth.has("certificate"), auth.has("certificateKey")) {
        (true, true) => None,
        (true, false) => Some(("certificate", "certificateKey")),
        (false, true) => Some(("certificateKey", "certificate")),
        (false, false) => return None,
    };
    if let Some((field, other)) = half {
        let what = format!("has no effect without {other}; write both, or leave it out");
        auth.notes().warning(auth.path_of(field), what);
        return None;
    }
    let certificate = served::given(auth, "certificate", named);
    let key = served::secret(auth, "certificateKey", named);
    Some(BeyondtrustCertificate { certificate: certificate?, key: key? })
}
