//! The statement that a certificate's key signs to prove a client. Source: "Microsoft identity platform application
//! authentication certificate credentials".

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_pki::{Zeroizing, pem, pkcs12};
use serde::Serialize;

/// How the statement is signed and names its certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// PS256 and SHA-256, as Entra ID asks for.
    New,
    /// RS256 and SHA-1, which is all that Active Directory Federation Services know.
    Old,
}

#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(rename = "x5t", skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    /// The certificate itself: a client may be known by subject and issuer alone.
    x5c: [String; 1],
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Entra ID asks for five to ten minutes.
const LIFE_SECONDS: i64 = 600;

/// A statement for this audience that its bearer is the client, signed with the key of `file`: certificate and RSA key as PEM,
/// or as PKCS#12 without a password.
///
/// # Errors
/// What is wrong with the file, in words.
pub(super) fn statement(
    file: &SecretValue,
    client_id: &str,
    audience: &str,
    form: Form,
    now: Timestamp,
) -> Result<SecretValue, &'static str> {
    let (pair, certificate) = opened(file.expose())?;
    let print = |algorithm| Some(URL_SAFE_NO_PAD.encode(digest(algorithm, &certificate)));
    let x5c = [STANDARD.encode(&certificate)];
    let (header, encoding): (_, &'static dyn RsaEncoding) = match form {
        Form::New => {
            (Header { alg: "PS256", typ: "JWT", sha256: print(&SHA256), sha1: None, x5c }, &RSA_PSS_SHA256)
        }
        Form::Old => {
            let sha1 = print(&SHA1_FOR_LEGACY_USE_ONLY);
            (Header { alg: "RS256", typ: "JWT", sha256: None, sha1, x5c }, &RSA_PKCS1_SHA256)
        }
    };
    let now = now.as_second();
    let jti = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
    let claims = Claims {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti,
        iat: now,
        nbf: now,
        exp: now + LIFE_SECONDS,
    };
    let unsigned = format!("{}.{}", part(&header)?, part(&claims)?);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), unsigned.as_bytes(), &mut signature)
        .map_err(|_| "the key in clientCertificate cannot sign")?;
    Ok(SecretValue::new(format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn part(part: &impl Serialize) -> Result<String, &'static str> {
    let json = serde_json::to_vec(part).map_err(|_| "the statement cannot be written as JSON")?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The key, and the last certificate that is about it.
fn opened(file: &[u8]) -> Result<(RsaKeyPair, Vec<u8>), &'static str> {
    let (certificates, keys) = match pem::decode(file) {
        Some(_) => blocks(file),
        None => {
            let unreadable = |_| "clientCertificate is neither PEM nor PKCS#12 without a password";
            let key = pkcs12::private_key(file, b"").map_err(unreadable)?;
            let certificates = pkcs12::certificates(file, b"").map_err(unreadable)?;
            (blocks(&certificates).0, blocks(&key).1)
        }
    };
    let key = keys.last().ok_or("clientCertificate holds no private key")?;
    let pair = RsaKeyPair::from_pkcs8(key)
        .or_else(|_| RsaKeyPair::from_der(key))
        .map_err(|_| "the key in clientCertificate is no RSA key of 2048 to 8192 bits")?;
    if certificates.is_empty() {
        return Err("clientCertificate holds no certificate");
    }
    // A certificate holds the public key in just these bytes.
    let public = pair.public_key().as_ref();
    let is_about =
        |certificate: &Zeroizing<Vec<u8>>| certificate.windows(public.len()).any(|part| part == public);
    let certificate = certificates.iter().rfind(|certificate| is_about(certificate));
    let certificate = certificate.ok_or("the certificate in clientCertificate is not that of its key")?;
    Ok((pair, certificate.to_vec()))
}

type Contents = Vec<Zeroizing<Vec<u8>>>;

/// The contents of all blocks: certificates, and whatever else there is, which is taken for keys.
fn blocks(text: &[u8]) -> (Contents, Contents) {
    let (mut certificates, mut keys, mut rest) = (Contents::new(), Contents::new(), text);
    while let Some((block, behind)) = pem::decode(rest) {
        rest = behind;
        let kind = if block.label == b"CERTIFICATE" { &mut certificates } else { &mut keys };
        kind.push(block.content);
    }
    (certificates, keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use rcgen::{CertificateParams, KeyPair as Rcgen, PKCS_RSA_SHA256, RsaKeySize};
    use serde_json::{Value, json};

    struct Made {
        certificate: String,
        key: String,
        der: Vec<u8>,
    }

    fn made() -> Made {
        let key = Rcgen::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        Made { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    fn read(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    fn signed(file: &str, form: Form) -> Result<String, &'static str> {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let statement =
            statement(&SecretValue::new(file), "client", "https://login/t/oauth2/v2.0/token", form, now)?;
        Ok(statement.expose_str().unwrap().to_owned())
    }

    #[test]
    fn a_statement_names_client_and_certificate_and_is_signed() {
        let (one, other) = (made(), made());
        let public = RsaKeyPair::from_pkcs8(&pem::decode(one.key.as_bytes()).unwrap().0.content).unwrap();
        let public = public.public_key().as_ref().to_vec();
        for file in [
            format!("{}{}", one.certificate, one.key),
            format!("{}\n{}", one.key, one.certificate),
            // A chain: only one certificate is the key's.
            format!("{}{}{}", other.certificate, one.certificate, one.key),
            format!("{}{}{}", one.certificate, other.certificate, one.key),
        ] {
            for form in [Form::New, Form::Old] {
                let jwt = signed(&file, form).unwrap();
                let parts: Vec<&str> = jwt.split('.').collect();
                let x5c = json!([STANDARD.encode(&one.der)]);
                let print = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, &one.der));
                let header = match form {
                    Form::New => {
                        json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": print(&SHA256), "x5c": x5c })
                    }
                    Form::Old => {
                        json!({ "alg": "RS256", "typ": "JWT", "x5t": print(&SHA1_FOR_LEGACY_USE_ONLY), "x5c": x5c })
                    }
                };
                assert_eq!(read(parts[0]), header);
                let mut claims = read(parts[1]);
                let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
                assert_eq!(jti.as_str().unwrap().len(), 22);
                assert_eq!(
                    claims,
                    json!({
                        "aud": "https://login/t/oauth2/v2.0/token", "iss": "client", "sub": "client",
                        "iat": 1_800_000_000, "nbf": 1_800_000_000, "exp": 1_800_000_600,
                    })
                );
                let algorithm = match form {
                    Form::New => &RSA_PSS_2048_8192_SHA256,
                    Form::Old => &RSA_PKCS1_2048_8192_SHA256,
                };
                let message = format!("{}.{}", parts[0], parts[1]);
                let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
                UnparsedPublicKey::new(algorithm, &public).verify(message.as_bytes(), &signature).unwrap();
            }
        }
    }

    #[test]
    fn keys_and_files_of_other_forms_are_taken() {
        let one = made();
        let pkcs12 =
            pkcs12::key_store(one.certificate.as_bytes(), pkcs12::Include::All, one.key.as_bytes(), b"");
        let file = SecretValue::new(pkcs12.unwrap());
        let now = Timestamp::UNIX_EPOCH;
        statement(&file, "client", "aud", Form::New, now).unwrap();
    }

    #[test]
    fn what_cannot_be_used_is_told_and_never_quoted() {
        let (one, other) = (made(), made());
        let elliptic = Rcgen::generate().unwrap().serialize_pem();
        for (file, want) in [
            ("hunter2".to_owned(), "clientCertificate is neither PEM nor PKCS#12 without a password"),
            (one.certificate.clone(), "clientCertificate holds no private key"),
            (one.key.clone(), "clientCertificate holds no certificate"),
            (
                format!("{}{elliptic}", one.certificate),
                "the key in clientCertificate is no RSA key of 2048 to 8192 bits",
            ),
            (
                format!("{}{}", other.certificate, one.key),
                "the certificate in clientCertificate is not that of its key",
            ),
        ] {
            assert_eq!(signed(&file, Form::New), Err(want));
        }
    }
}
