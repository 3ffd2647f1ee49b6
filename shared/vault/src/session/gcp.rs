//! The signed statement that Google's service accounts log in with: a JWT under their own key.
//!
//! Source: Vault's `gcp` auth method, logins of type `iam`: subject is the service account, audience `vault/<role>`, and the
//! end is at most fifteen minutes away. Vault looks the key up at Google by its id.

use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_stores::kit::{Unsigned, rs256};
use serde::{Deserialize, Serialize};

/// Less than the fifteen minutes that Vault allows, for clocks that differ.
const LIFE_SECONDS: i64 = 600;

/// The parts of a service account's key file that matter here.
#[derive(Deserialize)]
struct KeyFile<'a> {
    client_email: &'a str,
    private_key_id: &'a str,
    private_key: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: String,
    iat: i64,
    exp: i64,
}

/// A statement for this role, signed with the key of this file.
///
/// # Errors
/// What is wrong with the file, in words.
pub(super) fn statement(
    key_file: &SecretValue,
    role: &str,
    now: Timestamp,
) -> Result<SecretValue, &'static str> {
    let file: KeyFile<'_> = serde_json::from_slice(key_file.expose())
        .map_err(|_| "secretRef holds no service account key in JSON")?;
    let now = now.as_second();
    let claims = Claims {
        iss: file.client_email,
        sub: file.client_email,
        aud: format!("vault/{role}"),
        iat: now,
        exp: now + LIFE_SECONDS,
    };
    rs256(file.private_key_id, &file.private_key, &claims).map_err(|unsigned| match unsigned {
        Unsigned::NotPem => "the private_key in secretRef is not PEM",
        Unsigned::NotRsa => "the private_key in secretRef is no RSA key",
        Unsigned::Unable => "the private_key in secretRef cannot sign",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    #[test]
    fn a_statement_names_account_role_and_time_and_is_signed() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let file = SecretValue::new(key_file(&pem(&pair)).to_string());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let jwt = statement(&file, "reader", now).unwrap();

        let parts: Vec<_> = jwt.expose_str().unwrap().split('.').collect();
        let read =
            |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(read(parts[0]), json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
        let account = "app@shop.iam.gserviceaccount.com";
        assert_eq!(
            read(parts[1]),
            json!({ "iss": account, "sub": account, "aud": "vault/reader", "iat": 1_800_000_000, "exp": 1_800_000_600 })
        );
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        public.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).unwrap();
    }

    #[test]
    fn files_that_are_no_keys_are_told_apart_and_never_quoted() {
        let now = Timestamp::UNIX_EPOCH;
        for (file, want) in [
            ("hunter2".to_owned(), "secretRef holds no service account key in JSON"),
            (key_file("hunter2").to_string(), "the private_key in secretRef is not PEM"),
            (
                key_file("-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n")
                    .to_string(),
                "the private_key in secretRef is no RSA key",
            ),
        ] {
            assert_eq!(statement(&SecretValue::new(file), "reader", now).unwrap_err(), want);
        }
    }

    fn key_file(private_key: &str) -> Value {
        json!({
            "type": "service_account",
            "client_email": "app@shop.iam.gserviceaccount.com",
            "private_key_id": "key-1",
            "private_key": private_key,
        })
    }

    fn pem(pair: &RsaKeyPair) -> String {
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }
}
