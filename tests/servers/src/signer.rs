//! A key that tokens are signed with, as issuers of OpenID Connect sign and show theirs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An RSA key of 2048 bits. Whatever cannot be made is `None`.
#[derive(Debug)]
pub struct Signer(RsaKeyPair);

impl Signer {
    /// A new key.
    pub fn generate() -> Option<Self> {
        RsaKeyPair::generate(KeySize::Rsa2048).ok().map(Self)
    }

    /// The public key, as a set of keys (RFC 7517) has it.
    pub fn key(&self, id: &str) -> Value {
        let der = self.0.public_key().as_ref();
        // PKCS#1: at this size the modulus stands behind nine bytes, and before the exponent 65537.
        let modulus = URL_SAFE_NO_PAD.encode(der.get(9..265).unwrap_or_default());
        json!({ "kid": id, "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB" })
    }

    /// A token of this header and these claims, signed by RS256 whatever the header says.
    pub fn token(&self, header: &Value, claims: &Value) -> Option<String> {
        let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let unsigned = format!("{}.{}", text(header), text(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature).ok()?;
        Some(format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
