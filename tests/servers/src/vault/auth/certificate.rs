use super::{Answered, Login, Method, Result};
use crate::vault::{
    call::{Call, field},
    kv::Ask,
    reply::Refusal,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::collections::BTreeMap;

impl Method {
    /// The certificate of the TLS handshake, or of a proxy's header `x-forwarded-client-cert` (DER in base64), which the double always trusts.
    /// A role's `certificate` is the client's own or the authority that signed it; names in it are not looked at.
    pub(super) fn certificate_login(&self, ask: &Ask<'_>, call: &Call) -> Result {
        let header = call.headers.get("x-forwarded-client-cert").and_then(|value| value.to_str().ok());
        let forwarded = header.and_then(|value| BASE64_STANDARD.decode(value).ok()).map(|leaf| vec![leaf]);
        let shown = call.peer.certificates.clone().or(forwarded);
        let shown = shown.ok_or_else(|| Refusal::said("no client certificate found"))?;
        let wanted = field(ask.data, "name");
        let mut roles = self.roles.iter().filter(|(name, _)| wanted.is_empty() || *name == wanted);
        let found =
            roles.find(|(_, role)| der(role.text("certificate")).is_some_and(|role| shown.contains(&role)));
        let refused = || {
            Refusal::login(
                400,
                "invalid certificate or no client certificate supplied",
                "invalid credentials",
            )
        };
        let (name, role) = found.ok_or_else(refused)?;
        Ok(Answered::login(Login {
            name: Some(name.clone()),
            metadata: BTreeMap::from([("cert_name".to_owned(), name.clone())]),
            role: role.token(),
            alias: name.clone(),
        }))
    }
}

/// The first certificate of a PEM text.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
