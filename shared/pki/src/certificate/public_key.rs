//! Public keys within certificates: refused where Go refuses them, and not kept.

use crate::der::{self, Reader};
use crate::key::elliptic::Curve;
use crate::oid;

pub(super) fn check(mut info: Reader<'_>) -> Result<(), &'static str> {
    let algorithm = info.sequence().ok_or("malformed public key algorithm identifier")?;
    let (algorithm, parameters) =
        super::algorithm(algorithm).ok_or("malformed public key algorithm identifier")?;
    let (bits, unused) = info.bit_string().ok_or("malformed subjectPublicKey")?;
    // Go shifts bits that do not fill their last byte. Keys always fill it.
    if unused != 0 && [oid::RSA, oid::EC, oid::ED25519, oid::X25519, oid::DSA].contains(&algorithm) {
        return Err("malformed subjectPublicKey");
    }
    match algorithm {
        oid::RSA if parameters != der::NULL => Err("RSA key missing NULL parameters"),
        oid::RSA => rsa(bits).ok_or("invalid RSA public key"),
        oid::EC => {
            let curve = Reader(parameters).oid().ok_or("invalid ECDSA parameters")?;
            elliptic(curve, bits)
        }
        oid::ED25519 | oid::X25519 if !parameters.is_empty() => Err("key encoded with illegal parameters"),
        oid::ED25519 | oid::X25519 if bits.len() != 32 => Err("wrong public key size"),
        oid::DSA => dsa(parameters, bits).ok_or("invalid DSA public key"),
        _ => Ok(()),
    }
}

fn rsa(bits: &[u8]) -> Option<()> {
    let mut key = Reader(bits).sequence()?;
    key.positive()?;
    key.small().filter(|exponent| *exponent > 0).map(drop)
}

fn elliptic(curve: &[u8], point: &[u8]) -> Result<(), &'static str> {
    let valid = match Curve::from_oid(curve) {
        Some(curve) => curve.has_point(point),
        // aws-lc does not have this curve: whether the point is on it stays open.
        None if curve == oid::P224 => point.len() == 57 && point.first() == Some(&4),
        None => return Err("unsupported elliptic curve"),
    };
    if valid { Ok(()) } else { Err("invalid point of its curve") }
}

fn dsa(parameters: &[u8], bits: &[u8]) -> Option<()> {
    Reader(bits).positive()?;
    let mut parameters = Reader(parameters).sequence()?;
    (0..3).try_for_each(|_| parameters.positive().map(drop))
}
