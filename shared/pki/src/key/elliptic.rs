//! Private and public keys of the curves P-256, P-384 and P-521.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, EcdsaVerificationAlgorithm,
    ParsedPublicKey,
};
use zeroize::Zeroizing;

use crate::der::{self, Reader, strip_zeros};
use crate::{Error, oid};

/// One of the curves.
pub(crate) struct Curve {
    oid: &'static [u8],
    /// What a JWK calls it.
    name: &'static str,
    /// The length of a coordinate and of a private key, in bytes.
    size: usize,
    agreement: &'static agreement::Algorithm,
    verification: &'static EcdsaVerificationAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        oid: oid::P256,
        name: "P-256",
        size: 32,
        agreement: &ECDH_P256,
        verification: &ECDSA_P256_SHA256_ASN1,
    },
    Curve {
        oid: oid::P384,
        name: "P-384",
        size: 48,
        agreement: &ECDH_P384,
        verification: &ECDSA_P384_SHA384_ASN1,
    },
    Curve {
        oid: oid::P521,
        name: "P-521",
        size: 66,
        agreement: &ECDH_P521,
        verification: &ECDSA_P521_SHA512_ASN1,
    },
];

impl Curve {
    pub(crate) fn from_oid(oid: &[u8]) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.oid == oid)
    }

    pub(crate) fn from_name(name: &str) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.name == name)
    }

    fn algorithm(&self) -> Zeroizing<Vec<u8>> {
        der::sequence(&[&der::value(der::OID, &[oid::EC]), &der::value(der::OID, &[self.oid])])
    }

    /// A point from its coordinates, which may lack zeros in front or have too many, if it is on the curve.
    pub(crate) fn point(&self, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
        let (x, y) = (padded(x, self.size)?, padded(y, self.size)?);
        let point = [&[4], &**x, &**y].concat();
        self.has_point(&point).then_some(point)
    }

    /// Whether an uncompressed point is on the curve.
    pub(crate) fn has_point(&self, point: &[u8]) -> bool {
        point.first() == Some(&4)
            && point.len() == 1 + 2 * self.size
            && ParsedPublicKey::new(self.verification, point).is_ok()
    }

    /// The public key with its algorithm, from a point on the curve.
    pub(crate) fn public_info(&self, point: &[u8]) -> Zeroizing<Vec<u8>> {
        der::sequence(&[&self.algorithm(), &der::bits(point)])
    }
}

/// A private key with its public one.
pub(crate) struct EllipticKey {
    curve: &'static Curve,
    scalar: Zeroizing<Vec<u8>>,
    point: Vec<u8>,
}

impl EllipticKey {
    /// Reads SEC 1. A curve that is named around the key counts more than the one within it.
    pub(crate) fn from_sec1(der: &[u8], around: Option<&[u8]>) -> Result<Self, Error> {
        let (scalar, within) = sec1_parts(der).ok_or(Error::Key("it is not an EC key"))?;
        let curve = around.or(within).and_then(Curve::from_oid);
        Self::new(curve.ok_or(Error::Key("the curve is not P-256, P-384 or P-521"))?, scalar)
    }

    /// From the private number, which may lack zeros in front or have too many.
    pub(crate) fn new(curve: &'static Curve, scalar: &[u8]) -> Result<Self, Error> {
        const RANGE: Error = Error::Key("the number of the EC key is not within its curve");
        let scalar = padded(scalar, curve.size).ok_or(RANGE)?;
        let key = agreement::PrivateKey::from_private_key(curve.agreement, &scalar).map_err(|_| RANGE)?;
        let point = key.compute_public_key().map_err(|_| RANGE)?.as_ref().to_vec();
        Ok(Self { curve, scalar, point })
    }

    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    pub(crate) fn scalar(&self) -> &[u8] {
        &self.scalar
    }

    /// What a JWK calls its curve.
    pub(crate) fn curve_name(&self) -> &'static str {
        self.curve.name
    }

    pub(crate) fn algorithm(&self) -> Zeroizing<Vec<u8>> {
        self.curve.algorithm()
    }

    /// SEC 1 without the curve, which stands around it.
    pub(crate) fn to_sec1(&self) -> Zeroizing<Vec<u8>> {
        der::sequence(&[
            &der::unsigned(&[1]),
            &der::value(der::OCTET_STRING, &[&self.scalar]),
            &der::value(der::explicit(1), &[&der::bits(&self.point)]),
        ])
    }
}

/// The private number and the curve, if it is named.
fn sec1_parts(der: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut key = Reader(der).sequence()?;
    key.small().filter(|version| *version == 1)?;
    let scalar = key.take(der::OCTET_STRING)?;
    let curve = match key.optional(der::explicit(0))? {
        Some(inner) => Some(Reader(inner).oid()?),
        None => None,
    };
    // The public key is computed anew, but must be one by its form: what else follows tells of a damaged key.
    if !key.is_empty() {
        Reader(key.take(der::explicit(1))?).bit_string()?;
    }
    Some((scalar, curve))
}

fn padded(bytes: &[u8], size: usize) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = strip_zeros(bytes);
    let mut out = Zeroizing::new(vec![0; size]);
    out.get_mut(size.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(out)
}
