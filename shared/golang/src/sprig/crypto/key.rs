//! Private keys: made, read from PEM, written as PEM in the form that Go uses for their kind.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};

use super::der::{self, Reader};
use super::{Row, dsa, pem, row};
use crate::sprig::args::text;
use crate::value::Type::Str;
use crate::value::{FuncError, Value};

/// The price of `genPrivateKey`. A budget has room for one of the largest keys, and for nothing else that takes long: how
/// long it takes to find its primes is a matter of luck, from a third of a second to three.
pub(super) fn price(a: &[Value]) -> u64 {
    match text(a, 0) {
        b"" | b"rsa" | b"dsa" => 6_000_000,
        b"ecdsa" => 4_000,
        b"ed25519" => 1_000,
        _ => 0,
    }
}

pub(super) const TABLE: &[Row] = &[row("genPrivateKey", &[Str], 0, |_, a| match text(a, 0) {
    b"" | b"rsa" => Ok(PrivateKey::rsa(KeySize::Rsa4096)?.to_pem().into()),
    b"ecdsa" => Ok(PrivateKey::p256()?.to_pem().into()),
    b"ed25519" => Ok(PrivateKey::ed25519()?.to_pem().into()),
    b"dsa" => Ok(pem::encode("DSA PRIVATE KEY", &dsa::generate()?).into()),
    kind => Ok([b"Unknown type ", kind].concat().into()),
})];

pub(super) const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const RSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11];
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

/// A curve with what its signatures are called.
struct Curve {
    oid: &'static [u8],
    signature: &'static [u8],
    algorithm: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        oid: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7],
        signature: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2],
        algorithm: &ECDSA_P256_SHA256_ASN1_SIGNING,
    },
    Curve {
        oid: &[0x2B, 0x81, 4, 0, 0x22],
        signature: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3],
        algorithm: &ECDSA_P384_SHA384_ASN1_SIGNING,
    },
    Curve {
        oid: &[0x2B, 0x81, 4, 0, 0x23],
        signature: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4],
        algorithm: &ECDSA_P521_SHA512_ASN1_SIGNING,
    },
];

pub(super) enum PrivateKey {
    /// The pair and its PKCS#1 form.
    Rsa(signature::RsaKeyPair, Vec<u8>),
    Ec(EcdsaKeyPair, &'static [u8]),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    pub(super) fn rsa(size: KeySize) -> Result<Self, FuncError> {
        let pair = signature::RsaKeyPair::generate(size).map_err(failed)?;
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?;
        let inner = pkcs8_parts(pkcs8.as_ref()).map(|(_, _, inner)| inner.to_vec());
        Ok(Self::Rsa(pair, inner.ok_or_else(|| failed(()))?))
    }

    fn p256() -> Result<Self, FuncError> {
        Ok(Self::Ec(EcdsaKeyPair::generate(CURVES[0].algorithm).map_err(failed)?, CURVES[0].oid))
    }

    fn ed25519() -> Result<Self, FuncError> {
        Ok(Self::Ed25519(Ed25519KeyPair::generate().map_err(failed)?))
    }

