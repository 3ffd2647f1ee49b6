//! CA certificates that stand in a manifest, or where a manifest says.

use super::reader::Fields;
use super::references::{self, References};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{CaProvider, SecretKeyRef};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Certificates as PEM. EKS, kubeconfigs and ESO's `caBundle` show the base64 of it, so that is taken as well.
pub(super) fn authorities(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let text = fields.filled(field)?;
    let Some(pem) = pem(text) else {
        fields.error(field, "is not a certificate; write it as PEM, or as the base64 of PEM");
        return None;
    };
    if let Err(reason) = check(&pem) {
        fields.error(field, format!("holds no usable certificate: {reason}"));
        return None;
    }
    Some(pem)
}

/// Where certificates stand in the cluster, `caProvider`.
pub(super) fn provider(fields: &mut Fields<'_>, references: References<'_>) -> Option<CaProvider> {
    let mut fields = fields.object("caProvider")?;
    let secret = fields.required_choice("type", &[("Secret", true), ("ConfigMap", false)]);
    let name = references::name(&mut fields, "the object's name");
    let key = fields.data_key("key", "the key in the object's data").map(str::to_owned);
    let namespace = references.namespace(&mut fields);
    if references.must_name_namespaces() && namespace.is_none() {
        fields.error("namespace", "is missing; a ClusterSecretStore has none of its own, so write it");
    }
    fields.close();
    let at = SecretKeyRef { name: name?, key: key?, namespace };
    Some(if secret? { CaProvider::Secret(at) } else { CaProvider::ConfigMap(at) })
}

const MARK: &str = "-----BEGIN CERTIFICATE-----";

/// The text itself, or what is packed in it: at most twice, as when the bytes of a `caBundle` are base64 themselves.
fn pem(text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..2 {
        if text.contains(MARK) {
            break;
        }
        let packed: String = text.split_whitespace().collect();
        text = String::from_utf8(STANDARD.decode(packed).ok()?).ok()?;
    }
    text.contains(MARK).then_some(text)
}

/// Whether each certificate can be trusted as far as its form goes; connections are made with the same reader.
fn check(pem: &str) -> Result<(), String> {
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        webpki::anchor_from_trusted_cert(&certificate)
            .map_err(|_| "a block in it is no X.509 certificate")?;
    }
    Ok(())
}
