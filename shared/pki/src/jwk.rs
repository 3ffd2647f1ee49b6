//! JSON Web Keys as PEM.
//!
//! RSA, EC (P-256, P-384, P-521) and OKP (Ed25519) are known. Base64 may be of either alphabet, with or without padding,
//! as in `jwx`. A key whose public part does not belong to its private one is refused.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::der::{self, strip_zeros};
use crate::key::elliptic::{Curve, EllipticKey};
use crate::key::rsa::{self, RsaKey};
use crate::key::{PrivateKey, ed25519_public, plain_algorithm};
use crate::{Error, check_size, oid, pem};

/// A public key as PEM `PUBLIC KEY`.
///
/// # Errors
/// [`Error::JwkPrivate`] if the JWK holds a private key; [`Error::Jwk`] if it is none or of another kind;
/// [`Error::TooLarge`].
pub fn public_key(json: &[u8]) -> Result<String, Error> {
    let members = Members::parse(json)?;
    let info = match members.kind()? {
        _ if members.is_private() => return Err(Error::JwkPrivate),
        Kind::Rsa => {
            let (modulus, exponent) = (members.bytes("n")?, members.bytes("e")?);
            if strip_zeros(&modulus).is_empty() || strip_zeros(&exponent).len() > 7 {
                return Err(Error::Jwk("the modulus or the exponent of the RSA key is out of range"));
            }
            rsa::public_info(&modulus, &exponent)
        }
        Kind::Elliptic => {
            let curve = members.curve()?;
            curve.public_info(&members.point(curve)?)
        }
        Kind::Ed25519 => {
            let key = members.bytes("x")?;
            if key.len() != 32 {
                return Err(Error::Jwk("the public key of Ed25519 does not have 32 bytes"));
            }
            der::sequence(&[&plain_algorithm(oid::ED25519), &der::bits(&key)])
        }
    };
    // PEM is ASCII.
    Ok(String::from_utf8_lossy(&pem::encode("PUBLIC KEY", &info)).into_owned())
}

/// A private key as PEM `PRIVATE KEY`, which is PKCS#8.
///
/// # Errors
/// [`Error::JwkPublic`] if the JWK holds a public key only; [`Error::Jwk`] and [`Error::Key`] if it is none, of another
/// kind, or if its parts do not belong together; [`Error::TooLarge`].
pub fn private_key(json: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let members = Members::parse(json)?;
    members.kind()?;
    if !members.is_private() {
        return Err(Error::JwkPublic);
    }
    Ok(pem::encode("PRIVATE KEY", &members.private_key()?.to_pkcs8()))
}

enum Kind {
    Rsa,
    Elliptic,
    Ed25519,
}

/// What the JSON object says; its texts are wiped.
struct Members(Map<String, Value>);

impl Drop for Members {
    fn drop(&mut self) {
        for member in self.0.values_mut() {
            if let Value::String(text) = member {
                text.zeroize();
            }
        }
    }
}

