//! Writing a PKCS#12 file in the modern form of `go-pkcs12`.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use super::password::{Password, bmp};
use super::{cipher, mac};
use crate::{Error, der, oid};

const ITERATIONS: NonZeroU32 = NonZeroU32::new(2_048).unwrap();
const RANDOM: usize = 16;

/// One entry of a safe.
pub(super) struct Bag(Zeroizing<Vec<u8>>);

impl Bag {
    pub(super) fn certificate(certificate: &[u8], attributes: &[&[u8]]) -> Self {
        let content = der::value(der::explicit(0), &[&der::value(der::OCTET_STRING, &[certificate])]);
        let value = der::sequence(&[&der::value(der::OID, &[oid::X509_CERTIFICATE]), &content]);
        Self::new(oid::CERTIFICATE_BAG, &value, attributes)
    }

    fn key(pkcs8: &[u8], attributes: &[&[u8]], password: &Password) -> Result<Self, Error> {
        let (algorithm, sealed) = seal(pkcs8, password)?;
        let value = der::sequence(&[&algorithm, &der::value(der::OCTET_STRING, &[&sealed])]);
        Ok(Self::new(oid::SHROUDED_KEY_BAG, &value, attributes))
    }

    fn new(kind: &[u8], value: &[u8], attributes: &[&[u8]]) -> Self {
        let (kind, value) = (der::value(der::OID, &[kind]), der::value(der::explicit(0), &[value]));
        if attributes.is_empty() {
            return Self(der::sequence(&[&kind, &value]));
        }
        // A set is sorted.
        let mut attributes = attributes.to_vec();
        attributes.sort_unstable();
        Self(der::sequence(&[&kind, &value, &der::value(der::SET, &attributes)]))
    }
}

/// What ties a key to its certificate: the certificate's fingerprint.
pub(super) fn local_key_id(certificate: &[u8]) -> Zeroizing<Vec<u8>> {
    let fingerprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    attribute(oid::LOCAL_KEY_ID, &der::value(der::OCTET_STRING, &[fingerprint.as_ref()]))
}

/// What Java calls an entry.
pub(super) fn friendly_name(name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(attribute(oid::FRIENDLY_NAME, &der::value(der::BMP_STRING, &[&bmp(name)?])))
}

/// What makes Java trust a certificate, for every usage.
pub(super) fn trusted_for_all() -> Zeroizing<Vec<u8>> {
    attribute(oid::TRUSTED_KEY_USAGE, &der::value(der::OID, &[oid::ANY_EXTENDED_KEY_USAGE]))
}

/// A file of certificates in one encrypted safe and, if there is a key with its identifier, of that in a second one.
pub(super) fn file(
    certificates: &[Bag],
    key: Option<(&[u8], &[u8])>,
    password: &Password,
) -> Result<Vec<u8>, Error> {
    let (algorithm, sealed) = seal(&safe(certificates), password)?;
    let sealed = der::value(der::context(0), &[&sealed]);
    let info = der::sequence(&[&der::value(der::OID, &[oid::DATA]), &algorithm, &sealed]);
    let encrypted = der::sequence(&[&der::unsigned(&[0]), &info]);
    let mut safes = vec![content_info(oid::ENCRYPTED_DATA, &encrypted)];
    if let Some((key, id)) = key {
        let bag = safe(&[Bag::key(key, &[id], password)?]);
        safes.push(content_info(oid::DATA, &der::value(der::OCTET_STRING, &[&bag])));
    }
    let safes: Vec<&[u8]> = safes.iter().map(|safe| safe.as_slice()).collect();
    let contents = der::sequence(&safes);

    let salt = random()?;
    let sum = mac::sha256(&contents, &salt, ITERATIONS, password);
    let algorithm = der::sequence(&[&der::value(der::OID, &[oid::SHA256])]);
    let sum = der::sequence(&[&algorithm, &der::value(der::OCTET_STRING, &[&sum])]);
    let mac = der::sequence(&[&sum, &der::value(der::OCTET_STRING, &[&salt]), &iterations()]);
    let contents = content_info(oid::DATA, &der::value(der::OCTET_STRING, &[&contents]));
    Ok(der::sequence(&[&der::unsigned(&[3]), &contents, &mac]).to_vec())
}

fn attribute(name: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
    der::sequence(&[&der::value(der::OID, &[name]), &der::value(der::SET, &[value])])
}

fn safe(bags: &[Bag]) -> Zeroizing<Vec<u8>> {
    let bags: Vec<&[u8]> = bags.iter().map(|bag| bag.0.as_slice()).collect();
    der::sequence(&bags)
}

fn content_info(kind: &[u8], content: &[u8]) -> Zeroizing<Vec<u8>> {
    der::sequence(&[&der::value(der::OID, &[kind]), &der::value(der::explicit(0), &[content])])
}

/// PBES2 with AES-256-CBC: the identifier of the algorithm and what it made of the text.
fn seal(plain: &[u8], password: &Password) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Error> {
    let (salt, vector) = (random()?, random()?);
    let function = der::sequence(&[&der::value(der::OID, &[oid::HMAC_SHA256]), der::NULL]);
    let parameters = der::sequence(&[&der::value(der::OCTET_STRING, &[&salt]), &iterations(), &function]);
    let derivation = der::sequence(&[&der::value(der::OID, &[oid::PBKDF2]), &parameters]);
    let scheme = &[&*der::value(der::OID, &[oid::AES256_CBC]), &*der::value(der::OCTET_STRING, &[&vector])];
    let scheme = der::sequence(&scheme.map(Vec::as_slice));
    let parameters = der::sequence(&[&derivation, &scheme]);
    let algorithm = der::sequence(&[&der::value(der::OID, &[oid::PBES2]), &parameters]);

    let key = super::derive::pbkdf2_sha256(password.text(), &salt, ITERATIONS);
    let sealed = cipher::encrypt(&key, &vector, plain);
    Ok((algorithm, sealed))
}

fn iterations() -> Zeroizing<Vec<u8>> {
    der::unsigned(&ITERATIONS.get().to_be_bytes())
}

fn random() -> Result<[u8; RANDOM], Error> {
    let mut bytes = [0; RANDOM];
    rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
