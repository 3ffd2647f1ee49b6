//! Private keys: read from each of their forms, written as PKCS#8 the way Go writes it.

pub(crate) mod elliptic;
mod number;
pub(crate) mod rsa;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use self::elliptic::EllipticKey;
use self::rsa::RsaKey;
use crate::der::{self, Reader};
use crate::{Error, oid};

/// A private key whose parts belong together.
pub(crate) enum PrivateKey {
    Rsa(RsaKey),
    Elliptic(EllipticKey),
    /// The seed.
    Ed25519(Zeroizing<[u8; 32]>),
    /// The scalar.
    X25519(Zeroizing<[u8; 32]>),
}

impl PrivateKey {
    /// Reads PKCS#1, PKCS#8 or SEC 1, whatever the PEM block around it was called.
    pub(crate) fn from_any_form(der: &[u8]) -> Result<Self, Error> {
        if let Ok(key) = RsaKey::from_pkcs1(der) {
            return Ok(Self::Rsa(key));
        }
        if let Ok(key) = Self::from_pkcs8(der) {
            return Ok(key);
        }
        EllipticKey::from_sec1(der, None).map(Self::Elliptic).map_err(|_| Error::KeyForm)
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let (algorithm, parameters, key) = pkcs8_parts(der).ok_or(Error::Key("it is not PKCS#8"))?;
        match algorithm {
            oid::RSA => RsaKey::from_pkcs1(key).map(Self::Rsa),
            oid::EC => EllipticKey::from_sec1(key, Reader(parameters).oid()).map(Self::Elliptic),
            oid::ED25519 | oid::X25519 => {
                let bytes = Reader(key).take(der::OCTET_STRING).filter(|_| parameters.is_empty());
                let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                let bytes = Zeroizing::new(bytes.ok_or(Error::Key("it does not have 32 bytes"))?);
                Ok(if algorithm == oid::ED25519 { Self::Ed25519(bytes) } else { Self::X25519(bytes) })
            }
            _ => Err(Error::Key("RSA, P-256, P-384, P-521, Ed25519 and X25519 are known")),
        }
    }

    /// PKCS#8 without attributes and without a public key beside the private one, except within a key of a curve.
    pub(crate) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => {
                (der::sequence(&[&der::value(der::OID, &[oid::RSA]), der::NULL]), key.to_pkcs1())
            }
            Self::Elliptic(key) => (key.algorithm(), key.to_sec1()),
            Self::Ed25519(seed) => (plain_algorithm(oid::ED25519), der::value(der::OCTET_STRING, &[&**seed])),
            Self::X25519(scalar) => {
                (plain_algorithm(oid::X25519), der::value(der::OCTET_STRING, &[&**scalar]))
            }
        };
        der::sequence(&[&der::unsigned(&[0]), &algorithm, &der::value(der::OCTET_STRING, &[&key])])
    }
}

/// The public key of an Ed25519 seed.
pub(crate) fn ed25519_public(seed: &[u8]) -> Option<[u8; 32]> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    pair.public_key().as_ref().try_into().ok()
}

/// The identifier of an algorithm without parameters.
pub(crate) fn plain_algorithm(oid: &[u8]) -> Zeroizing<Vec<u8>> {
    der::sequence(&[&der::value(der::OID, &[oid])])
}

/// Algorithm, its parameters whole, and the key within PKCS#8. What follows is not looked at, as in Go.
fn pkcs8_parts(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut outer = Reader(der).sequence()?;
    outer.small()?;
    let mut algorithm = outer.sequence()?;
    let oid = algorithm.oid()?;
    let parameters = if algorithm.is_empty() { &[] } else { algorithm.next()?.whole };
    Some((oid, parameters, outer.take(der::OCTET_STRING)?))
}