impl Members {
    fn parse(json: &[u8]) -> Result<Self, Error> {
        check_size("the JWK", json)?;
        // What follows the object does not matter, as in `jwx`.
        let object = serde_json::Deserializer::from_slice(json).into_iter().next().and_then(Result::ok);
        let members = object.map(Self).ok_or(Error::Jwk("it is not a JSON object"))?;
        let text = |name: &str| members.0.get(name).is_none_or(|value| value.is_string() || value.is_null());
        let texts = |name: &str| match members.0.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::Array(list)) => list.iter().all(|value| value.is_string() || value.is_null()),
            Some(_) => false,
        };
        let described = ["alg", "kid", "use", "x5t", "x5t#S256", "x5u"].into_iter().all(text);
        if described && texts("key_ops") && texts("x5c") {
            Ok(members)
        } else {
            Err(Error::Jwk("a member that describes the key is not of its type"))
        }
    }

    fn kind(&self) -> Result<Kind, Error> {
        match (self.text("kty")?, self.0.get("crv").and_then(Value::as_str)) {
            ("RSA", _) => Ok(Kind::Rsa),
            ("EC", _) => Ok(Kind::Elliptic),
            ("OKP", Some("Ed25519")) => Ok(Kind::Ed25519),
            ("OKP", _) => Err(Error::Jwk("of the kind OKP only Ed25519 has a PEM form here")),
            ("oct", _) => Err(Error::Jwk("a symmetric key has no PEM form")),
            _ => Err(Error::Jwk("kty is not RSA, EC or OKP")),
        }
    }

    fn is_private(&self) -> bool {
        self.0.contains_key("d")
    }

    fn private_key(&self) -> Result<PrivateKey, Error> {
        match self.kind()? {
            Kind::Rsa => self.rsa().map(PrivateKey::Rsa),
            Kind::Elliptic => {
                let curve = self.curve()?;
                let key = EllipticKey::new(curve, &self.bytes("d")?)?;
                if key.point() == self.point(curve)? {
                    Ok(PrivateKey::Elliptic(key))
                } else {
                    Err(Error::Jwk("x and y do not belong to d"))
                }
            }
            Kind::Ed25519 => {
                let seed = self.bytes("d")?;
                let seed = <[u8; 32]>::try_from(&**seed).map(Zeroizing::new);
                let seed = seed.map_err(|_| Error::Jwk("d does not have 32 bytes"))?;
                if ed25519_public(&*seed).is_some_and(|public| self.bytes("x").is_ok_and(|x| **x == public)) {
                    Ok(PrivateKey::Ed25519(seed))
                } else {
                    Err(Error::Jwk("x does not belong to d"))
                }
            }
        }
    }

    fn rsa(&self) -> Result<RsaKey, Error> {
        let optional = |name: &str| {
            let bytes = if self.0.contains_key(name) { Some(self.bytes(name)?) } else { None };
            Ok::<_, Error>(bytes.filter(|bytes| !bytes.is_empty()))
        };
        let (p, q) = (optional("p")?, optional("q")?);
        let (Some(p), Some(q)) = (&p, &q) else {
            return Err(Error::Jwk("an RSA key without its primes p and q has no PEM form"));
        };
        let remainders = [optional("dp")?, optional("dq")?, optional("qi")?];
        let remainders = remainders.each_ref().map(|number| number.as_ref().map(|bytes| &***bytes));
        RsaKey::new(&self.bytes("n")?, &self.bytes("e")?, &self.bytes("d")?, [p, q], remainders)
    }

    fn curve(&self) -> Result<&'static Curve, Error> {
        Curve::from_name(self.text("crv")?).ok_or(Error::Jwk("crv is not P-256, P-384 or P-521"))
    }

    fn point(&self, curve: &Curve) -> Result<Vec<u8>, Error> {
        curve
            .point(&self.bytes("x")?, &self.bytes("y")?)
            .ok_or(Error::Jwk("x and y are not a point of the curve"))
    }

    fn text(&self, name: &str) -> Result<&str, Error> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Null) => Ok(""),
            Some(_) => Err(Error::Jwk("a member that must be text is none")),
            None => Err(Error::Jwk("a member that its kind needs is missing")),
        }
    }

    /// A member's bytes, from Base64 of either alphabet.
    fn bytes(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let text = Zeroizing::new(self.text(name)?.replace(['\r', '\n'], ""));
        let alphabet = if text.contains(['+', '/']) { STANDARD } else { URL_SAFE };
        let padding = if text.ends_with('=') {
            DecodePaddingMode::RequireCanonical
        } else {
            DecodePaddingMode::RequireNone
        };
        let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        let engine = GeneralPurpose::new(&alphabet, config.with_decode_padding_mode(padding));
        engine.decode(&*text).map(Zeroizing::new).map_err(|_| Error::Jwk("a member is not Base64"))
    }
}