    /// Reads the first PEM block: PKCS#8, PKCS#1 or SEC 1.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, FuncError> {
        let (label, der) = pem::decode(text).ok_or_else(|| FuncError::new("no PEM data in input"))?;
        let (key, form) = match label.as_str() {
            "PRIVATE KEY" => (Self::from_pkcs8(&der), "PKCS#8"),
            "RSA PRIVATE KEY" => (Self::from_pkcs1(&der), "RSA"),
            "EC PRIVATE KEY" => (Self::from_sec1(&der, None), "EC"),
            label if label.ends_with(" PRIVATE KEY") => {
                return Err(FuncError::new(format!("invalid private key type {label}")));
            }
            _ => return Err(FuncError::new("no private key data in PEM block")),
        };
        key.ok_or_else(|| {
            FuncError::new(format!("parsing {form} private key from PEM: not a key that can be used"))
        })
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (algorithm, parameter, inner) = pkcs8_parts(der)?;
        match algorithm {
            RSA => Self::from_pkcs1(inner),
            EC => Self::from_sec1(inner, parameter),
            ED25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519),
            _ => None,
        }
    }

    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        Some(Self::Rsa(signature::RsaKeyPair::from_der(der).ok()?, der.to_vec()))
    }

    /// The curve stands in the key itself, or around it.
    fn from_sec1(der: &[u8], curve: Option<&[u8]>) -> Option<Self> {
        let mut key = Reader(Reader(der).take(der::SEQUENCE)?);
        key.take(der::INTEGER)?;
        key.take(der::OCTET_STRING)?;
        let own = key.take(0xA0).and_then(|parameters| Reader(parameters).take(der::OID));
        let oid = own.or(curve)?;
        let curve = CURVES.iter().find(|curve| curve.oid == oid)?;
        EcdsaKeyPair::from_private_key_der(curve.algorithm, der).ok().map(|pair| Self::Ec(pair, curve.oid))
    }

    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(_, pkcs1) => pem::encode("RSA PRIVATE KEY", pkcs1),
            Self::Ec(pair, oid) => {
                let secret: Result<EcPrivateKeyBin<'_>, _> = pair.private_key().as_be_bytes();
                let secret = secret.map(|secret| secret.as_ref().to_vec()).unwrap_or_default();
                let key = der::sequence(&[
                    &der::unsigned(&[1]),
                    &der::value(der::OCTET_STRING, &secret),
                    &der::value(0xA0, &der::value(der::OID, oid)),
                    &der::value(0xA1, &der::bits(pair.public_key().as_ref())),
                ]);
                pem::encode("EC PRIVATE KEY", &key)
            }
            Self::Ed25519(pair) => {
                let pkcs8 = pair.to_pkcs8v1().map(|document| document.as_ref().to_vec());
                pem::encode("PRIVATE KEY", &pkcs8.unwrap_or_default())
            }
        }
    }

    /// The bits of the public key, without their algorithm.
    pub(super) fn public_bits(&self) -> &[u8] {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref(),
            Self::Ec(pair, _) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// The public key as certificates hold it.
    pub(super) fn public_info(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Rsa(..) => [der::value(der::OID, RSA), der::NULL.to_vec()].concat(),
            Self::Ec(_, oid) => [der::value(der::OID, EC), der::value(der::OID, oid)].concat(),
            Self::Ed25519(_) => der::value(der::OID, ED25519),
        };
        der::sequence(&[&der::value(der::SEQUENCE, &algorithm), &der::bits(self.public_bits())])
    }

    /// How this key signs, as certificates name it.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let content = match self {
            Self::Rsa(..) => [der::value(der::OID, RSA_SHA256), der::NULL.to_vec()].concat(),
            Self::Ec(_, oid) => {
                let curve = CURVES.iter().find(|curve| curve.oid == *oid);
                der::value(der::OID, curve.map_or(&[], |curve| curve.signature))
            }
            Self::Ed25519(_) => der::value(der::OID, ED25519),
        };
        der::value(der::SEQUENCE, &content)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, FuncError> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Rsa(pair, _) => {
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signed).map_err(failed)?;
                signed
            }
            Self::Ec(pair, _) => pair.sign(&random, message).map_err(failed)?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }
}

fn failed<E>(_: E) -> FuncError {
    FuncError::new("failed to generate or use a private key")
}

/// Algorithm, its parameter if that is a name, and the key within PKCS#8.
type Pkcs8<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

fn pkcs8_parts(der: &[u8]) -> Option<Pkcs8<'_>> {
    let mut outer = Reader(Reader(der).take(der::SEQUENCE)?);
    outer.take(der::INTEGER)?;
    let mut algorithm = Reader(outer.take(der::SEQUENCE)?);
    let oid = algorithm.take(der::OID)?;
    Some((oid, algorithm.take(der::OID), outer.take(der::OCTET_STRING)?))
}
